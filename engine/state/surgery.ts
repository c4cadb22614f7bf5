import { type Address, parseAddress } from '../core/address.ts'
import { EngineError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import type { RecordedResource } from '../core/resource.ts'
import { draftOf } from './history/rollback.ts'
import type { Mutation, Snapshot } from './store.ts'

/**
 * The mutations of `state mv`: the same object under another name, with its id, certificates and keys, and with those
 * who depend on it. `retarget` answers a dependent's spec with its references renamed; which fields are references
 * only the schema knows. Throws `usage` when the kinds differ, `not_found`, or `state_conflict` when the target exists.
 */
export function moveMutations(
  snapshot: Snapshot,
  from: Address,
  to: Address,
  retarget: (dependent: RecordedResource) => JsonObject = dependent => dependent.spec,
): Mutation[] {
  const source = find(snapshot, from)
  const { kind, name } = parseAddress(to)
  if (kind !== source.kind) {
    throw new EngineError('usage', `${from} cannot become ${to}: the kinds differ`, {
      remedy: `keep the kind, for example ${source.kind}/${name}`,
    })
  }
  if (snapshot.resources.some(resource => resource.address === to)) {
    throw new EngineError('state_conflict', `${to} is already recorded`, {
      remedy: 'choose another name, or remove that one first',
      address: to,
    })
  }
  return [
    { type: 'delete-resource', address: from, expectedRevision: source.revision },
    { type: 'put-resource', resource: { ...draftOf(source), address: to, name }, expectedRevision: null },
    ...dependentsOf(snapshot, from).map(
      (dependent): Mutation => ({
        type: 'put-resource',
        resource: {
          ...draftOf(dependent),
          spec: retarget(dependent),
          dependsOn: dependent.dependsOn.map(address => (address === from ? to : address)),
        },
        expectedRevision: dependent.revision,
      }),
    ),
  ]
}

/**
 * The mutations of `state rm`: Trustform forgets the resource and touches nothing outside; its certificates and keys
 * stay in the inventory. Throws `not_found`, or `usage` while something recorded depends on it.
 */
export function removeMutations(snapshot: Snapshot, address: Address): Mutation[] {
  const resource = find(snapshot, address)
  const dependents = dependentsOf(snapshot, address).map(dependent => dependent.address)
  if (dependents.length > 0) {
    throw new EngineError('usage', `${address} is still used by ${dependents.join(', ')}`, {
      remedy: 'remove those from the state first',
      address,
    })
  }
  return [{ type: 'delete-resource', address, expectedRevision: resource.revision }]
}

function find(snapshot: Snapshot, address: Address): RecordedResource {
  const found = snapshot.resources.find(resource => resource.address === address)
  if (found !== undefined) return found
  throw new EngineError('not_found', `${address} is not recorded`, {
    remedy: 'run `trustform state list` for what is',
    address,
  })
}

function dependentsOf(snapshot: Snapshot, address: Address): RecordedResource[] {
  return snapshot.resources.filter(resource => resource.dependsOn.includes(address))
}
