import type { RecordMutation } from '../../engine/index.ts'
import type { RunningJob } from '../jobs/queue.ts'
import { conditionsAfter, transitions } from './conditions.ts'
import { outcomeOf } from './outcome.ts'
import { type PassResult, pass } from './pass.ts'
import { type KnownSource, type LoopPorts, ownerOf } from './ports.ts'
import type { Trigger } from './runs.ts'
import { saveSource, sourceById } from './source-records.ts'

/**
 * The job `reconcile` (and `apply`, once a plan is approved): one pass, then what came of it as conditions, events and
 * the next attempt. Answers when to try again.
 */
export async function reconcileSource(
  ports: LoopPorts,
  job: RunningJob,
  request: { readonly source: string; readonly trigger: Trigger },
): Promise<{ readonly again: Date } | undefined> {
  const source = await sourceById(ports.store, job.tenant, request.source)
  if (source.suspended) return undefined
  const force = forcing.has(request.trigger) || isUnwell(source)
  const result = await attempt(ports, source, { trigger: request.trigger, force, signal: job.signal })
  await report(ports, source, result)
  return result.outcome.type === 'waiting' ? { again: result.outcome.until } : undefined
}

/** What asks to look at everything although the head may not have moved. */
const forcing: ReadonlySet<Trigger> = new Set<Trigger>(['request', 'approval', 'drift', 'retry'])

/** A source whose last pass failed is looked at again although its head did not move. */
const isUnwell = ({ conditions }: KnownSource) =>
  conditions.some(({ type, status }) => type === 'Ready' && status !== 'True')

async function attempt(
  ports: LoopPorts,
  source: KnownSource,
  request: { readonly trigger: Trigger; readonly force: boolean; readonly signal: AbortSignal },
): Promise<PassResult> {
  try {
    return await pass(ports, source, request)
  } catch (error) {
    const context = { now: ports.clock.now(), failures: source.failures, random: ports.random }
    return { outcome: outcomeOf(error, context) }
  }
}

/** Writes conditions, commits and events in one commit, on whatever the record is by now. */
async function report(ports: LoopPorts, source: KnownSource, result: PassResult): Promise<void> {
  const { outcome, observedCommit, appliedCommit } = result
  const now = ports.clock.now()
  const latest = await sourceById(ports.store, source.tenant, source.id)
  const conditions = conditionsAfter(latest.conditions, outcome, now)
  const events = transitions(latest.conditions, conditions).flatMap(condition => eventOf(source, condition, now))
  await saveSource(
    ports,
    latest,
    {
      conditions,
      failures: outcome.type === 'waiting' ? latest.failures + 1 : 0,
      ...(observedCommit !== undefined && { observedCommit }),
      ...(appliedCommit !== undefined && { appliedCommit }),
    },
    ownerOf(source),
    events,
  )
}

function eventOf(
  source: KnownSource,
  { type, status, reason, message }: ReturnType<typeof conditionsAfter>[number],
  now: Date,
): readonly RecordMutation[] {
  const names: Readonly<Record<string, string>> = {
    'Ready True': 'source.ready',
    'Stalled True': 'source.stalled',
    'Drifted True': 'source.drifted',
  }
  const name = names[`${type} ${status}`]
  if (name === undefined) return []
  return [
    {
      type: 'append-log',
      entry: {
        log: 'event',
        at: now.toISOString(),
        type: name,
        actor: ownerOf(source),
        subject: source.id,
        data: { name: source.spec.name, reason, message },
      },
    },
  ]
}
