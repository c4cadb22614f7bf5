import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Node, walk } from './schedule.ts'

const never = new AbortController().signal
const nodes = (graph: Record<string, string[]>): Node<string>[] =>
  Object.entries(graph).map(([key, after]) => ({ key, after }))

async function story(graph: Record<string, string[]>, failing: string[] = [], parallelism = 10): Promise<string[]> {
  const told: string[] = []
  await walk(
    nodes(graph),
    parallelism,
    never,
    async ({ key }) => {
      told.push(key)
      return failing.includes(key) ? 'failed' : 'done'
    },
    ({ key }, because) => told.push(`-${key}${because === 'interrupted' ? '' : `:${because.failed}`}`),
  )
  return told
}

const cases: [what: string, graph: Record<string, string[]>, failing: string[], want: string[]][] = [
  ['nothing', {}, [], []],
  ['a chain in its order', { c: ['b'], b: ['a'], a: [] }, [], ['a', 'b', 'c']],
  ['a diamond once', { d: ['b', 'c'], b: ['a'], c: ['a'], a: [] }, [], ['a', 'b', 'c', 'd']],
  ['what is elsewhere is no obstacle', { a: ['elsewhere'] }, [], ['a']],
  ['a failure skips all that stands on it', { a: [], b: ['a'], c: ['b'] }, ['a'], ['a', '-b:a', '-c:a']],
  ['a failure leaves the others alone', { a: [], b: ['a'], x: [], y: ['x'] }, ['a'], ['a', 'x', '-b:a', 'y']],
  ['two failures skip once', { a: [], b: [], c: ['a', 'b'] }, ['a', 'b'], ['a', 'b', '-c:a']],
]
test.each(cases)('%s', async (_what, graph, failing, want) => expect(await story(graph, failing)).toEqual(want))

test('never more at a time than allowed, and as many as that', async () => {
  let running = 0
  let most = 0
  await walk(
    nodes(Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`n${index}`, []]))),
    3,
    never,
    async () => {
      most = Math.max(most, ++running)
      await new Promise(resolve => setImmediate(resolve))
      running--
      return 'done'
    },
    () => {},
  )
  expect(most).toBe(3)
})

test('a drain starts nothing new and waits for what runs', async () => {
  const drain = new AbortController()
  const told: string[] = []
  await walk(
    nodes({ a: [], b: ['a'], c: [] }),
    1,
    drain.signal,
    async ({ key }) => {
      drain.abort()
      await new Promise(resolve => setImmediate(resolve))
      told.push(key)
      return 'done'
    },
    ({ key }, because) => told.push(`-${key} ${String(because)}`),
  )
  expect(told).toEqual(['a', '-b interrupted', '-c interrupted'])
})

test('a visit that rejects ends the walk with its error instead of hanging it', async () => {
  const visit = async () => {
    throw new Error('a bug')
  }
  await expect(walk(nodes({ a: [], b: ['a'] }), 2, never, visit, () => {})).rejects.toThrow('a bug')
})

test('in any graph each node is visited after what it stands on, or skipped, exactly once', async () => {
  const graphs = fc
    .array(fc.tuple(fc.array(fc.nat(19), { maxLength: 4 }), fc.boolean()), { maxLength: 20 })
    .map(rows =>
      rows.map(([after, fails], index) => ({ key: index, after: after.filter(each => each < index), fails })),
    )
  await fc.assert(
    fc.asyncProperty(graphs, fc.integer({ min: 1, max: 5 }), async (graph, parallelism) => {
      const done = new Set<number>()
      const ended: number[] = []
      await walk(
        graph,
        parallelism,
        never,
        async ({ key, after, fails }) => {
          expect(after.every(each => done.has(each))).toBe(true)
          await null
          ended.push(key)
          if (!fails) done.add(key)
          return fails ? 'failed' : 'done'
        },
        ({ key }) => ended.push(key),
      )
      expect(ended.toSorted((a, b) => a - b)).toEqual(graph.map(({ key }) => key))
    }),
  )
})
