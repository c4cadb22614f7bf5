import type { Clock, StateStore } from '../engine/index.ts'

/** A sign of life that a loop gives again and again. */
export interface Pulse {
  beat(): void
  /** When it was last given; undefined before the first. */
  last(): Date | undefined
}

export function createPulse(clock: Clock): Pulse {
  let at: Date | undefined
  return {
    beat: () => {
      at = clock.now()
    },
    last: () => at,
  }
}

export interface ReadinessPorts {
  readonly store: Pick<StateStore, 'tenants' | 'jobCounts' | 'nextJobAt'>
  readonly clock: Clock
  /** Of the loop that polls. */
  readonly pulse: Pick<Pulse, 'last'>
  /** The queues that this process works on. */
  readonly queues: readonly string[]
}

/** Milliseconds; a round of polling waits for nothing but the state, and comes every few seconds. */
const longestSilence = 120_000
/** Milliseconds; workers look for due jobs every minute, and are woken for those of their own process. */
const longestDelay = 150_000

/**
 * Whether the service can do its work: undefined, or what keeps it from that, in words of ours alone, because anybody
 * may ask. A queue with more work than hands is busy, not stuck; stuck is one with due work and nobody at it.
 */
export function createReadiness({ store, clock, pulse, queues }: ReadinessPorts): () => Promise<string | undefined> {
  function silent(): string | undefined {
    const last = pulse.last()
    if (!last) return 'the loop has not begun'
    return clock.now().getTime() - last.getTime() > longestSilence ? 'the loop has stopped' : undefined
  }

  async function stuck(): Promise<readonly string[]> {
    const counts = await store.jobCounts()
    const busy = new Set(counts.flatMap(({ queue, state, count }) => (state === 'running' && count > 0 ? [queue] : [])))
    const limit = clock.now().getTime() - longestDelay
    const idle = queues.filter(queue => !busy.has(queue))
    const due = await Promise.all(idle.map(async queue => ({ queue, at: await store.nextJobAt([queue]) })))
    return due.flatMap(({ queue, at }) =>
      at !== undefined && Date.parse(at) < limit ? [`jobs of the queue ${queue} are due and not begun`] : [],
    )
  }

  return async () => {
    try {
      await store.tenants()
      const reasons = [silent() ?? [], await stuck()].flat()
      return reasons.length === 0 ? undefined : reasons.join('; ')
    } catch {
      return 'the state cannot be read'
    }
  }
}
