import { EngineError } from '../index.ts'
import type { Io } from './io.ts'

/** The two ways in which a person stops a run. */
export interface Interrupts {
  /** The first signal: start nothing new, finish what runs. */
  readonly drain: AbortSignal
  /** The second: stop now. */
  readonly abort: AbortSignal
  stop(): void
}

/** Listens for SIGINT and SIGTERM; `tell` is called with each. */
export function interrupts(io: Io, tell: (which: 'first' | 'second') => void = () => {}): Interrupts {
  const drain = new AbortController()
  const abort = new AbortController()
  const stop = io.onInterrupt(() => {
    const which = drain.signal.aborted ? abort : drain
    if (abort.signal.aborted) return
    which.abort(new EngineError('interrupted', 'interrupted', { remedy: 'run the command again to go on' }))
    tell(which === drain ? 'first' : 'second')
  })
  return { drain: drain.signal, abort: abort.signal, stop }
}
