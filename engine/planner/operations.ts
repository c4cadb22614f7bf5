import type { Address } from '../core/address.ts'
import { dependentsOf, reachable } from '../core/graph.ts'
import type { Subject } from '../kinds/driver.ts'
import type { Change, Plan, PlannedOperation } from './plan.ts'
import type { DesiredInput, PlanRequest } from './request.ts'
import type { PlanWorld } from './world.ts'

type Graph = ReadonlyMap<Address, readonly Address[]>

/**
 * The concrete graph that the executor runs. What nothing happens to passes the order on: a leaf waits for its
 * authority although only the unchanged role between them refers to it. Deletions go in the reverse order of what
 * they stood on, by the configuration and by the record: an authority goes once its role points elsewhere.
 */
export function operationsOf(
  changes: readonly Change[],
  world: PlanWorld,
  inputs: ReadonlyMap<Address, DesiredInput>,
  dependencies: Graph,
  request: Pick<PlanRequest, 'mode' | 'owner'>,
): Pick<Plan, 'operations' | 'revisions'> {
  const actions = new Map(changes.map(change => [change.address, change.action]))
  const acts = (address: Address) => (actions.get(address) ?? 'no-op') !== 'no-op'
  const before = nearest(dependencies, address => acts(address) && actions.get(address) !== 'delete')
  const users = nearest(dependentsOf(withRecorded(dependencies, world)), acts)
  const released = releasesOf(actions, world, dependencies)
  const instead = (releases: PlannedOperation['releases'] = []) =>
    releases.flatMap(({ dependsOn }) => dependsOn.filter(target => acts(target)))
  const operations: PlannedOperation[] = []
  for (const { address, kind, name, action, reason, dependsOn } of changes) {
    if (action === 'no-op') continue
    const subject = world.subjects.get(address) as Subject // every change comes from a subject
    const { recorded } = subject
    const resource = inputs.get(address)?.resource
    const releases = released.get(address)
    operations.push({
      address,
      kind,
      name,
      action,
      reason,
      owner: request.mode === 'renew' ? (recorded?.owner ?? request.owner) : request.owner,
      spec: subject.spec,
      secrets: resource?.secrets ?? [],
      file: resource?.file ?? '',
      labels: resource?.labels ?? recorded?.labels ?? {},
      lifecycle: resource?.lifecycle ?? recorded?.lifecycle ?? {},
      dependsOn,
      ...(releases && { releases }),
      after: action === 'delete' ? [...new Set([...users(address), ...instead(releases)])] : before(address),
      expectedRevision: recorded?.revision ?? null,
    })
  }
  return { operations, revisions: revisionsOf(operations, world, dependencies) }
}

/** By what goes: who stays as it is and was recorded on it. The first of several that go takes its place in the record. */
function releasesOf(
  actions: ReadonlyMap<Address, Change['action']>,
  world: PlanWorld,
  dependencies: Graph,
): ReadonlyMap<Address, NonNullable<PlannedOperation['releases']>> {
  const goes = (address: Address) => actions.get(address) === 'delete'
  const released = new Map<Address, NonNullable<PlannedOperation['releases']>>()
  if (![...actions.values()].includes('delete')) return released
  for (const { address, recorded } of world.subjects.values()) {
    if ((actions.get(address) ?? 'no-op') !== 'no-op') continue
    const first = recorded?.dependsOn.find(goes)
    if (first === undefined) continue
    const dependsOn = (dependencies.get(address) ?? []).filter(target => !goes(target))
    released.set(first, [...(released.get(first) ?? []), { address, dependsOn }])
  }
  return released
}

/** Revisions of all that the operations touch or depend on, however far down. */
function revisionsOf(operations: readonly PlannedOperation[], world: PlanWorld, dependencies: Graph) {
  const revisions: Record<Address, number> = {}
  for (const address of reachable(
    dependencies,
    operations.map(operation => operation.address),
  )) {
    const revision = world.subjects.get(address)?.recorded?.revision
    if (revision !== undefined) revisions[address] = revision
  }
  return revisions
}

function withRecorded(dependencies: Graph, world: PlanWorld): Graph {
  return new Map(
    [...dependencies].map(([address, targets]) => {
      const recorded = world.subjects.get(address)?.recorded?.dependsOn ?? []
      return [address, recorded.every(target => targets.includes(target)) ? targets : [...targets, ...recorded]]
    }),
  )
}

/** The nearest nodes along the edges that act, looking through those that do not; each node is looked at once. */
function nearest(graph: Graph, acts: (address: Address) => boolean): (address: Address) => readonly Address[] {
  const known = new Map<Address, readonly Address[]>()
  return from

  function from(address: Address): readonly Address[] {
    const before = known.get(address)
    if (before) return before
    known.set(address, []) // a circle ends here
    const found = new Set<Address>()
    for (const target of graph.get(address) ?? []) {
      for (const each of acts(target) ? [target] : from(target)) found.add(each)
    }
    found.delete(address)
    const list = [...found]
    known.set(address, list)
    return list
  }
}
