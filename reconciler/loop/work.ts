import { EngineError, type EventType, type Mutation, told } from '../../engine/index.ts'
import type { RunningJob } from '../jobs/queue.ts'
import { findSource, saveSource } from '../records/source-records.ts'
import { type Condition, type Outcome, ownerOf, type Source } from '../sources/source.ts'
import { tellForge } from './commit-status.ts'
import { conditionsAfter, transitions } from './conditions.ts'
import { driftInWords } from './drift-notes.ts'
import { bugOf, outcomeOf } from './outcome.ts'
import { type PassResult, pass } from './pass.ts'
import type { LoopPorts } from './ports.ts'
import type { Trigger } from './runs.ts'

/**
 * The job `reconcile` (and `apply`, once a plan is approved): one pass, then what came of it as conditions, events and
 * the next attempt. Answers when to try again.
 */
export async function reconcileSource(
  ports: LoopPorts,
  job: RunningJob,
  request: { readonly source: string; readonly trigger: Trigger },
): Promise<{ readonly again: Date } | undefined> {
  const source = await findSource(ports.store, job.tenant, request.source)
  if (!source || source.suspended) return undefined
  const force = forcing.has(request.trigger) || isUnwell(source)
  const result = await attempt(ports, source, { trigger: request.trigger, force, signal: job.signal })
  // Cut short by a stop it failed at nothing: the job is given back as it was.
  if (job.signal.aborted && result.outcome.type !== 'ready')
    throw new EngineError('interrupted', 'the pass was stopped')
  const { spec } = source
  await ports.trace.span('reconcile.report', { source: spec.name }, () => report(ports, source, result))
  return result.outcome.type === 'waiting' ? { again: result.outcome.until } : undefined
}

/** What asks to look at everything although the head may not have moved. */
const forcing: ReadonlySet<Trigger> = new Set<Trigger>(['request', 'approval', 'drift', 'retry'])

/** A source whose last pass failed is looked at again although its head did not move. */
const isUnwell = ({ conditions }: Source) =>
  conditions.some(({ type, status }) => type === 'Ready' && status !== 'True')

async function attempt(
  ports: LoopPorts,
  source: Source,
  request: { readonly trigger: Trigger; readonly force: boolean; readonly signal: AbortSignal },
): Promise<PassResult> {
  try {
    return await pass(ports, source, request)
  } catch (error) {
    const bug = bugOf(error)
    if (bug) ports.log.warn('a pass failed by a bug', { source: source.spec.name, ...bug })
    const context = { now: ports.clock.now(), failures: source.failures, random: ports.random }
    return { outcome: outcomeOf(error, context) }
  }
}

/**
 * Writes conditions, commits, events and the word to the forge in one commit, on whatever the record is by now. What
 * looked at nothing and found nothing wrong leaves no trace.
 */
async function report(ports: LoopPorts, source: Source, result: PassResult): Promise<void> {
  const { outcome, observedCommit, appliedCommit, runId, isNews = false } = result
  if (outcome.type === 'ready' && runId === undefined) return
  const now = ports.clock.now()
  const latest = await findSource(ports.store, source.tenant, source.id)
  if (!latest) return
  const conditions = conditionsAfter(latest.conditions, outcome, now)
  const changed = transitions(latest.conditions, conditions)
  await saveSource(
    ports,
    latest,
    {
      conditions,
      failures: outcome.type === 'waiting' ? latest.failures + 1 : 0,
      ...(outcome.drift && { drift: outcome.drift }),
      ...(observedCommit !== undefined && { observedCommit, reportedCommit: observedCommit }),
      ...(appliedCommit !== undefined && { appliedCommit }),
    },
    ownerOf(source),
    at => [
      ...healedEvent(source, outcome, at),
      ...changed.flatMap(condition => eventOf(source, condition, at)),
      // Forges keep every status of a commit, so looks that find nothing new are not told.
      ...(isNews ? tellForge(ports, source, result) : []),
    ],
  )
}

const eventNames: Readonly<Record<string, EventType>> = {
  'Ready True': 'source.ready',
  'Stalled True': 'source.stalled',
  'Drifted True': 'source.drifted',
}

function eventOf(source: Source, { type, status, reason, message }: Condition, at: string): readonly Mutation[] {
  const name = eventNames[`${type} ${status}`]
  if (name === undefined) return []
  const { id: subject, spec } = source
  return [told(name, { at, actor: ownerOf(source), subject, data: { name: spec.name, reason, message } })]
}

/** What was found and mended by the same pass never was a condition, and is told all the same. */
function healedEvent(source: Source, { healed = [] }: Outcome, at: string): readonly Mutation[] {
  if (healed.length === 0) return []
  const data = { name: source.spec.name, reason: 'DriftHealed', message: driftInWords(healed) }
  return [told('source.drifted', { at, actor: ownerOf(source), subject: source.id, data })]
}
