/** A node of the run: it starts once everything in `after` is done. */
export interface Node<K> {
  readonly key: K
  readonly after: readonly K[]
}

export type Ending = 'done' | 'failed'

/**
 * Walks a graph with at most `parallelism` nodes at a time. What stands on a failed node is skipped with the name of
 * what failed; everything else goes on. Once `drain` fires nothing new starts. A visit that rejects is a bug: it is
 * rethrown when what runs has ended.
 */
export async function walk<K, N extends Node<K>>(
  nodes: readonly N[],
  parallelism: number,
  drain: AbortSignal,
  visit: (node: N) => Promise<Ending>,
  skip: (node: N, because: { readonly failed: K } | 'interrupted') => void,
): Promise<void> {
  const byKey = new Map(nodes.map(node => [node.key, node]))
  const waiting = new Map<K, number>()
  const dependents = new Map<K, N[]>()
  for (const node of nodes) {
    const blockers = node.after.filter(key => byKey.has(key))
    waiting.set(node.key, blockers.length)
    for (const key of blockers) {
      const list = dependents.get(key)
      if (list) list.push(node)
      else dependents.set(key, [node])
    }
  }
  const ready = nodes.filter(node => waiting.get(node.key) === 0)
  const ended = new Set<K>()
  let next = 0
  let wake: (() => void) | undefined
  let running = 0
  let broken: { readonly error: unknown } | undefined

  const skipBelow = (root: N, failed: K) => {
    for (const dependent of dependents.get(root.key) ?? []) {
      if (ended.has(dependent.key)) continue
      ended.add(dependent.key)
      skip(dependent, { failed })
      skipBelow(dependent, failed)
    }
  }
  const finish = (node: N, ending: Ending) => {
    ended.add(node.key)
    if (ending === 'failed') skipBelow(node, node.key)
    else {
      for (const dependent of dependents.get(node.key) ?? []) {
        const left = (waiting.get(dependent.key) ?? 0) - 1
        waiting.set(dependent.key, left)
        if (left === 0 && !ended.has(dependent.key)) ready.push(dependent)
      }
    }
    running--
    wake?.()
  }

  while (running > 0 || (next < ready.length && !drain.aborted)) {
    while (next < ready.length && running < parallelism && !drain.aborted) {
      const node = ready[next++] as N // in bounds
      if (ended.has(node.key)) continue
      running++
      visit(node).then(
        ending => finish(node, ending),
        error => {
          broken ??= { error }
          finish(node, 'failed')
        },
      )
    }
    if (running > 0) {
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
  }
  if (broken) throw broken.error
  for (const node of nodes) if (!ended.has(node.key)) skip(node, 'interrupted')
}
