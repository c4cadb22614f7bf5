import { EngineError } from '../../../core/errors.ts'
import type { Lease, LeaseAnswer, LeaseRequest } from '../../store.ts'
import { query, type Runner, template } from './query.ts'
import { leaseFrom } from './rows.ts'

const leaseColumns = ['name', 'epoch', 'holder', 'expires_at', 'since'] as const

const readLease = template<{ tenant: string; name: string }>()(slot =>
  query.selectFrom('lease').select(leaseColumns).where('tenant', '=', slot.tenant).where('name', '=', slot.name),
)

const takeLease = template<{
  tenant: string
  name: string
  epoch: number
  holder: string
  expires_at: string
  since: string
}>()(slot =>
  query
    .insertInto('lease')
    .values({
      tenant: slot.tenant,
      name: slot.name,
      epoch: slot.epoch,
      holder: slot.holder,
      expires_at: slot.expires_at,
      since: slot.since,
    })
    .onConflict(conflict =>
      conflict
        .columns(['tenant', 'name'])
        .doUpdateSet({ epoch: slot.epoch, holder: slot.holder, expires_at: slot.expires_at, since: slot.since }),
    ),
)

const extendLease = template<{ tenant: string; name: string; epoch: number; expires_at: string }>()(slot =>
  query
    .updateTable('lease')
    .set({ expires_at: slot.expires_at })
    .where('tenant', '=', slot.tenant)
    .where('name', '=', slot.name)
    .where('epoch', '=', slot.epoch)
    .where('holder', 'is not', null),
)

const endLease = template<{ tenant: string; name: string; epoch: number }>()(slot =>
  query
    .updateTable('lease')
    .set({ holder: null })
    .where('tenant', '=', slot.tenant)
    .where('name', '=', slot.name)
    .where('epoch', '=', slot.epoch),
)

export function acquire(runner: Runner, tenant: string, request: LeaseRequest): LeaseAnswer {
  const { name, holder, ttlMs, now, presumedDead } = request
  const row = runner.get(readLease, { tenant, name })
  const held = leaseFrom(row)
  if (held !== undefined && Date.parse(held.expiresAt) > now.getTime() && !presumedDead?.(held.holder)) {
    return { heldBy: held }
  }
  const since = now.toISOString()
  const lease: Lease = { name, holder, epoch: (row?.epoch ?? 0) + 1, expiresAt: expiry(now, ttlMs), since }
  runner.run(takeLease, {
    tenant,
    name,
    epoch: lease.epoch,
    holder: JSON.stringify(holder),
    expires_at: lease.expiresAt,
    since,
  })
  return { acquired: lease }
}

/** An expired lease that nobody has taken over is still its holder's: the epoch, not the clock, is the fence. */
export function renew(runner: Runner, tenant: string, lease: Lease, ttlMs: number, now: Date): Lease {
  const expiresAt = expiry(now, ttlMs)
  const { name, epoch } = lease
  if (runner.run(extendLease, { tenant, name, epoch, expires_at: expiresAt }) === 0) throw fenced(lease)
  return { ...lease, expiresAt }
}

export function release(runner: Runner, tenant: string, { name, epoch }: Lease): void {
  runner.run(endLease, { tenant, name, epoch })
}

export function breakHeld(runner: Runner, tenant: string, name: string): Lease | undefined {
  const held = leaseFrom(runner.get(readLease, { tenant, name }))
  if (held !== undefined) release(runner, tenant, held)
  return held
}

/** Refuses a write of a holder whose lease was released, broken or taken over. */
export function expectHeld(runner: Runner, tenant: string, lease: Lease): void {
  const held = leaseFrom(runner.get(readLease, { tenant, name: lease.name }))
  if (held?.epoch !== lease.epoch) throw fenced(lease)
}

function expiry(now: Date, ttlMs: number): string {
  return new Date(now.getTime() + ttlMs).toISOString()
}

function fenced(lease: Lease): EngineError {
  return new EngineError('state_fenced', `the lock "${lease.name}" was lost: another run took it over or broke it`, {
    remedy: 'run the same command again: it continues from what is recorded',
  })
}
