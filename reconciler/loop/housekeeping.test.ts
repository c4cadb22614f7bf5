import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { audited, type JsonObject, type Mutation, openStore, type StateStore, told } from '../../engine/index.ts'
import { createManualClock, type ManualClock } from '../jobs/fixtures/manual-clock.ts'
import { keepHouse, retention, tidy } from './housekeeping.ts'

const tenant = 'default'
const day = 86_400_000

let folder: string
let store: StateStore
let clock: ManualClock
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'trustform-housekeeping-'))
  store = await openStore(`sqlite:${join(folder, 'state.db')}`)
  clock = createManualClock()
})
afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

const commit = (mutations: readonly Mutation[], whose = tenant) =>
  store.commit(whose, { mutations, actor: 'test', at: clock.now().toISOString() })

function record(collection: string, id: string, data: JsonObject, parent?: string): Mutation {
  return {
    type: 'put-record',
    record: { collection, id, data, ...(parent !== undefined && { parent }) },
    expectedVersion: null,
  }
}

const numbered = (count: number, make: (n: number) => Mutation) => Array.from({ length: count }, (_, n) => make(n))
const ids = async (collection: string, whose = tenant) =>
  (await store.records(whose, { collection })).map(({ id }) => id)

test('of each source the newest runs stay, and one that runs is never forgotten', async () => {
  const { runsPerSource } = retention
  await commit([
    record('source', 'src_a', {}),
    record('source', 'src_b', {}),
    record('run', 'still-running', { state: 'running' }, 'src_a'),
    ...numbered(runsPerSource + 5, n => record('run', `a${n}`, { state: 'succeeded' }, 'src_a')),
    ...numbered(3, n => record('run', `b${n}`, { state: 'failed' }, 'src_b')),
  ])
  expect(await tidy({ store, clock })).toBe(5)
  const left = await ids('run')
  expect(left).toHaveLength(1 + runsPerSource + 3)
  expect(left).toEqual(expect.arrayContaining(['still-running', 'a5', `a${runsPerSource + 4}`, 'b0']))
  expect(left).not.toContain('a4')
  expect(await tidy({ store, clock }), 'a second round finds nothing').toBe(0)
})

test('more than one commit holds goes in one round, tenant by tenant', async () => {
  const runs = numbered(1000, n => record('run', `r${n}`, { state: 'succeeded' }, 'src'))
  for (const whose of [tenant, 'other']) await commit([record('source', 'src', {}), ...runs], whose)
  expect(await tidy({ store, clock })).toBe(2 * (1000 - retention.runsPerSource))
  expect(await ids('run', 'other')).toHaveLength(retention.runsPerSource)
})

const aged: [what: string, mutation: Mutation, days: number][] = [
  ['a settled plan', record('plan', 'x', { state: 'applied' }, 'src'), retention.settledPlanDays],
  ['a run of a source that was removed', record('run', 'x', { state: 'succeeded' }, 'gone'), retention.orphanDays],
  ['a delivery', record('delivery', 'x', {}, 'src'), retention.deliveryDays],
  ['a notice', record('notice', 'x', {}), retention.noticeDays],
]
test.each(aged)('%s goes when it is old enough, not before', async (_what, mutation, days) => {
  const collection = mutation.type === 'put-record' ? mutation.record.collection : ''
  await commit([record('source', 'src', {}), mutation])
  clock.pass(days * day)
  expect(await tidy({ store, clock })).toBe(0)
  clock.pass(1)
  expect(await tidy({ store, clock })).toBe(1)
  expect(await ids(collection)).toEqual([])
})

test('a plan that somebody may still decide on or has approved stays, however old and however many follow', async () => {
  await commit([
    record('source', 'src', {}),
    record('plan', 'waits', { state: 'pending' }, 'src'),
    record('plan', 'approved', { state: 'approved' }, 'src'),
    ...numbered(retention.settledPlansPerSource + 2, n => record('plan', `p${n}`, { state: 'superseded' }, 'src')),
  ])
  await tidy({ store, clock })
  expect(await ids('plan')).toHaveLength(2 + retention.settledPlansPerSource)
  clock.pass(400 * day)
  await tidy({ store, clock })
  expect(await ids('plan')).toEqual(['waits', 'approved'])
})

