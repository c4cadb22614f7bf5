import type { Random } from '../../engine/index.ts'

const firstSeconds = 5
const longestSeconds = 15 * 60

/**
 * When to try again after `failures` attempts in a row: 5 s doubled up to 15 minutes, of which a random half is taken
 * off, so that many sources that failed together do not come back together. A wait that the other side asked for counts
 * when it is longer.
 */
export function retryAt(now: Date, failures: number, random: Random, askedSeconds = 0): Date {
  const full = Math.min(longestSeconds, firstSeconds * 2 ** Math.min(failures - 1, 20))
  const seconds = Math.max(askedSeconds, full * (0.5 + fraction(random) / 2))
  return new Date(now.getTime() + Math.round(seconds * 1000))
}

/** The next poll of a source: up to a fifth before its interval is over, never after it, so that it can be relied on. */
export function nextPoll(now: Date, intervalSeconds: number, random: Random): Date {
  return new Date(now.getTime() + Math.round(intervalSeconds * 1000 * (0.8 + fraction(random) / 5)))
}

/** In [0, 1). */
export function fraction(random: Random): number {
  const [a = 0, b = 0, c = 0] = random.bytes(3)
  return ((a << 16) | (b << 8) | c) / 2 ** 24
}
