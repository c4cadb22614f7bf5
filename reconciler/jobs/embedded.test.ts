import { randomFillSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openStore, type Random, type StateStore } from '../../engine/index.ts'
import { delayAfter } from './backoff.ts'
import { describeJobQueue, type QueueWorld } from './contract.ts'
import { createEmbeddedQueue } from './embedded.ts'
import { createManualClock } from './fixtures/manual-clock.ts'
import { jobMutation } from './job-mutation.ts'
import type { JobQueue } from './queue.ts'

const random: Random = { bytes: length => randomFillSync(new Uint8Array(length)) }
const log = { debug: () => {}, info: () => {}, warn: () => {} }

/** Lets everything happen that can happen without time going by: the store answers within a few turns. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve))
}

/** The store as a process sees it that may be killed: afterwards nothing of it arrives, and it hears nothing. */
function mortal(store: StateStore): { store: StateStore; kill: () => void } {
  let dead = false
  const silent = new Promise<never>(() => undefined)
  const wrapped = new Proxy(store, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver)
      if (typeof value !== 'function') return value
      return (...given: unknown[]) => (dead ? silent : value.apply(target, given))
    },
  })
  return {
    store: wrapped,
    kill: () => {
      dead = true
    },
  }
}

async function openWorld(): Promise<QueueWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'trustform-jobs-'))
  const store = await openStore(`sqlite:${join(folder, 'state.db')}`)
  const clock = createManualClock()
  const kills = new Map<JobQueue, () => void>()
  return {
    store,
    now: clock.now,
    worker() {
      const own = mortal(store)
      const worker = createEmbeddedQueue({ store: own.store, clock, random, log })
      kills.set(worker, own.kill)
      return worker
    },
    mutation: request => jobMutation(request, { clock, random }),
    async pass(ms) {
      await settle()
      clock.pass(ms)
      await settle()
    },
    kill: worker => kills.get(worker)?.(),
    async close() {
      for (const kill of kills.values()) kill()
      await settle()
      await store.close()
      rmSync(folder, { recursive: true })
    },
  }
}

describeJobQueue('embedded', openWorld)

test('the pause doubles up to its longest, and lies between half and all of it', () => {
  const at = (octet: number): Random => ({ bytes: length => new Uint8Array(length).fill(octet) })
  const backoff = { first: 1000, longest: 60_000 }
  const range = (attempt: number) => [0, 255].map(octet => delayAfter(attempt, at(octet), backoff))
  expect([1, 2, 3, 7, 1000].map(range)).toEqual([
    [500, 1000],
    [1000, 2000],
    [2000, 4000],
    [30_000, 60_000],
    [30_000, 60_000],
  ])
})

test('an idle worker asks the store for nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'trustform-jobs-'))
  const store = await openStore(`sqlite:${join(folder, 'state.db')}`)
  let asked = 0
  const counting = new Proxy(store, {
    get(target, name, receiver) {
      asked++
      return Reflect.get(target, name, receiver)
    },
  })
  const clock = createManualClock()
  const queue = createEmbeddedQueue({ store: counting, clock, random, log })
  queue.start({ work: { concurrency: 1, run: async () => undefined } })
  await settle()
  asked = 0
  for (let second = 0; second < 59; second++) {
    clock.pass(1000)
    await settle()
  }
  expect(asked).toBe(0)
  await queue.stop()
  await store.close()
  rmSync(folder, { recursive: true })
})

test('a job that a jump of the clock gives to its own worker again runs once at a time, and a stop waits for it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'trustform-jobs-'))
  const store = await openStore(`sqlite:${join(folder, 'state.db')}`)
  // The machine slept: no heartbeat was in time.
  const late = new Proxy(store, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver)
      if (typeof value !== 'function') return value
      return name === 'touchJob' ? () => Promise.reject(new Error('too late')) : value.bind(target)
    },
  })
  const clock = createManualClock()
  const queue = createEmbeddedQueue({ store: late, clock, random, log })
  const ends: (() => void)[] = []
  let atOnce = 0
  let most = 0
  queue.start({
    work: {
      concurrency: 2,
      async run() {
        most = Math.max(most, ++atOnce)
        await new Promise<void>(resolve => ends.push(resolve))
        atOnce--
        return undefined
      },
    },
  })
  await queue.enqueue('default', { queue: 'work', key: 'one', payload: {} })
  await settle()
  expect(ends).toHaveLength(1)
  clock.pass(3_600_000)
  await settle()
  expect((await store.jobs({}))[0]).toMatchObject({ attempts: 2 })
  ends[0]?.()
  await settle()
  expect([ends.length, most]).toEqual([2, 1])
  let stopped = false
  const stop = queue.stop().then(() => {
    stopped = true
  })
  await settle()
  expect(stopped).toBe(false)
  ends[1]?.()
  await stop
  expect(await store.jobs({})).toEqual([])
  await store.close()
  rmSync(folder, { recursive: true })
})
