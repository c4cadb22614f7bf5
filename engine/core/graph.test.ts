import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dependentsOf, reachable, topologicalOrder } from './graph.ts'

const graph = (edges: Record<string, string[]>) => new Map(Object.entries(edges))

const cases: [what: string, edges: Record<string, string[]>, want: object][] = [
  ['nothing', {}, { order: [] }],
  ['a chain comes dependencies first', { leaf: ['ca'], ca: ['root'], root: [] }, { order: ['root', 'ca', 'leaf'] }],
  ['the given order decides among equals', { b: [], a: [], c: ['b'] }, { order: ['b', 'a', 'c'] }],
  ['a target outside the graph is no obstacle', { a: ['elsewhere'] }, { order: ['a'] }],
  ['an edge twice counts once', { a: ['b', 'b'], b: [] }, { order: ['b', 'a'] }],
  ['a self-reference is a cycle', { a: ['a'] }, { cycle: ['a', 'a'] }],
  [
    'a cycle is printed from where it closes',
    { x: ['a'], a: ['b'], b: ['c'], c: ['a'] },
    { cycle: ['a', 'b', 'c', 'a'] },
  ],
  ['a cycle is found behind finished nodes', { r: [], a: ['r', 'b'], b: ['r', 'a'] }, { cycle: ['a', 'b', 'a'] }],
]
test.each(cases)('order: %s', (_what, edges, want) => expect(topologicalOrder(graph(edges))).toEqual(want))

test('every acyclic graph is ordered with dependencies first', () => {
  const acyclic = fc
    .integer({ min: 1, max: 30 })
    .chain(size =>
      fc.tuple(
        ...Array.from({ length: size }, (_, node) =>
          node === 0 ? fc.constant<number[]>([]) : fc.array(fc.integer({ min: 0, max: node - 1 }), { maxLength: 4 }),
        ),
      ),
    )
  fc.assert(
    fc.property(acyclic, rows => {
      const edges = new Map(rows.map((targets, node) => [node, targets] as const).reverse())
      const result = topologicalOrder(edges)
      if (!('order' in result)) throw new Error('a cycle in an acyclic graph')
      expect(new Set(result.order).size).toBe(rows.length)
      const place = new Map(result.order.map((node, index) => [node, index]))
      for (const [node, targets] of edges) {
        for (const target of targets) expect(place.get(target)).toBeLessThan(place.get(node) ?? -1)
      }
    }),
  )
})

test('dependents and reachability follow the edges in each direction', () => {
  const edges = graph({ leaf: ['role'], role: ['ca'], ca: ['root'], root: [], other: ['root'] })
  expect(dependentsOf(edges).get('root')).toEqual(['ca', 'other'])
  expect([...reachable(edges, ['role'])]).toEqual(['role', 'ca', 'root'])
})
