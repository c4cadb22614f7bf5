import type { Clock } from '../../engine/core/ports.ts'

/** A clock that a test moves: sleeping takes no time but moves it, and `at` runs something when a moment passes. */
export interface FakeClock extends Clock {
  /** Seconds since its start. */
  elapsed(): number
  at(seconds: number, action: () => void): void
}

export function createFakeClock(start = new Date('2026-11-01T00:00:00Z')): FakeClock {
  let now = start.getTime()
  const plans: { readonly at: number; readonly action: () => void }[] = []
  return {
    now: () => new Date(now),
    elapsed: () => (now - start.getTime()) / 1000,
    at: (seconds, action) => void plans.push({ at: start.getTime() + seconds * 1000, action }),
    async sleep(ms, signal) {
      signal?.throwIfAborted()
      now += ms
      for (const plan of plans.filter(({ at }) => at <= now)) {
        plans.splice(plans.indexOf(plan), 1)
        plan.action()
      }
    },
  }
}
