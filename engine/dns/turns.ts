/** Runs work under a key one after another; different keys run at the same time. */
export interface Turns {
  take<T>(key: string, work: () => Promise<T>): Promise<T>
}

export function createTurns(): Turns {
  const tails = new Map<string, Promise<unknown>>()
  return {
    take(key, work) {
      const turn = (tails.get(key) ?? Promise.resolve()).then(work, work)
      // What failed must not fail who comes next, and an idle key must not stay in memory.
      const tail = turn.then(forget, forget)
      tails.set(key, tail)
      return turn

      function forget(): void {
        if (tails.get(key) === tail) tails.delete(key)
      }
    },
  }
}
