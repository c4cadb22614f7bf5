import type { Address } from '../core/address.ts'
import { EngineError } from '../core/errors.ts'
import { dependentsOf, reachable } from '../core/graph.ts'

/**
 * `--target` keeps the named resources and what has to be done with them; `--exclude` leaves out the named ones and
 * what cannot be done without them. Edges point from a resource to what has to be done first: to what it stands on, or
 * for one that goes to what stands on it. Throws `not_found` for an address that is neither declared nor recorded.
 */
export function select(
  graph: ReadonlyMap<Address, readonly Address[]>,
  targets: readonly string[],
  excludes: readonly string[],
): { readonly selected: ReadonlySet<Address>; readonly partial: boolean } {
  assertKnown(graph, targets)
  assertKnown(graph, excludes)
  const kept = targets.length === 0 ? new Set(graph.keys()) : reachable(graph, targets)
  if (excludes.length > 0) {
    for (const address of reachable(dependentsOf(graph), excludes)) kept.delete(address)
  }
  return { selected: kept, partial: kept.size < graph.size }
}

/** Throws `not_found` for a name that is no address of the graph. */
export function assertKnown(
  graph: ReadonlyMap<Address, unknown>,
  names: readonly string[],
): asserts names is readonly Address[] {
  const unknown = names.find(name => !graph.has(name as Address)) // a lookup only: what is found is an address
  if (unknown === undefined) return
  throw new EngineError('not_found', `"${unknown}" is neither declared nor recorded`, {
    address: unknown,
    remedy: 'name it as Kind/name; `trustform list` shows what exists',
  })
}
