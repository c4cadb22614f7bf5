import { EngineError } from '../core/errors.ts'
import type { Clock } from '../core/ports.ts'
import { currentHolder, presumedDead } from './holder.ts'
import type { Lease, StateStore } from './store.ts'

/** A holder that is not heard of for the lifetime has lost the lease; three heartbeats fit into one. */
const lifetime = 15_000
const heartbeat = 5_000
/** Milliseconds between two looks at a lease that another holds. */
const patience = 500

export interface LeaseOptions {
  /** What the holder does, for those who wait: `apply`, `destroy`. */
  readonly operation: string
  /** Milliseconds to wait for another holder; 0 fails at once. */
  readonly waitMs: number
  readonly clock: Clock
  /** Ends the waiting with its reason. Does not release: that is `release`. */
  readonly signal?: AbortSignal
  /** Called when the waiting begins and whenever the holder changes. */
  readonly onWait?: (heldBy: Lease) => void
}

/** A lease that is kept alive. */
export interface HeldLease {
  /** To put into commits. Its epoch stays; `expiresAt` is that of the last heartbeat. */
  readonly lease: Lease
  /** Aborts with `state_fenced` once the lease is lost: start nothing new. */
  readonly lost: AbortSignal
  /** Stops the heartbeat and gives the lease back; harmless when it is lost. */
  release(): Promise<void>
}

/**
 * Takes the lease `name`, waiting for another holder up to `waitMs`, and keeps it alive until `release`. Throws
 * `state_locked` naming the holder.
 */
export async function holdLease(
  store: StateStore,
  tenant: string,
  name: string,
  options: LeaseOptions,
): Promise<HeldLease> {
  const { clock } = options
  let lease = await acquire(store, tenant, name, options)
  const lost = new AbortController()
  const stop = new AbortController()

  async function beat(): Promise<void> {
    while (!stop.signal.aborted && !lost.signal.aborted) {
      await clock.sleep(heartbeat, stop.signal)
      try {
        lease = await store.renewLease(tenant, lease, lifetime, clock.now())
      } catch (error) {
        const fenced = error instanceof EngineError && error.code === 'state_fenced'
        // A store that cannot be reached may come back in time.
        if (fenced || clock.now().getTime() >= Date.parse(lease.expiresAt)) lost.abort(error)
      }
    }
  }
  // Only the sleep rejects, when `release` ends it.
  const beating = beat().catch(() => undefined)

  return {
    get lease() {
      return lease
    },
    lost: lost.signal,
    release: async () => {
      stop.abort()
      await beating
      await store.releaseLease(tenant, lease)
    },
  }
}

async function acquire(store: StateStore, tenant: string, name: string, options: LeaseOptions): Promise<Lease> {
  const { clock, operation, waitMs, signal, onWait } = options
  const holder = currentHolder(operation)
  const deadline = clock.now().getTime() + waitMs
  let told: number | undefined
  for (;;) {
    signal?.throwIfAborted()
    const now = clock.now()
    const answer = await store.acquireLease(tenant, { name, holder, ttlMs: lifetime, now, presumedDead })
    if ('acquired' in answer) return answer.acquired
    const left = deadline - now.getTime()
    if (left <= 0) throw locked(answer.heldBy)
    if (told !== answer.heldBy.epoch) onWait?.(answer.heldBy)
    told = answer.heldBy.epoch
    await clock.sleep(Math.min(patience, left), signal)
  }
}

function locked({ holder, since, expiresAt }: Lease): EngineError {
  const { host, pid, operation } = holder
  return new EngineError(
    'state_locked',
    `the state is locked by \`${operation}\` (process ${pid} on ${host}, since ${since ?? 'an unknown time'})`,
    {
      remedy: 'wait for it to end; if it is gone, the lock ends by itself, or run `trustform state unlock`',
      details: { host, pid, operation, expiresAt, ...(since !== undefined && { since }) },
    },
  )
}
