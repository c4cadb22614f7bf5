import { allSources } from '../records/source-records.ts'
import type { Source } from '../sources/source.ts'
import type { LoopPorts } from './ports.ts'

/** Between two looks at what changed outside, in milliseconds. */
const driftInterval = 10 * 60_000

/**
 * On a schedule every well source is looked at in full, although its head did not move: a certificate revoked, an
 * account deactivated, credentials dead, a zone gone. The pass shows it, and heals it only where that is asked for.
 */
export async function watchDrift(
  ports: LoopPorts,
  wake: (source: Source) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await ports.clock.sleep(driftInterval, signal).catch(() => undefined)
    if (signal.aborted) return
    for (const source of await allSources(ports.store)) {
      if (!source.suspended && source.appliedCommit !== undefined) await wake(source)
    }
  }
}
