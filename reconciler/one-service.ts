import { type Clock, type HeldLease, holdLease, type Lease, type Log, type StateStore } from '../engine/index.ts'

/** The state's lease that says which service works on it, and the tenant that it is kept under. */
const serviceLease = { tenant: 'default', name: 'service' } as const

/** Milliseconds to wait for another service to end: longer than a lease that nobody renews any more. */
const usualPatience = 20_000

/**
 * One service at a time works on a state: two would do everything twice. What the one before left running is taken up
 * at once, because it is not alive any more. Throws `state_locked` naming the other one.
 */
export async function beTheService(
  { store, log, clock }: { readonly store: StateStore; readonly log: Log; readonly clock: Clock },
  waitMs = usualPatience,
): Promise<HeldLease> {
  const { tenant, name } = serviceLease
  const onWait = ({ holder: { host, pid } }: Lease) => log.info('waiting for another service to end', { host, pid })
  const held = await holdLease(store, tenant, name, { operation: 'serve', waitMs, clock, onWait })
  await store.releaseJobs(clock.now())
  return held
}
