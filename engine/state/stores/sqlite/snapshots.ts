import type { Snapshot } from '../../store.ts'
import { identityOf, type KnownSnapshot, readSnapshot } from './declared.ts'
import type { Runner } from './query.ts'

/** Resources kept of all tenants together; beyond, the tenants that were not asked for the longest are forgotten. */
const mostKept = 100_000

/**
 * Reads declared state and keeps what it has parsed: a service reads the whole of it for each pass, and nearly all of
 * it is as it was. A revision is the serial of the commit that wrote it and never repeats within a lineage: equal
 * serials mean equal state, and a resource whose revision is not above the known serial is the one that is known.
 */
export interface Snapshots {
  /** What was read before, where it is the state still; one statement. */
  unchanged(tenant: string): Snapshot | undefined
  /** Call inside a transaction. */
  read(tenant: string): Snapshot
}

export function createSnapshots(runner: Runner): Snapshots {
  const kept = new Map<string, KnownSnapshot>()
  let count = 0

  /** As the last that was asked for. */
  function keep(tenant: string, known: KnownSnapshot): Snapshot {
    kept.set(tenant, known)
    count += known.byAddress.size
    for (const each of kept.keys()) if (count > mostKept) forget(each)
    return known.snapshot
  }

  function forget(tenant: string): KnownSnapshot | undefined {
    const known = kept.get(tenant)
    count -= known?.byAddress.size ?? 0
    kept.delete(tenant)
    return known
  }

  function unchanged(tenant: string): Snapshot | undefined {
    const known = forget(tenant)
    if (!known) return undefined
    const { lineage, serial } = keep(tenant, known)
    const identity = identityOf(runner, tenant)
    return identity?.lineage === lineage && identity.serial === serial ? known.snapshot : undefined
  }

  return {
    unchanged,
    read(tenant) {
      // Somebody may have read it meanwhile.
      const same = unchanged(tenant)
      if (same) return same
      const known = forget(tenant)
      const related = known?.snapshot.lineage === identityOf(runner, tenant)?.lineage ? known : undefined
      const snapshot = readSnapshot(runner, tenant, related)
      return keep(tenant, { snapshot, byAddress: new Map(snapshot.resources.map(each => [each.address, each])) })
    },
  }
}
