import { EngineError } from '../../engine/index.ts'
import type { LoopPorts } from './ports.ts'

/** Milliseconds between two looks at what removed sources left. */
const interval = 60_000

/** At the start, for what a crash left, and again and again: each source that comes and goes leaves a whole repository. */
export async function watchRemoved(
  { clock, log }: Pick<LoopPorts, 'clock' | 'log'>,
  forgetRemoved: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await forgetRemoved()
    } catch (error) {
      const reason = error instanceof EngineError ? error.code : 'internal'
      log.warn('the caches of removed sources could not be removed', { reason })
    }
    await clock.sleep(interval, signal).catch(() => undefined)
  }
}
