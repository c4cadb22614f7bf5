import { DiagnosticsError, EngineError } from '../../engine/index.ts'
import type { CallContext } from '../ports.ts'
import type { EngineLog } from './engine-log.ts'

export interface CallOptions {
  /** The resource that messages belong to. */
  readonly urn?: string
  /** Seconds, from `customTimeouts`; 0 for none. */
  readonly timeout?: number
  /** Calls back when who called has gone away; what it returns takes that off again. */
  onHangUp?(listener: () => void): () => void
}

/** What runs now. */
export interface Calls {
  /** Runs `work` until it is over, and has the CLI hear all that it was told before. */
  run<T>(options: CallOptions, work: (context: CallContext) => Promise<T>): Promise<T>
  /** Aborts what runs now; later calls are not touched, because an attached process serves one update after the other. */
  abort(): void
  /** Resolves when nothing runs any more, or after that many milliseconds. */
  idle(within: number): Promise<void>
}

export function createCalls(log: EngineLog): Calls {
  const running = new Map<Promise<unknown>, AbortController>()

  async function attempt<T>(
    options: CallOptions,
    abort: AbortController,
    work: (context: CallContext) => Promise<T>,
  ): Promise<T> {
    const { signal } = abort
    const told: Promise<void>[] = []
    const seconds = options.timeout ?? 0
    // A timer counts at most 2^31 - 1 milliseconds, 24 days.
    const timer =
      seconds > 0 && setTimeout(() => abort.abort(timeIsUp(seconds)), Math.min(seconds * 1000, 2_147_483_647))
    const stay = options.onHangUp?.(() => abort.abort(cancelled()))
    try {
      return await work({ signal, tell: (severity, message) => told.push(log.tell(severity, message, options.urn)) })
    } catch (error) {
      throw signal.aborted ? whyAborted(signal.reason, error) : error
    } finally {
      if (timer) clearTimeout(timer)
      stay?.()
      await Promise.all(told)
    }
  }

  return {
    run(options, work) {
      const abort = new AbortController()
      const attempted = attempt(options, abort, work)
      running.set(attempted, abort)
      return attempted.finally(() => running.delete(attempted))
    },
    abort() {
      for (const abort of running.values()) abort.abort(cancelled())
    },
    async idle(within) {
      const late = new Promise<void>(resolve => setTimeout(resolve, within).unref())
      await Promise.race([Promise.allSettled(running.keys()), late])
    },
  }
}

const cancelled = (): EngineError =>
  new EngineError('interrupted', 'this was cancelled', {
    remedy: 'run `pulumi up` again: what was begun goes on from where it is',
  })

const timeIsUp = (seconds: number): EngineError =>
  new EngineError('backend_timeout', `this was not done within its custom timeout of ${seconds} s`, {
    remedy: 'run `pulumi up` again, which goes on from where it is, or raise customTimeouts of the resource',
  })

/** The reason, and beside it what the engine said of it; an error that has nothing to do with the end stays. */
function whyAborted(reason: unknown, error: unknown): unknown {
  if (error instanceof EngineError && error.code === 'interrupted' && reason instanceof EngineError) {
    return error === reason || reason.code === 'interrupted'
      ? error
      : new DiagnosticsError([reason.toDiagnostic(), error.toDiagnostic()])
  }
  return error instanceof Error && error.name === 'AbortError' ? reason : error
}
