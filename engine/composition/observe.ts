import { inParallel } from '../acme/in-parallel.ts'
import type { Address } from '../core/address.ts'
import type { Driver, Observation, ReadContext, Subject } from '../kinds/driver.ts'
import type { PlanRequest } from '../planner/request.ts'
import { worldOf } from '../planner/world.ts'
import type { Session } from './session.ts'

/** Questions put to others at the same time while a plan is made. */
const readParallelism = 16

/**
 * What each driver sees outside. A resource that is to go is not asked for. Kinds that stand on what others see (a
 * certificate on its providers' zones) look second.
 */
export async function observe(
  session: Session,
  base: Pick<PlanRequest, 'mode' | 'owner' | 'desired' | 'recorded' | 'now' | 'alone'>,
  drivers: ReadonlyMap<string, Driver>,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<Address, Observation>> {
  const context = readContext(session, signal)
  const live = new Map<Address, Observation>()
  let world = worldOf({ ...base, live })
  for (const second of [false, true]) {
    if (second && live.size > 0) world = worldOf({ ...base, live })
    const asked = [...world.subjects.values()].filter(({ kind, declared }) => {
      const driver = drivers.get(kind)
      return driver?.read && (declared || base.mode === 'renew') && second === (driver.requires !== undefined)
    })
    await inParallel(asked, readParallelism, async (subject: Subject) => {
      const seen = await drivers.get(subject.kind)?.read?.(subject, world, context)
      if (seen) live.set(subject.address, seen)
    })
  }
  return live
}

/** How drivers look outside: nothing is written. */
export function readContext(session: Session, signal: AbortSignal | undefined): ReadContext {
  return {
    clock: session.clock,
    http: session.http,
    log: session.log,
    trace: session.trace,
    network: session.network,
    unseal: session.unseal,
    certificate: async objectId => (await session.store.certificates(session.tenant, { objectId, limit: 1 }))[0],
    ...(signal && { signal }),
  }
}
