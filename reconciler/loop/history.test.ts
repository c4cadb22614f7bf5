import { afterEach, beforeEach, expect, test } from 'vitest'
import { EngineError, type SourceFiles, systemPorts } from '../../engine/index.ts'
import { createWorld, type World } from '../fixtures/world.ts'
import { sourceById } from '../records/source-records.ts'
import type { Repository } from '../sources/repository.ts'
import type { Source } from '../sources/source.ts'
import { type PassResult, pass } from './pass.ts'
import type { LoopPorts } from './ports.ts'

let world: World
let source: Source
const checked: (string | undefined)[] = []
beforeEach(async () => {
  world = await createWorld()
  source = await world.source('default', 'infra')
  checked.length = 0
})
afterEach(() => world.close())

const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(each => each.repeat(40)) as [string, string, string, string] // of four

/** A pass over a head whose history is given, newest first; its configuration is broken. */
async function passOver(...history: readonly [string, ...string[]]): Promise<PassResult> {
  const broken: Partial<SourceFiles> = {
    list: () => Promise.reject(new EngineError('input_empty', 'nothing is there')),
  }
  const repository: Partial<Repository> = {
    fetch: async () => ({ head: history[0], refs: new Map() }),
    filesAt: () => broken as SourceFiles, // what a pass asks of it first
    isAncestor: async ancestor => history.includes(ancestor),
  }
  const { clock, random, log } = world.services
  const { trace } = await systemPorts()
  const ports: Partial<LoopPorts> = {
    ...{ store: world.store, clock, random, trace, log, turn: work => work() },
    signaturesOf: async () => ({ check: async (_repository, lastApplied) => void checked.push(lastApplied) }),
    repositoryOf: async () => repository as Repository, // as above
  }
  const { signal } = new AbortController()
  const latest = await sourceById(world.store, 'default', source.id)
  return pass(ports as LoopPorts, latest, { trigger: 'request', force: true, signal })
}

const forced = async () =>
  (await world.store.log('default', { log: 'event', type: 'source.force_pushed' })).map(({ data }) => data)

test('a force-push is told once, with the commit that is gone and the one that took its place', async () => {
  expect((await passOver(a)).outcome.message).not.toContain('force-pushed')
  expect((await passOver(b, a)).outcome.message).not.toContain('force-pushed')
  expect(await forced()).toEqual([])
  const words = `main was force-pushed from ${b.slice(0, 12)} to ${c.slice(0, 12)}`
  const { outcome, runId } = await passOver(c, a)
  expect(outcome.message).toContain(words)
  expect((await world.store.record('default', 'run', runId ?? ''))?.data.message).toContain(words)
  expect(await forced()).toEqual([{ name: 'infra', branch: 'main', from: b, to: c }])
  expect((await passOver(c, a)).outcome.message).not.toContain('force-pushed')
  expect((await passOver(d, c, a)).outcome.message).not.toContain('force-pushed')
  expect(await forced()).toHaveLength(1)
})

test('another branch is no force-push, but nothing of its history counts as checked', async () => {
  await passOver(a)
  const before = await sourceById(world.store, 'default', source.id)
  await world.services.sources.update(before, { ...before.spec, branch: 'next' }, 'test')
  expect((await passOver(b)).outcome.message).not.toContain('force-pushed')
  expect(await forced()).toEqual([])
  expect(checked).toEqual([undefined, undefined])
})
