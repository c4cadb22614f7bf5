import type { StoreChange } from './records.ts'
import type { StateStore } from './store.ts'

export interface Unmade {
  readonly url: string
  /** Whether somebody has made it meanwhile. */
  exists(): boolean
  /** Opens it, and makes it where it is not there yet. */
  open(): Promise<StateStore>
  /** What stands for it until then. */
  openEmpty(): Promise<StateStore>
}

const writing: readonly (string | symbol)[] = [
  'commit',
  'acquireLease',
  'renewLease',
  'releaseLease',
  'breakLease',
  'claimJobs',
  'touchJob',
  'releaseJobs',
] satisfies (keyof StateStore)[]

/** A state that is not there is read as an empty one, and made by the first write: who only looks leaves nothing behind. */
export async function whenWritten({ url, exists, open, openEmpty }: Unmade): Promise<StateStore> {
  const empty = await openEmpty()
  const watchers = new Set<(change: StoreChange) => void>()
  let opened: Promise<StateStore> | undefined

  function opening(): Promise<StateStore> {
    opened ??= open().then(
      store => {
        store.watch(change => {
          for (const told of [...watchers]) told(change)
        })
        return store
      },
      error => {
        opened = undefined
        throw error
      },
    )
    return opened
  }

  const own: Partial<StateStore> = {
    url,
    watch(listener) {
      const told = (change: StoreChange) => listener(change)
      watchers.add(told)
      return () => void watchers.delete(told)
    },
    async close() {
      await empty.close()
      await (await opened)?.close()
    },
  }
  return new Proxy(empty, {
    get(_, name) {
      const mine: unknown = Reflect.get(own, name)
      if (mine !== undefined) return mine
      // All the others answer promises, so that each call can wait for the store that it is for.
      if (typeof Reflect.get(empty, name) !== 'function') return undefined
      return async (...asked: unknown[]) => {
        const store = opened || writing.includes(name) || exists() ? await opening() : empty
        return Reflect.apply(Reflect.get(store, name), store, asked)
      }
    },
  })
}
