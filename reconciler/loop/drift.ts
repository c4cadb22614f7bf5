import { EngineError } from '../../engine/index.ts'
import { allSources, sourceById } from '../records/source-records.ts'
import type { Source } from '../sources/source.ts'
import type { LoopPorts } from './ports.ts'

/** Seconds in which every source is looked at once for what changed outside. */
const usualInterval = 600

/**
 * On a schedule every well source is looked at in full, although its head did not move: a certificate revoked, an
 * account deactivated, credentials dead, a zone gone. The pass shows it, and heals it only where that is asked for.
 * They take turns over the whole interval: all at once, they would keep a commit waiting until the last is done.
 */
export async function watchDrift(
  ports: Pick<LoopPorts, 'store' | 'clock' | 'log'>,
  wake: (source: Source) => Promise<void>,
  signal: AbortSignal,
  interval = usualInterval,
): Promise<void> {
  const { store, clock, log } = ports
  const sleep = (milliseconds: number) => clock.sleep(milliseconds, signal).catch(() => undefined)
  while (!signal.aborted) {
    const round = await allSources(store).catch(told)
    const turn = (interval * 1000) / (round.length + 1)
    await sleep(turn)
    for (const { tenant, id } of round) {
      if (signal.aborted) return
      await look(tenant, id).catch(told)
      await sleep(turn)
    }
  }

  async function look(tenant: string, id: string): Promise<void> {
    // As it is by now; it may have gone since the round began.
    const source = await sourceById(store, tenant, id)
    if (!source.suspended && source.appliedCommit !== undefined) await wake(source)
  }

  /** A state that cannot be reached now is in the next round. */
  function told(error: unknown): Source[] {
    log.debug('a look for drift was left out', { reason: error instanceof EngineError ? error.code : 'internal' })
    return []
  }
}
