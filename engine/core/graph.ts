/** Edges point from a node to what it depends on; targets that are not nodes are ignored. */
export type Dependencies<K> = ReadonlyMap<K, readonly K[]>

export type Ordered<K> = { readonly order: readonly K[] } | { readonly cycle: readonly K[] }

/**
 * Dependencies before dependents, otherwise in the order given (Kahn). On a cycle its path is the answer, first node
 * repeated at the end, so that it can be printed.
 */
export function topologicalOrder<K>(graph: Dependencies<K>): Ordered<K> {
  const waiting = new Map<K, number>()
  const dependents = dependentsOf(graph)
  for (const [node, targets] of graph) {
    let count = 0
    for (const target of distinct(targets)) if (graph.has(target)) count++
    waiting.set(node, count)
  }
  const order: K[] = []
  const ready = [...graph.keys()].filter(node => waiting.get(node) === 0)
  for (let next = 0; next < ready.length; next++) {
    const node = ready[next] as K // in bounds
    order.push(node)
    for (const dependent of dependents.get(node) ?? []) {
      const left = (waiting.get(dependent) ?? 0) - 1
      waiting.set(dependent, left)
      if (left === 0) ready.push(dependent)
    }
  }
  return order.length === graph.size ? { order } : { cycle: cyclePath(graph, waiting) }
}

/** The reverse edges: for each node, those that depend on it. */
export function dependentsOf<K>(graph: Dependencies<K>): Map<K, K[]> {
  const dependents = new Map<K, K[]>()
  for (const [node, targets] of graph) {
    for (const target of distinct(targets)) {
      if (!graph.has(target)) continue
      const list = dependents.get(target)
      if (list) list.push(node)
      else dependents.set(target, [node])
    }
  }
  return dependents
}

/** Each one once. Most nodes have one dependency, and of tens of thousands a set for each is most of the garbage. */
const distinct = <K>(targets: readonly K[]): Iterable<K> => (targets.length < 2 ? targets : new Set(targets))

/** Everything reachable from the start nodes along the edges, the start nodes included. */
export function reachable<K>(graph: Dependencies<K>, start: Iterable<K>): Set<K> {
  const seen = new Set<K>(start)
  for (const node of seen) {
    for (const target of graph.get(node) ?? []) seen.add(target)
  }
  return seen
}

/** Follows unfinished dependencies until a node comes again. */
function cyclePath<K>(graph: Dependencies<K>, waiting: ReadonlyMap<K, number>): K[] {
  const unfinished = (node: K) => (waiting.get(node) ?? 0) > 0
  const path: K[] = []
  let node = [...graph.keys()].find(unfinished)
  while (node !== undefined && !path.includes(node)) {
    path.push(node)
    node = graph.get(node)?.find(unfinished)
  }
  return node === undefined ? path : [...path.slice(path.indexOf(node)), node]
}
