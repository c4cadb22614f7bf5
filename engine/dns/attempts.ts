import { EngineError } from '../core/errors.ts'
import type { Clock } from '../core/ports.ts'

const mostAttempts = 4
/** Longest wait, in seconds, that a service's Retry-After may ask for within one operation. */
const patience = 30

/**
 * Repeats an idempotent call to a DNS service that faltered (5xx, 429, no connection): after 0.5, 1 and 2 seconds, or
 * when the service says. Anything else is thrown at once.
 */
export async function withAttempts<T>(
  clock: Clock,
  signal: AbortSignal | undefined,
  call: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call()
    } catch (error) {
      const wait = attempt < mostAttempts ? pauseAfter(error, attempt) : undefined
      if (wait === undefined) throw error
      await clock.sleep(wait, signal)
    }
  }
}

/** Milliseconds, or undefined where another attempt cannot help. */
function pauseAfter(error: unknown, attempt: number): number | undefined {
  if (!(error instanceof EngineError)) return undefined
  const { code, details, retryAfter } = error
  if (code === 'backend_rate_limited') {
    return retryAfter === undefined || retryAfter <= patience ? (retryAfter ?? 2 ** attempt) * 1000 : undefined
  }
  const status = details?.status
  const faltered = code === 'dns_provider_failed' && (typeof status !== 'number' || status >= 500)
  return faltered ? 250 * 2 ** attempt : undefined
}
