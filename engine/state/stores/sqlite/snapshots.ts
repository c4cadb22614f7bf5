import type { Snapshot } from '../../store.ts'
import { identityOf, type KnownSnapshot, readSnapshot } from './declared.ts'
import type { Runner } from './query.ts'

/** Resources kept of all tenants together; beyond, the tenants that were not asked for the longest are forgotten. */
const mostKept = 100_000

/**
 * Reads declared state and keeps what it has parsed: a service reads the whole of it for each pass, and nearly all of
 * it is as it was. A revision is the serial of the commit that wrote it and never repeats within a lineage: equal
 * serials mean equal state, and a resource whose revision is not above the known serial is the one that is known.
 * Call inside a transaction.
 */
export function createSnapshots(runner: Runner): (tenant: string) => Snapshot {
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

  return tenant => {
    const known = forget(tenant)
    const identity = identityOf(runner, tenant)
    const related = known?.snapshot.lineage === identity?.lineage ? known : undefined
    if (related && related.snapshot.serial === identity?.serial) return keep(tenant, related)
    const snapshot = readSnapshot(runner, tenant, related)
    return keep(tenant, { snapshot, byAddress: new Map(snapshot.resources.map(each => [each.address, each])) })
  }
}
