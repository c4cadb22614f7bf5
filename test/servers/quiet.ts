import type { Clock, Log, Trace } from '../../engine/core/ports.ts'

/** The machine's own clock as a port. */
export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const stop = () => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', stop)
        resolve()
      }, ms)
      signal?.addEventListener('abort', stop, { once: true })
    }),
}

/** Runs the work and tells nobody. */
export const quietTrace: Trace = { span: (_name, _attributes, work) => work() }

/** Keeps the warnings for a test to look at. */
export function recordingLog(): Log & { readonly warnings: string[] } {
  const warnings: string[] = []
  return {
    warnings,
    debug: () => undefined,
    info: () => undefined,
    warn: (message, fields) => void warnings.push(`${message} ${JSON.stringify(fields ?? {})}`),
  }
}
