import { EngineError } from '../../engine/index.ts'
import { allSources } from '../records/source-records.ts'
import type { Source } from '../sources/source.ts'
import { nextPoll } from './backoff.ts'
import { outcomeOf } from './outcome.ts'
import type { LoopPorts } from './ports.ts'

/** What polling needs beyond the pass: a cheap look at the branch, and the queue. */
export interface PollPorts extends LoopPorts {
  /** The branch's head without fetching anything. Throws what a fetch would. */
  headOf(source: Source, signal: AbortSignal): Promise<string>
  /** Durable when it resolves; several that wait become one. */
  wake(source: Source): Promise<void>
  /** Called at every step, so that others see that polling goes on. */
  beat(): void
}

/** How often the list of sources itself is looked at again, in milliseconds. */
const rosterInterval = 5000

/**
 * Polls every source around its interval. The times are in memory only: after a start everything is looked at once,
 * spread over the interval, and what a pass has to do is a durable job.
 */
export async function poll(ports: PollPorts, signal: AbortSignal): Promise<void> {
  const due = new Map<string, Date>()
  while (!signal.aborted) {
    let next = rosterInterval
    try {
      next = await round(ports, due, signal)
    } catch (error) {
      // A state that cannot be read now may be in a moment; without polling the service would only seem to live.
      ports.log.warn('sources could not be polled', { reason: error instanceof EngineError ? error.code : 'internal' })
    }
    await ports.clock.sleep(Math.max(50, next), signal).catch(() => undefined)
  }
}

/** Looks at every source that is due; answers the milliseconds until the next one may be. */
async function round(ports: PollPorts, due: Map<string, Date>, signal: AbortSignal): Promise<number> {
  const now = ports.clock.now()
  const sources = await allSources(ports.store)
  ports.beat()
  for (const id of due.keys()) if (!sources.some(source => source.id === id)) due.delete(id)
  for (const source of sources) {
    if (signal.aborted) break
    if (source.suspended) continue
    const at = due.get(source.id) ?? firstPoll(ports, now, source)
    due.set(source.id, at)
    if (at > ports.clock.now()) continue
    due.set(source.id, nextPoll(ports.clock.now(), source.spec.interval, ports.random))
    await look(ports, source, signal)
    ports.beat()
  }
  return Math.min(rosterInterval, ...[...due.values()].map(at => at.getTime() - ports.clock.now().getTime()))
}

/** A source that was never looked at is looked at now; the others are spread over their interval. */
function firstPoll(ports: PollPorts, now: Date, { spec, observedCommit }: Source): Date {
  if (observedCommit === undefined) return now
  const [octet = 0] = ports.random.bytes(1)
  return new Date(now.getTime() + (spec.interval * 1000 * octet) / 256)
}

/** A failing look wakes the pass as well: it is the pass that turns failures into conditions and backoff. */
async function look(ports: PollPorts, source: Source, signal: AbortSignal): Promise<void> {
  try {
    if ((await ports.headOf(source, signal)) === source.observedCommit) return
  } catch (error) {
    if (signal.aborted) return
    ports.log.debug('poll failed', { source: source.spec.name, error: error instanceof Error ? error.message : '' })
    if (source.failures > 0) return // it is being tried again already, with backoff
    if (isTold(ports, source, error)) return
  }
  await ports.wake(source)
}

/** Whether the source is stalled by this very failure: a pass would only write the same condition again. */
function isTold({ clock, random }: PollPorts, { conditions, failures }: Source, error: unknown): boolean {
  const outcome = outcomeOf(error, { now: clock.now(), failures, random })
  const stalled = conditions.find(({ type, status }) => type === 'Stalled' && status === 'True')
  return outcome.type === 'stalled' && stalled?.reason === outcome.reason && stalled.message === outcome.message
}
