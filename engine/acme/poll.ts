import { EngineError } from '../core/errors.ts'
import type { Clock } from '../core/ports.ts'

export interface Polling<T> {
  /** What is waited for, for the error: `order https://…`. */
  readonly what: string
  readonly clock: Clock
  readonly signal: AbortSignal | undefined
  /** Milliseconds. */
  readonly timeout: number
  fetch(): Promise<T & { readonly retryAfter: number | undefined }>
  settled(value: T): boolean
}

const firstPause = 250
const longestPause = 5_000

/**
 * Reads a resource until it settles, at the pace that the server asks for by `Retry-After` (RFC 8555 §7.5.1), else
 * from a quarter of a second up to five. Throws `backend_timeout`, at once when the server asks to come back later
 * than we may wait: the operation is then better rescheduled than slept through.
 */
export async function poll<T>(polling: Polling<T>): Promise<T> {
  const { clock, signal } = polling
  const deadline = clock.now().getTime() + polling.timeout
  for (let pause = firstPause; ; pause = Math.min(pause * 1.6, longestPause)) {
    const value = await polling.fetch()
    if (polling.settled(value)) return value
    // Retry-After 0 means now, but a server is not to be hammered.
    const wait = value.retryAfter === undefined ? pause : Math.max(value.retryAfter * 1000, firstPause)
    if (clock.now().getTime() + wait > deadline) {
      const seconds = Math.round(polling.timeout / 1000)
      throw new EngineError('backend_timeout', `the CA did not finish ${polling.what} within ${seconds} s`, {
        remedy: 'apply again later: it goes on with the same order',
        ...(value.retryAfter !== undefined && { retryAfter: value.retryAfter }),
      })
    }
    await clock.sleep(wait, signal)
  }
}
