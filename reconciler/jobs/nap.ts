import type { Clock } from '../../engine/index.ts'

/** A sleep that others may end. What wakes between `begin` and `sleep` is not missed: that sleep is none. */
export interface Nap {
  begin(): void
  sleep(ms: number): Promise<void>
  wake(): void
}

export function createNap(clock: Clock): Nap {
  let alarm = new AbortController()
  return {
    begin() {
      alarm = new AbortController()
    },
    async sleep(ms) {
      if (alarm.signal.aborted) return
      try {
        await clock.sleep(ms, alarm.signal)
      } catch (error) {
        if (!alarm.signal.aborted) throw error
      }
    },
    wake: () => alarm.abort(),
  }
}
