import type { Clock } from '../core/ports.ts'

/**
 * Runs work under a deadline of its own, so that tidying up happens also when the operation was interrupted, and
 * cannot hang for ever.
 */
export async function withDeadline<T>(
  clock: Clock,
  milliseconds: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const expiry = new AbortController()
  const done = new AbortController()
  clock.sleep(milliseconds, done.signal).then(
    () => expiry.abort(new Error(`not done within ${milliseconds} ms`)),
    () => undefined, // the work was done first
  )
  try {
    return await work(expiry.signal)
  } finally {
    done.abort()
  }
}
