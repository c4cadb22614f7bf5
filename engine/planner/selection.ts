import type { Address } from '../core/address.ts'
import { EngineError } from '../core/errors.ts'
import { dependentsOf, reachable } from '../core/graph.ts'

/**
 * `--target` keeps the named resources and what they depend on; `--exclude` leaves out the named ones and what
 * depends on them. Throws `not_found` for an address that is neither declared nor recorded.
 */
export function select(
  graph: ReadonlyMap<Address, readonly Address[]>,
  targets: readonly string[],
  excludes: readonly string[],
): { readonly selected: ReadonlySet<Address>; readonly partial: boolean } {
  const named = (names: readonly string[]) => names.map(name => known(graph, name))
  const kept = targets.length === 0 ? new Set(graph.keys()) : reachable(graph, named(targets))
  if (excludes.length > 0) {
    for (const address of reachable(dependentsOf(graph), named(excludes))) kept.delete(address)
  }
  return { selected: kept, partial: kept.size < graph.size }
}

function known(graph: ReadonlyMap<Address, unknown>, name: string): Address {
  for (const address of graph.keys()) if (address === name) return address
  throw new EngineError('not_found', `"${name}" is neither declared nor recorded`, {
    address: name,
    remedy: 'name it as Kind/name; `trustform list` shows what exists',
  })
}
