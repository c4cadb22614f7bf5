import type { Random } from '../../engine/index.ts'

/** Milliseconds before the second attempt, doubled for each further one, and where doubling ends. */
export interface Backoff {
  readonly first: number
  readonly longest: number
}

export const usualBackoff: Backoff = { first: 1_000, longest: 600_000 }

/**
 * Milliseconds to wait after the given attempt failed: between half and all of the doubled time, so that jobs that
 * failed together do not come back together.
 */
export function delayAfter(attempt: number, random: Random, { first, longest }: Backoff = usualBackoff): number {
  const whole = Math.min(longest, first * 2 ** Math.min(attempt - 1, 52))
  const [high = 0, low = 0] = random.bytes(2)
  return Math.round(whole / 2 + (whole / 2) * ((high * 256 + low) / 65_535))
}
