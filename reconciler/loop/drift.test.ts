import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createWorld, type World } from '../fixtures/world.ts'
import { createManualClock, type ManualClock } from '../jobs/fixtures/manual-clock.ts'
import { saveSource } from '../records/source-records.ts'
import { watchDrift } from './drift.ts'

let world: World
let clock: ManualClock
let stop: AbortController
let watching: Promise<void>
let start: number
/** Names and milliseconds since the start. */
const woken: [name: string, at: number][] = []
beforeEach(async () => {
  clock = createManualClock()
  world = await createWorld({ clock })
  stop = new AbortController()
  start = clock.now().getTime()
  woken.length = 0
})
afterEach(async () => {
  stop.abort()
  await watching
  await world.close()
})

function watch(): void {
  const ports = { store: world.store, clock, log: { debug: () => {}, info: () => {}, warn: () => {} } }
  const wake = async ({ spec }: { spec: { name: string } }) => {
    woken.push([spec.name, clock.now().getTime() - start])
  }
  watching = watchDrift(ports, wake, stop.signal)
}

/** A source that has applied something; only such ones can have drifted. */
async function applied(name: string) {
  const source = await world.source('default', name)
  return saveSource({ store: world.store, clock }, source, { appliedCommit: 'a' }, 'test')
}

/** Lets time go by until something is so. */
const eventually = (check: () => void) =>
  vi.waitFor(
    () => {
      clock.pass(5_000)
      check()
    },
    { timeout: 10_000, interval: 1 },
  )

test('sources take turns over the interval, and again in the next one', async () => {
  for (const name of ['a', 'b', 'c']) await applied(name)
  watch()
  await eventually(() => expect(woken.length).toBe(6))
  expect(woken.map(([name]) => name)).toEqual(['a', 'b', 'c', 'a', 'b', 'c'])
  const gaps = woken.slice(1).map(([, at], i) => at - (woken[i]?.[1] ?? 0))
  // Three in ten minutes, with a pause before the first.
  for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(150_000)
})

test('what was removed, suspended or never applied is passed over', async () => {
  const { sources } = world.services
  await world.source('default', 'new')
  await applied('resting').then(source => sources.suspend(source, true, 'test'))
  const gone = await applied('gone')
  await applied('well')
  watch()
  await sources.remove(gone, 'test')
  await eventually(() => expect(woken.length).toBeGreaterThan(1))
  expect(new Set(woken.map(([name]) => name))).toEqual(new Set(['well']))
})
