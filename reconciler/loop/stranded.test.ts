import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Mutation } from '../../engine/index.ts'
import { createWorld, type World } from '../fixtures/world.ts'
import { createManualClock } from '../jobs/fixtures/manual-clock.ts'
import { saveSource } from '../records/source-records.ts'
import type { Condition, Source } from '../sources/source.ts'
import { wakeStranded, watchStranded } from './stranded.ts'

const clock = createManualClock()
let world: World
beforeEach(async () => {
  world = await createWorld({ clock })
})
afterEach(() => world.close())

const commit = (mutations: readonly Mutation[]) =>
  world.store.commit('default', { mutations, actor: 'test', at: clock.now().toISOString() })

const ports = () => ({ ...world.services, store: world.store })

const condition = (type: Condition['type'], status: Condition['status']): Condition => ({
  ...{ type, status, reason: 'Reason', message: '', since: clock.now().toISOString() },
})
const well = [condition('Ready', 'True')]
const unwell = [condition('Ready', 'False')]
const stalled = [condition('Ready', 'False'), condition('Stalled', 'True')]

type Job = 'none' | 'waiting' | 'running' | 'dead'

/** A source as passes left it, whose job is in that state. */
async function source(job: Job, conditions: readonly Condition[]): Promise<Source> {
  const made = await world.source('default', 'infra')
  const saved = await saveSource({ store: world.store, clock }, made, { conditions }, 'test')
  const [waiting] = await world.store.jobs({})
  const id = waiting?.id ?? ''
  if (job === 'none') await commit([{ type: 'cancel-job', id }])
  if (job === 'running' || job === 'dead')
    await world.store.claimJobs({ queues: ['reconcile'], limit: 1, now: clock.now(), leaseMs: 60_000 })
  for (let attempt = 1; job === 'dead' && attempt <= 10; attempt++) {
    const runAt = clock.now().toISOString()
    await commit([{ type: 'return-job', id, attempt, runAt, error: 'the state is full' }])
    await world.store.claimJobs({ queues: ['reconcile'], limit: 1, now: clock.now(), leaseMs: 60_000 })
  }
  expect((await world.store.jobs({})).map(({ state }) => state)).toEqual(job === 'none' ? [] : [job])
  return saved
}

const cases: [what: string, job: Job, conditions: readonly Condition[], wakes: boolean][] = [
  ['its pass is a dead letter', 'dead', unwell, true],
  ['its pass is a dead letter, and nobody could write that down', 'dead', well, true],
  ['its pass is a dead letter since it was stalled', 'dead', stalled, true],
  ['it waits without a job', 'none', unwell, true],
  ['its next attempt has its time', 'waiting', unwell, false],
  ['it is being looked at', 'running', unwell, false],
  ['somebody has to act', 'none', stalled, false],
  ['it is well', 'none', well, false],
]
test.each(cases)('%s', async (_what, job, conditions, wakes) => {
  await source(job, conditions)
  expect(await wakeStranded(ports())).toEqual(wakes ? ['infra'] : [])
  const jobs = (await world.store.jobs({})).map(({ state, payload }) => `${state} ${payload.trigger}`)
  if (wakes) expect(jobs).toEqual(['waiting retry'])
  expect(await wakeStranded(ports())).toEqual([])
})

test('a suspended source is left alone', async () => {
  await world.services.sources.suspend(await source('dead', unwell), true, 'test')
  expect(await wakeStranded(ports())).toEqual([])
})

test('it is looked for again and again, also after the state could not be read', async () => {
  await source('dead', unwell)
  const stop = new AbortController()
  let asked = 0
  const store = new Proxy(world.store, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver)
      if (typeof value !== 'function') return value
      if (name === 'jobs' && asked++ === 0) return () => Promise.reject(new Error('the disk is gone'))
      return value.bind(target)
    },
  })
  const watching = watchStranded({ ...ports(), store }, stop.signal)
  await expect
    .poll(async () => {
      clock.pass(900_000)
      return (await world.store.jobs({})).map(({ state }) => state)
    })
    .toEqual(['waiting'])
  stop.abort()
  await watching
})
