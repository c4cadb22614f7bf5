import { openPlans } from '../records/plan-records.ts'
import { allSources } from '../records/source-records.ts'
import type { Source } from '../sources/source.ts'
import { nextPoll } from './backoff.ts'
import type { LoopPorts } from './ports.ts'

/** Seconds between two looks at a forge's open pull requests; webhooks make it faster, nothing depends on them. */
const interval = 60

type Wake = (source: Source, number: number) => Promise<void>
/** What was last seen of each open pull request, by number. */
type Seen = Map<number, string>

/**
 * Wakes the preview of each pull request to which something happened: it was opened, pushed to, commented, reviewed or
 * ended, or the branch on which its plan stands moved.
 */
export async function watchPullRequests(ports: LoopPorts, wake: Wake, signal: AbortSignal): Promise<void> {
  const seen = new Map<string, Seen>()
  while (!signal.aborted) {
    for (const source of await allSources(ports.store)) {
      if (source.suspended || !source.spec.forge || signal.aborted) continue
      try {
        seen.set(source.id, await look(ports, source, seen.get(source.id), wake))
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error)
        ports.log.warn('the forge did not answer', { source: source.spec.name, error: message })
      }
    }
    const now = ports.clock.now()
    const pause = nextPoll(now, interval, ports.random).getTime() - now.getTime()
    await ports.clock.sleep(pause, signal).catch(() => undefined)
  }
}

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
