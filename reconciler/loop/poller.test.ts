import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { egressRefused } from '../../engine/index.ts'
import { createWorld, type World } from '../fixtures/world.ts'
import { createManualClock, type ManualClock } from '../jobs/fixtures/manual-clock.ts'
import { saveSource, sourceById } from '../records/source-records.ts'
import type { Source } from '../sources/source.ts'
import { conditionsAfter } from './conditions.ts'
import { outcomeOf } from './outcome.ts'
import { type PollPorts, poll } from './poller.ts'

let world: World
let clock: ManualClock
let stop: AbortController
let polling: Promise<void>
const asked: string[] = []
const woken: string[] = []
beforeEach(async () => {
  clock = createManualClock()
  world = await createWorld({ clock })
  stop = new AbortController()
  asked.length = 0
  woken.length = 0
})
afterEach(async () => {
  stop.abort()
  await polling
  await world.close()
})

/** Polls the sources of the world with servers that answer what the test says. */
function start(
  answer: (source: Source, signal: AbortSignal) => Promise<string>,
  now: () => Date = clock.now,
  store = world.store,
): { beats: () => number } {
  let beats = 0
  const ports: Partial<PollPorts> = {
    ...{ store, clock: { ...clock, now } },
    random: { bytes: length => new Uint8Array(length).fill(255) },
    log: { debug: () => {}, info: () => {}, warn: () => {} },
    beat: () => {
      beats++
    },
    headOf(source, signal) {
      asked.push(source.spec.name)
      return answer(source, signal)
    },
    async wake(source) {
      woken.push(source.spec.name)
    },
  }
  // Polling touches nothing else of what a pass needs.
  polling = poll(ports as PollPorts, stop.signal)
  return { beats: () => beats }
}

const silent = (signal: AbortSignal) =>
  new Promise<string>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

/** Lets time go by until something is so. */
const eventually = (check: () => void) =>
  vi.waitFor(
    () => {
      clock.pass(250)
      check()
    },
    { timeout: 10_000, interval: 1 },
  )

test('a source whose head moved is woken, one that stands where it was is not', async () => {
  const still = await world.source('default', 'still')
  await world.source('default', 'moved')
  await saveSource({ store: world.store, clock }, still, { observedCommit: 'a' }, 'test')
  start(async source => (source.id === still.id ? 'a' : 'b'))
  await eventually(() => expect(asked.filter(name => name === 'still').length).toBeGreaterThan(1))
  expect(new Set(woken)).toEqual(new Set(['moved']))
})

test('a server that does not answer keeps no other source waiting, and is not asked again meanwhile', async () => {
  await world.source('default', 'silent')
  await world.source('default', 'quick')
  const { beats } = start((source, signal) => (source.spec.name === 'silent' ? silent(signal) : Promise.resolve('b')))
  await eventually(() => expect(asked.filter(name => name === 'quick').length).toBeGreaterThan(2))
  expect(asked.filter(name => name === 'silent')).toEqual(['silent'])
  expect(beats()).toBeGreaterThan(10)
})

test('what a pass has seen while the server was asked wakes nothing', async () => {
  const source = await world.source('default', 'infra')
  start(async ({ observedCommit }) => {
    if (observedCommit === undefined) {
      await saveSource({ store: world.store, clock }, source, { observedCommit: 'b' }, 'test')
    }
    return 'b'
  })
  await eventually(() => expect(asked.length).toBeGreaterThan(2))
  expect(woken).toEqual([])
})

test('a suspended source is left alone, also while it fails', async () => {
  const source = await world.source('default', 'resting')
  await world.services.sources.suspend(source, true, 'test')
  await world.source('default', 'working')
  start(() => Promise.reject(new Error('no route')))
  await eventually(() => expect(woken.length).toBeGreaterThan(1))
  expect(new Set(asked)).toEqual(new Set(['working']))
  expect((await sourceById(world.store, 'default', source.id)).suspended).toBe(true)
})

const refusedAt = (address: string) => egressRefused({ hostname: 'git.example', address }, 'it is a private address')

/** As a pass leaves a source whose address was refused. */
async function stalledBy(error: Error): Promise<void> {
  const random = { bytes: (length: number) => new Uint8Array(length) }
  const conditions = conditionsAfter([], outcomeOf(error, { now: clock.now(), failures: 0, random }), clock.now())
  await saveSource({ store: world.store, clock }, await world.source('default', 'refused'), { conditions }, 'test')
}

test('a source that is stalled by a failure is not worked on again for the same one', async () => {
  await stalledBy(refusedAt('10.0.0.1'))
  start(() => Promise.reject(refusedAt('10.0.0.1')))
  await eventually(() => expect(asked.length).toBeGreaterThan(2))
  expect(woken).toEqual([])
})

test('a source that is stalled fails in another way: that is told', async () => {
  await stalledBy(refusedAt('10.0.0.1'))
  start(() => Promise.reject(refusedAt('127.0.0.1')))
  await eventually(() => expect(woken).toContain('refused'))
})

test('a clock that is set back by a day silences nobody', async () => {
  await world.source('default', 'infra')
  let back = 0
  const { beats } = start(
    async () => 'b',
    () => new Date(clock.now().getTime() - back),
  )
  await eventually(() => expect(asked.length).toBeGreaterThan(1))
  back = 86_400_000
  const [before, told] = [asked.length, beats()]
  await eventually(() => expect(asked.length).toBeGreaterThan(before + 1))
  expect(beats()).toBeGreaterThan(told)
})

test('a source that moved is never asked for at its place before, however old the list is', async () => {
  const source = await world.source('default', 'infra')
  const list = await world.store.recordsEverywhere({ collection: 'source' })
  const old = new Proxy(world.store, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver)
      if (name === 'recordsEverywhere') return async () => list
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const moved = { ...source.spec, url: 'https://git.example/moved.git' }
  await world.services.sources.update(source, moved, 'test')
  const places: string[] = []
  start(
    async ({ spec }) => {
      places.push(spec.url)
      return 'b'
    },
    clock.now,
    old,
  )
  await eventually(() => expect(places).toEqual([moved.url]))
})
