import { expect, test } from 'vitest'
import { EngineError } from '../core/errors.ts'
import type { Clock } from '../core/ports.ts'
import { codeOf, commit, draft, holder, put, tenant } from './contract/samples.ts'
import { currentHolder } from './holder.ts'
import { type HeldLease, holdLease, type LeaseOptions } from './lease-guard.ts'
import { openStore } from './open.ts'
import type { Lease, StateStore } from './store.ts'

/** Time that passes only when the test says so. */
function manualClock() {
  let now = Date.parse('2026-11-02T08:00:00.000Z')
  const sleepers = new Set<{ until: number; wake: () => void }>()
  const clock: Clock = {
    now: () => new Date(now),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const sleeper = { until: now + ms, wake: resolve }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', () => {
          sleepers.delete(sleeper)
          reject(signal.reason)
        })
      }),
  }
  return {
    clock,
    sleepers,
    /** Moves time and waits until those who woke have gone to sleep again or ended. */
    pass: async (ms: number) => {
      now += ms
      for (const sleeper of sleepers) {
        if (sleeper.until > now) continue
        sleepers.delete(sleeper)
        sleeper.wake()
      }
      for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve))
    },
  }
}

const elsewhere = { ...holder(4711), host: 'elsewhere' }

async function setUp() {
  const store = await openStore('sqlite::memory:')
  const time = manualClock()
  const hold = (options: Partial<LeaseOptions> = {}, of: StateStore = store) =>
    holdLease(of, tenant, 'apply', { operation: 'apply', waitMs: 0, clock: time.clock, ...options })
  const other = (ttlMs = 15_000) =>
    store.acquireLease(tenant, { name: 'apply', holder: elsewhere, ttlMs, now: time.clock.now() })
  return { store, ...time, hold, other }
}

test('the lease is taken in our name and given back', async () => {
  const { hold, other, sleepers } = await setUp()
  const held = await hold()
  expect(held.lease.holder).toEqual(currentHolder('apply'))
  expect(await other()).toMatchObject({ heldBy: { epoch: held.lease.epoch } })
  await held.release()
  expect(sleepers.size).toBe(0)
  expect(await other()).toHaveProperty('acquired')
})

test('heartbeats keep it far beyond its lifetime', async () => {
  const { hold, other, pass } = await setUp()
  const held = await hold()
  for (let beat = 0; beat < 12; beat++) await pass(5_000)
  expect(await other()).toHaveProperty('heldBy')
  expect(held.lost.aborted).toBe(false)
  await held.release()
})

test('without waiting, a held lease is state_locked naming the holder', async () => {
  const { hold, other } = await setUp()
  await other()
  const failure = await hold().catch(error => error)
  expect(failure).toMatchObject({
    code: 'state_locked',
    message: 'the state is locked by `apply` (process 4711 on elsewhere, since 2026-11-02T08:00:00.000Z)',
    remedy: expect.stringContaining('trustform state unlock'),
    details: { host: 'elsewhere', pid: 4711, operation: 'apply' },
  })
})

test('waiting ends when the holder releases, and is told once per holder', async () => {
  const { store, hold, other, pass } = await setUp()
  const answer = await other()
  const told: Lease[] = []
  const waiting = hold({ waitMs: 60_000, onWait: lease => told.push(lease) })
  for (let turn = 0; turn < 4; turn++) await pass(500)
  if ('acquired' in answer) await store.releaseLease(tenant, answer.acquired)
  await pass(500)
  const held = await waiting
  expect(told.map(lease => lease.holder.pid)).toEqual([4711])
  await held.release()
})

test('waiting ends with state_locked after waitMs', async () => {
  const { hold, other, pass } = await setUp()
  await other(3_600_000)
  const code = codeOf(hold({ waitMs: 1_200 }))
  for (let turn = 0; turn < 4; turn++) await pass(400)
  expect(await code).toBe('state_locked')
})

test('a holder that is not heard of any more is succeeded after its lifetime', async () => {
  const { hold, other, pass } = await setUp()
  await other()
  const waiting = hold({ waitMs: 60_000 })
  for (let turn = 0; turn < 31; turn++) await pass(500)
  await (await waiting).release()
})

test('a dead holder of this machine is succeeded at once', async () => {
  const { store, hold, clock } = await setUp()
  const dead = { ...currentHolder('apply'), pid: 2 ** 22 + 1 }
  await store.acquireLease(tenant, { name: 'apply', holder: dead, ttlMs: 15_000, now: clock.now() })
  await (await hold()).release()
})

test('the signal ends the waiting with its reason', async () => {
  const { hold, other, pass } = await setUp()
  await other()
  const stop = new AbortController()
  const waiting = hold({ waitMs: 60_000, signal: stop.signal })
  const outcome = expect(waiting).rejects.toThrow('stopped by hand')
  await pass(500)
  stop.abort(new Error('stopped by hand'))
  await outcome
})

test('who lost the lease is told at the next heartbeat, and cannot write before it', async () => {
  const { store, hold, pass } = await setUp()
  const held = await hold()
  await store.breakLease(tenant, 'apply')
  expect(await codeOf(commit(store, [put(draft('Role/a'))], { lease: held.lease }))).toBe('state_fenced')
  expect(held.lost.aborted).toBe(false)
  await pass(5_000)
  expect(held.lost.reason).toMatchObject({ code: 'state_fenced' })
  await held.release()
})

/** Renewals fail while `down` is set. */
function shaky(store: StateStore, weather: { down: boolean }): StateStore {
  return {
    ...store,
    renewLease: async (...request) => {
      if (weather.down) throw new EngineError('state_unavailable', 'the state does not answer')
      return store.renewLease(...request)
    },
  }
}

const outages: [what: string, beats: number, lost: boolean][] = [
  ['two heartbeats that fail do no harm', 2, false],
  ['a store that is away for the whole lifetime loses the lease', 3, true],
]
test.each(outages)('%s', async (_what, beats, lost) => {
  const { store, hold, pass } = await setUp()
  const weather = { down: true }
  const held: HeldLease = await hold({}, shaky(store, weather))
  for (let beat = 0; beat < beats; beat++) await pass(5_000)
  weather.down = false
  await pass(5_000)
  expect(held.lost.aborted).toBe(lost)
  await held.release()
})