test('what a plan would do is forgotten with it; a plan of a removed source waits for nobody', async () => {
  await commit([
    record('source', 'src', {}),
    ...['plan', 'plan-document', 'plan-open'].flatMap(collection => [
      record(collection, 'waits', { state: 'pending' }, 'src'),
      record(collection, 'discarded', { state: 'discarded' }, 'src'),
      record(collection, 'raced', { state: 'pending' }, 'gone'),
    ]),
    record('plan', 'old', { state: 'applied' }, 'src'),
    record('plan-document', 'old', {}, 'src'),
  ])
  clock.pass(retention.settledPlanDays * day + 1)
  expect(await tidy({ store, clock })).toBe(2)
  for (const collection of ['plan', 'plan-document', 'plan-open'])
    expect(await ids(collection), collection).toEqual(['waits', 'discarded'])
})

test('events go after their time; the newest stays and numbers go on; the audit log is kept for ever', async () => {
  const said = () => ({ at: clock.now().toISOString(), actor: 'test', subject: 'src' })
  await commit([...numbered(450, () => told('source.ready', said())), audited('source_create', said())])
  clock.pass(10 * day)
  await commit([told('source.stalled', said())])
  clock.pass(retention.eventDays * day - day)
  expect(await tidy({ store, clock })).toBe(450)
  const left = await store.log(tenant, { log: 'event' })
  expect(left.map(({ sequence, type }) => [sequence, type])).toEqual([[451, 'source.stalled']])
  clock.pass(1000 * day)
  await tidy({ store, clock })
  await commit([told('source.ready', said())])
  expect((await store.log(tenant, { log: 'event' })).map(({ sequence }) => sequence)).toEqual([451, 452])
  expect(await store.log(tenant, { log: 'audit' })).toHaveLength(1)
  expect(await store.verify(tenant)).toEqual([])
})

test('dead letters go after their time, waiting jobs never', async () => {
  const job = (id: string): Mutation => ({
    type: 'enqueue-job',
    job: { id, queue: 'q', key: '', payload: {}, runAt: clock.now().toISOString(), maxAttempts: 1 },
  })
  await commit([job('dead')])
  await store.claimJobs({ queues: ['q'], limit: 1, now: clock.now(), leaseMs: 1000 })
  await commit([{ type: 'return-job', id: 'dead', attempt: 1, runAt: clock.now().toISOString(), error: 'boom' }])
  await commit([job('waiting')])
  clock.pass(retention.deadJobDays * day)
  expect(await tidy({ store, clock })).toBe(0)
  clock.pass(1)
  expect(await tidy({ store, clock })).toBe(1)
  expect((await store.jobs({})).map(({ id }) => id)).toEqual(['waiting'])
})

test('operations that ended go after their time', async () => {
  const begin: Mutation = {
    type: 'begin-operation',
    operation: {
      ...{ id: 'op', address: 'Certificate/a', action: 'create', inputHash: 'h', attempt: 1, epoch: 1 },
      startedAt: clock.now().toISOString(),
    },
  }
  await commit([begin, { type: 'end-operation', operationId: 'op', outcome: 'done' }])
  clock.pass(retention.operationDays * day + 1)
  await tidy({ store, clock })
  // Only what is forgotten can be begun anew.
  await expect(commit([begin])).resolves.toBeDefined()
})

test('the loop goes on after a round that failed, and ends when it is told to', async () => {
  const stop = new AbortController()
  const warned: string[] = []
  const log = { debug: () => {}, info: () => {}, warn: (message: string) => void warned.push(message) }
  let rounds = 0
  const failing = new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (name !== 'tenants') return typeof value === 'function' ? value.bind(target) : value
      return async () => {
        if (++rounds === 1) throw new Error('busy')
        return store.tenants()
      }
    },
  })
  const ended = keepHouse({ store: failing, clock, log }, stop.signal)
  const settled = async () => {
    for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve))
  }
  await settled()
  expect(rounds, 'not at the very start').toBe(0)
  for (let n = 0; n < 2; n++) {
    clock.pass(day)
    await settled()
  }
  expect(rounds).toBe(2)
  expect(warned).toEqual(['old records could not be forgotten'])
  stop.abort()
  await ended
})
