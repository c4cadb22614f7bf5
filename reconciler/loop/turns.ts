/** Runs work when it is its turn: in the order in which it was asked for, a few at the same time. */
export type Turns = <T>(work: () => Promise<T>) => Promise<T>

/** `atOnce`: how much of it runs at the same time. */
export function createTurns(atOnce: number): Turns {
  let free = atOnce
  const waiting: (() => void)[] = []
  return async work => {
    if (free > 0) free--
    else await new Promise<void>(resolve => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      // The place is handed over, so that nobody who asks just now comes in between.
      if (next) next()
      else free++
    }
  }
}
