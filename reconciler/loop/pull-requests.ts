import { EngineError } from '../../engine/index.ts'
import { deliveryCollection } from '../records/hooks.ts'
import { openPlans } from '../records/plan-records.ts'
import { allSources } from '../records/source-records.ts'
import type { Source } from '../sources/source.ts'
import { nextPoll } from './backoff.ts'
import type { LoopPorts } from './ports.ts'

/** Seconds between two looks at a forge's open pull requests; webhooks make it faster, nothing depends on them. */
const interval = 60
/** Seconds between two looks while webhooks arrive, and within which one has to have come: then polling only mends. */
const hookedInterval = 300
const hookedWithin = 3600
/** Forges asked at the same time. */
const mostLooks = 16

type Wake = (source: Source, number: number) => Promise<void>
/** What was last seen of each open pull request, by number. */
type Seen = Map<number, string>

/** How long a source is left alone, in milliseconds of the clock. */
interface Rest {
  readonly since: number
  readonly until: number
  /** A branch that moved ends it; undefined where the forge itself asked for it. */
  readonly unless?: string
}

/**
 * Wakes the preview of each pull request to which something happened: it was opened, pushed to, commented, reviewed or
 * ended, or the branch on which its plan stands moved.
 */
export async function watchPullRequests(ports: LoopPorts, wake: Wake, signal: AbortSignal): Promise<void> {
  const seen = new Map<string, Seen>()
  const rests = new Map<string, Rest>()
  const looking = new Map<string, Promise<void>>()
  while (!signal.aborted) {
    try {
      const sources = await allSources(ports.store)
      const known = new Set(sources.map(({ id }) => id))
      for (const id of seen.keys()) if (!known.has(id)) seen.delete(id)
      for (const id of rests.keys()) if (!known.has(id)) rests.delete(id)
      for (const source of sources) {
        const { id, suspended, spec } = source
        if (suspended || !spec.forge || looking.has(id) || isResting(source)) continue
        // A forge that keeps us waiting keeps no other source from being looked at.
        while (looking.size >= mostLooks && !signal.aborted) await Promise.race(looking.values())
        if (signal.aborted) break
        looking.set(
          id,
          lookAt(source).finally(() => looking.delete(id)),
        )
      }
    } catch (error) {
      // A state that cannot be read now may be in a moment.
      ports.log.warn('pull requests could not be looked at', { reason: reasonOf(error) })
    }
    const now = ports.clock.now()
    const pause = nextPoll(now, interval, ports.random).getTime() - now.getTime()
    await ports.clock.sleep(pause, signal).catch(() => undefined)
  }
  await Promise.all(looking.values())

  function isResting({ id, appliedCommit }: Source): boolean {
    const rest = rests.get(id)
    const now = ports.clock.now().getTime()
    // A clock that was set back ends it too.
    if (!rest || now < rest.since || now >= rest.until) return false
    return rest.unless === undefined || rest.unless === String(appliedCommit)
  }

  async function lookAt(source: Source): Promise<void> {
    const { id, appliedCommit } = source
    const since = ports.clock.now().getTime()
    try {
      seen.set(id, await look(ports, source, seen.get(id), wake))
      const seconds = (await isHooked(ports, source)) ? hookedInterval : 0
      rests.set(id, { since, until: since + seconds * 1000, unless: String(appliedCommit) })
    } catch (error) {
      // Asking again before the time that the forge named would only be refused again.
      const seconds = error instanceof EngineError ? (error.retryAfter ?? 0) : 0
      rests.set(id, { since, until: since + seconds * 1000 })
      ports.log.warn('the forge did not answer', { source: source.spec.name, reason: reasonOf(error) })
    }
  }
}

/** Whether webhooks of the source have been arriving. */
async function isHooked({ store, clock }: LoopPorts, { tenant, id }: Source): Promise<boolean> {
  const query = { collection: deliveryCollection, parent: id, newestFirst: true, limit: 1 }
  const [newest] = await store.records(tenant, query)
  return newest !== undefined && clock.now().getTime() - Date.parse(newest.createdAt) < hookedWithin * 1000
}

/** The words of a bug may hold anything. */
const reasonOf = (error: unknown) => (error instanceof EngineError ? `${error.code}: ${error.message}` : 'internal')

async function look(ports: LoopPorts, source: Source, before: Seen | undefined, wake: Wake): Promise<Seen> {
  const forge = await ports.forgeOf(source)
  const open = (await forge?.openPullRequests(source.spec.branch)) ?? []
  const now: Seen = new Map(
    open.map(({ number, headCommit, updatedAt }) => [number, `${headCommit} ${updatedAt} ${source.appliedCommit}`]),
  )
  for (const [number, state] of now) if (before?.get(number) !== state) await wake(source, number)
  for (const number of before?.keys() ?? (await planned(ports, source)))
    if (!now.has(number)) await wake(source, number)
  return now
}

/** Pull requests that had a plan when the service was stopped. */
async function planned(ports: LoopPorts, source: Source): Promise<ReadonlySet<number>> {
  const plans = await openPlans(ports.store, source)
  return new Set(plans.flatMap(({ pullRequest }) => pullRequest ?? []))
}
