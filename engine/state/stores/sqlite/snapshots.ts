import type { Address } from '../../../core/address.ts'
import type { RecordedResource } from '../../../core/resource.ts'
import type { Snapshot } from '../../store.ts'
import { findResource, identityOf, type KnownSnapshot, readSnapshot } from './declared.ts'
import type { Runner } from './query.ts'

/** Resources kept of all tenants together; beyond, the tenants that were not asked for the longest are forgotten. */
const mostKept = 100_000

/**
 * Reads declared state and keeps what it has parsed: a service reads the whole of it for each pass, a door that sees one
 * resource at a time for each of them, and nearly all of it is as it was. A revision is the serial of the commit that
 * wrote it and never repeats within a lineage: equal serials mean equal state, and a resource whose revision is not
 * above the known serial is the one that is known.
 */
export interface Snapshots {
  /** What was read before, where it is the state still; one statement. */
  unchanged(tenant: string): Snapshot | undefined
  /** Call inside a transaction. */
  read(tenant: string): Snapshot
  /** A commit through this very store put or deleted these. While all are its own, only they are read again. */
  note(tenant: string, serial: number, addresses: readonly Address[]): void
}

interface Kept extends KnownSnapshot {
  /** All that changed from the snapshot's serial to this one is among the touched. */
  noted: number
  readonly touched: Set<Address>
}

export function createSnapshots(runner: Runner): Snapshots {
  const kept = new Map<string, Kept>()
  let count = 0

  /** As the last that was asked for. */
  function keep(tenant: string, snapshot: Snapshot, known?: Kept): Snapshot {
    const byAddress = known?.byAddress ?? new Map(snapshot.resources.map(each => [each.address, each]))
    kept.set(tenant, known ?? { snapshot, byAddress, noted: snapshot.serial, touched: new Set() })
    count += byAddress.size
    for (const each of kept.keys()) if (count > mostKept) forget(each)
    return snapshot
  }

  function forget(tenant: string): Kept | undefined {
    const known = kept.get(tenant)
    count -= known?.byAddress.size ?? 0
    kept.delete(tenant)
    return known
  }

  function unchanged(tenant: string): Snapshot | undefined {
    const known = forget(tenant)
    if (!known) return undefined
    const { lineage, serial } = keep(tenant, known.snapshot, known)
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
      const identity = identityOf(runner, tenant)
      const related = identity && known?.snapshot.lineage === identity.lineage ? known : undefined
      if (!related || related.noted !== identity?.serial) return keep(tenant, readSnapshot(runner, tenant, related))
      const now = new Map([...related.touched].map(each => [each, findResource(runner, tenant, each)]))
      return keep(tenant, { ...identity, resources: patched(related.snapshot.resources, now) })
    },
    note(tenant, serial, addresses) {
      const known = kept.get(tenant)
      // Another's commit came in between, or this one was read already.
      if (known?.noted !== serial - 1) return
      known.noted = serial
      for (const address of addresses) known.touched.add(address)
    },
  }
}

/** In the order of addresses, as a store has them. */
function patched(
  before: readonly RecordedResource[],
  now: ReadonlyMap<Address, RecordedResource | undefined>,
): readonly RecordedResource[] {
  const put = [...now.values()].filter(each => each !== undefined)
  const rest = before.filter(({ address }) => !now.has(address))
  return [...rest, ...put].sort((a, b) => (a.address < b.address ? -1 : 1))
}
