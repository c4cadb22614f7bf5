import { EngineError } from '../../engine/index.ts'
import { openPlans } from '../records/plan-records.ts'
import { allSources } from '../records/source-records.ts'
import type { Source } from '../sources/source.ts'
import { nextPoll } from './backoff.ts'
import type { LoopPorts } from './ports.ts'

/** Seconds between two looks at a forge's open pull requests; webhooks make it faster, nothing depends on them. */
const interval = 60
/** Forges asked at the same time. */
const mostLooks = 16

type Wake = (source: Source, number: number) => Promise<void>
/** What was last seen of each open pull request, by number. */
type Seen = Map<number, string>

/**
 * Wakes the preview of each pull request to which something happened: it was opened, pushed to, commented, reviewed or
 * ended, or the branch on which its plan stands moved.
 */
export async function watchPullRequests(ports: LoopPorts, wake: Wake, signal: AbortSignal): Promise<void> {
  const seen = new Map<string, Seen>()
  const looking = new Map<string, Promise<void>>()
  while (!signal.aborted) {
    try {
      const sources = await allSources(ports.store)
      const known = new Set(sources.map(({ id }) => id))
      for (const id of seen.keys()) if (!known.has(id)) seen.delete(id)
      for (const source of sources) {
        const { id, suspended, spec } = source
        if (suspended || !spec.forge || looking.has(id)) continue
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

  async function lookAt(source: Source): Promise<void> {
    try {
      seen.set(source.id, await look(ports, source, seen.get(source.id), wake))
    } catch (error) {
      ports.log.warn('the forge did not answer', { source: source.spec.name, reason: reasonOf(error) })
    }
  }
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
