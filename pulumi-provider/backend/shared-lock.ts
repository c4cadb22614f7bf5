import { type Engine, EngineError, type Lease, type LockedEngine, unlessAborted } from '../../engine/index.ts'

/** Milliseconds for which the lock is kept after the last use: the CLI's next step follows at once. */
const patience = 300
/** Milliseconds for which another process is waited for: an order at a CA may take long. */
const longestWait = 30 * 60_000

/**
 * The state's lock, taken once for all that this process does at a time: the CLI asks for many resources at once, and
 * one may take minutes.
 */
export interface SharedLock {
  run<T>(signal: AbortSignal, waiting: (heldBy: Lease) => void, work: (engine: LockedEngine) => Promise<T>): Promise<T>
  close(): Promise<void>
}

interface Holding {
  readonly ready: Promise<LockedEngine>
  /** Resolves when the lock is given back. */
  readonly ended: Promise<void>
  /** Gives it back, or ends waiting for it. */
  readonly letGo: () => void
  /** Whoever comes next takes the lock anew. */
  readonly forget: () => void
  readonly waiting: Set<(heldBy: Lease) => void>
  users: number
  timer?: NodeJS.Timeout
}

export function createSharedLock(engine: Pick<Engine, 'locked'>): SharedLock {
  let current: Holding | undefined
  let last: Promise<void> = Promise.resolve()

  function take(): Holding {
    const ready = Promise.withResolvers<LockedEngine>()
    const done = Promise.withResolvers<void>()
    const stop = new AbortController()
    const waiting = new Set<(heldBy: Lease) => void>()
    const onWait = (heldBy: Lease) => {
      for (const tell of waiting) tell(heldBy)
    }
    const work = async (locked: LockedEngine) => {
      locked.lost.addEventListener('abort', () => forget(), { once: true })
      ready.resolve(locked)
      await done.promise
    }
    const ended = last
      // Its own former lock would look like somebody else's.
      .then(() => engine.locked('pulumi', { waitMs: longestWait, signal: stop.signal, onWait }, work))
      .catch(error => {
        ready.reject(error)
        forget()
      })
    // Whoever waits hears of it; when nobody does any more, nobody needs to.
    ready.promise.catch(() => {})
    last = ended
    const holding: Holding = {
      ready: ready.promise,
      ended,
      letGo() {
        forget()
        stop.abort(new Error('nobody waits for the lock any more'))
        done.resolve()
      },
      forget,
      waiting,
      users: 0,
    }
    function forget() {
      if (current === holding) current = undefined
      // In use it is let go by the last user.
      if (holding.users === 0) done.resolve()
    }
    return holding
  }

  function leave(holding: Holding, isHeld: boolean): void {
    holding.users--
    if (holding.users > 0) return
    if (isHeld && holding === current) holding.timer = setTimeout(holding.letGo, patience)
    else holding.letGo()
  }

  return {
    async run(signal, waiting, work) {
      current ??= take()
      const holding = current
      clearTimeout(holding.timer)
      holding.users++
      holding.waiting.add(waiting)
      let isHeld = false
      try {
        const locked = await unlessAborted(holding.ready, signal)
        isHeld = true
        return await work(locked)
      } catch (error) {
        // A commit sees a loss before the next heartbeat does.
        if (error instanceof EngineError && error.code === 'state_fenced') holding.forget()
        throw error
      } finally {
        holding.waiting.delete(waiting)
        leave(holding, isHeld)
      }
    },
    async close() {
      const holding = current
      clearTimeout(holding?.timer)
      if (holding?.users === 0) holding.letGo()
      await last
    },
  }
}
