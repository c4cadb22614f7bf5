import { type Address, formatAddress } from '../core/address.ts'
import { dependentsOf, reachable } from '../core/graph.ts'
import type { DesiredResource, RecordedResource } from '../core/resource.ts'
import type { Driver } from '../kinds/driver.ts'
import type { Snapshot } from '../state/store.ts'

/** Recorded state as one resource asks for it: by address, by id, and who stands on whom. */
export interface Neighbourhood {
  readonly byAddress: ReadonlyMap<Address, RecordedResource>
  readonly byId: ReadonlyMap<string, RecordedResource>
  ofKind(kind: string): readonly Address[]
  /** What stands on these, however far. */
  above(addresses: readonly Address[]): readonly Address[]
}

const known = new WeakMap<readonly RecordedResource[], Neighbourhood>()

/** Found once per state: a store answers an unchanged one with the same resources. */
export function neighbourhoodOf({ resources }: Pick<Snapshot, 'resources'>): Neighbourhood {
  const before = known.get(resources)
  if (before) return before
  const found = indexed(resources)
  known.set(resources, found)
  return found
}

function indexed(resources: readonly RecordedResource[]): Neighbourhood {
  const byAddress = new Map<Address, RecordedResource>()
  const byId = new Map<string, RecordedResource>()
  for (const resource of resources) {
    byAddress.set(resource.address, resource)
    byId.set(resource.id, resource)
  }
  let kinds: ReadonlyMap<string, readonly RecordedResource[]> | undefined
  let dependents: ReadonlyMap<Address, readonly Address[]> | undefined
  return {
    byAddress,
    byId,
    ofKind(kind) {
      kinds ??= Map.groupBy(resources, resource => resource.kind)
      return kinds.get(kind)?.map(({ address }) => address) ?? []
    },
    above(addresses) {
      // Only replacing and deleting ask.
      dependents ??= dependentsOf(new Map(resources.map(({ address, dependsOn }) => [address, dependsOn])))
      return [...reachable(dependents, addresses)]
    },
  }
}

/**
 * What a plan about declared resources has to know of the state: themselves, what they stand on, and what their kinds
 * look at as a whole. `also` come with what they stand on.
 */
export function closureOf(
  { byAddress, byId, ofKind }: Neighbourhood,
  declared: readonly DesiredResource[],
  also: readonly Address[],
  drivers: ReadonlyMap<string, Driver>,
): RecordedResource[] {
  const wanted = new Set<Address>(also)
  for (const { address, kind, references } of declared) {
    wanted.add(address)
    for (const reference of references) {
      const { target } = reference
      const found = 'name' in target ? formatAddress(reference.kind, target.name) : byId.get(target.external)?.address
      if (found !== undefined) wanted.add(found)
    }
    for (const surveyed of drivers.get(kind)?.surveys ?? []) for (const each of ofKind(surveyed)) wanted.add(each)
  }
  const closure: RecordedResource[] = []
  for (const address of wanted) {
    const resource = byAddress.get(address)
    if (!resource) continue
    closure.push(resource)
    for (const below of resource.dependsOn) wanted.add(below)
  }
  return closure
}
