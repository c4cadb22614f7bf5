import { allSources } from '../records/source-records.ts'
import type { Source } from '../sources/source.ts'
import { nextPoll } from './backoff.ts'
import type { LoopPorts } from './ports.ts'

/** Seconds between two looks at a forge's open pull requests; webhooks make it faster, nothing depends on them. */
const interval = 60

/** Wakes the preview of each open pull request whose head has no plan yet. */
export async function watchPullRequests(
  ports: LoopPorts,
  wake: (source: Source, number: number) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const seen = new Map<string, string>()
  while (!signal.aborted) {
    for (const source of await allSources(ports.store)) {
      if (source.suspended || !source.spec.forge || signal.aborted) continue
      try {
        const forge = await ports.forgeOf(source)
        for (const { number, headCommit } of (await forge?.openPullRequests(source.spec.branch)) ?? []) {
          const key = `${source.id} ${number}`
          if (seen.get(key) === headCommit) continue
          seen.set(key, headCommit)
          await wake(source, number)
        }
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
