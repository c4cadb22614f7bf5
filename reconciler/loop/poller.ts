import { EngineError } from '../../engine/index.ts'
import { allSources, sourceById } from '../records/source-records.ts'
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
  /** Called at every round, so that others see that polling goes on. */
  beat(): void
}

/** How often the list of sources itself is looked at again, in milliseconds. */
const rosterInterval = 5000
/** Looks under way at the same time: a server that does not answer must not keep the others from being asked. */
const mostLooks = 32

interface Polling {
  sources: readonly Source[]
  /** When `sources` is read anew. */
  rosterAt: number
  readonly due: Map<string, Date>
  readonly looking: Map<string, Promise<void>>
}

/**
 * Polls every source within its interval. The times are in memory only: after a start everything is looked at once,
 * spread over the interval, and what a pass has to do is a durable job.
 */
export async function poll(ports: PollPorts, signal: AbortSignal): Promise<void> {
  const polling: Polling = { sources: [], rosterAt: 0, due: new Map(), looking: new Map() }
  while (!signal.aborted) {
    let next = ports.clock.now().getTime() + rosterInterval
    try {
      next = await round(ports, polling, signal)
    } catch (error) {
      // A state that cannot be read now may be in a moment; without polling the service would only seem to live.
      ports.log.warn('sources could not be polled', { reason: error instanceof EngineError ? error.code : 'internal' })
    }
    const pause = Math.min(rosterInterval, Math.max(50, next - ports.clock.now().getTime()))
    await ports.clock.sleep(pause, signal).catch(() => undefined)
  }
  await Promise.all(polling.looking.values())
}

/** Begins to look at every source that is due; answers when the next one may be, in milliseconds of the clock. */
async function round(ports: PollPorts, polling: Polling, signal: AbortSignal): Promise<number> {
  const { due, looking } = polling
  const now = ports.clock.now()
  const isSetBack = polling.rosterAt - now.getTime() > rosterInterval
  if (now.getTime() >= polling.rosterAt || isSetBack) {
    // Nobody is silent until the clock has caught up with what it said before.
    if (isSetBack) due.clear()
    polling.sources = await allSources(ports.store)
    polling.rosterAt = now.getTime() + rosterInterval
    const known = new Set(polling.sources.map(({ id }) => id))
    for (const id of due.keys()) if (!known.has(id)) due.delete(id)
  }
  ports.beat()
  let next = polling.rosterAt
  for (const source of polling.sources) {
    const { id, suspended, spec } = source
    if (suspended || looking.has(id)) continue
    const at = due.get(id) ?? firstPoll(ports, now, source)
    due.set(id, at)
    if (at <= now && looking.size < mostLooks) {
      due.set(id, nextPoll(now, spec.interval, ports.random))
      looking.set(
        id,
        look(ports, source, signal).finally(() => looking.delete(id)),
      )
    } else next = Math.min(next, at.getTime())
  }
  return next
}

/** A source that was never looked at is looked at now; the others are spread over their interval. */
function firstPoll(ports: PollPorts, now: Date, { spec, observedCommit }: Source): Date {
  if (observedCommit === undefined) return now
  const [octet = 0] = ports.random.bytes(1)
  return new Date(now.getTime() + (spec.interval * 1000 * octet) / 256)
}

/** A failing look wakes the pass as well: it is the pass that turns failures into conditions and backoff. */
async function look(ports: PollPorts, listed: Source, signal: AbortSignal): Promise<void> {
  const { store, log } = ports
  try {
    // As it is by now: the list is seconds old, and with the place before the cache would be opened for that one again.
    const asked = await sourceById(store, listed.tenant, listed.id)
    if (asked.suspended) return
    const head = await ports.headOf(asked, signal).catch((error: unknown) => ({ error }))
    if (signal.aborted) return
    // And once more: a pass may have seen this very commit since the list was read.
    const source = await sourceById(store, listed.tenant, listed.id)
    if (typeof head === 'string' ? head === source.observedCommit : isKnown(ports, source, head.error)) return
    await ports.wake(source)
  } catch (error) {
    // It was removed meanwhile, or the state cannot be written now; the next look is near.
    log.debug('poll failed', { source: listed.spec.name, error: error instanceof Error ? error.message : '' })
  }
}

/** Whether a pass would only find out the same again: it is tried again already, or stalled by this very failure. */
function isKnown({ clock, random, log }: PollPorts, source: Source, error: unknown): boolean {
  const { conditions, failures, spec } = source
  log.debug('poll failed', { source: spec.name, error: error instanceof Error ? error.message : '' })
  if (failures > 0) return true
  const outcome = outcomeOf(error, { now: clock.now(), failures, random })
  const stalled = conditions.find(({ type, status }) => type === 'Stalled' && status === 'True')
  return outcome.type === 'stalled' && stalled?.reason === outcome.reason && stalled.message === outcome.message
}
