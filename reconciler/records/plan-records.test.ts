import { afterEach, beforeEach, expect, test } from 'vitest'
import type { StateStore } from '../../engine/index.ts'
import { createWorld, deletion, type World } from '../fixtures/world.ts'
import type { Source } from '../sources/source.ts'
import { createObservations } from './observations.ts'
import { planDocument } from './plan-documents.ts'
import { openPlans, recordPlan, settlePlans } from './plan-records.ts'
import { createPlans } from './plans.ts'

let world: World
let source: Source
/** Collection of each record that was read. */
let read: string[]
let store: StateStore
const tenant = 'default'
beforeEach(async () => {
  world = await createWorld()
  source = await world.source(tenant, 'infra')
  read = []
  store = new Proxy(world.store, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver)
      if (typeof value !== 'function') return value
      if (name !== 'record' && name !== 'records' && name !== 'recordsEverywhere') return value.bind(target)
      return async (...given: unknown[]) => {
        const found: unknown = await value.apply(target, given)
        // A record or a list of them, as the port says.
        for (const each of [found].flat() as ({ collection: string } | undefined)[])
          if (each) read.push(each.collection)
        return found
      }
    },
  })
})
afterEach(() => world.close())

const ports = () => ({ ...world.services, store })
const drawn = { commit: 'c0ffee', document: deletion }

test('open plans are found beside however many settled ones, and without what they would do', async () => {
  await world.plan(source, { commit: 'one' })
  for (let settled = 0; settled < 120; settled++) await world.plan(source, { state: 'superseded' })
  await world.plan(source, { commit: 'two', pullRequest: 7 })
  const plans = createPlans(ports())
  const observations = createObservations(store, world.queue, async () => undefined)
  const looks: [what: string, look: () => Promise<readonly { commit: string }[]>][] = [
    ['of a source', () => openPlans(store, source)],
    ['of a tenant', () => observations.pendingPlans({ tenant, limit: 1000 })],
    ['of all tenants', () => observations.pendingPlans({ limit: 1000 })],
    ['by the API', async () => (await plans.list(tenant, { state: 'pending' }, { limit: 200 })).items],
  ]
  for (const [what, look] of looks) {
    read.length = 0
    expect(
      (await look()).map(({ commit }) => commit),
      what,
    ).toEqual(['two', 'one'])
    expect(read.toSorted(), what).toEqual(['plan', 'plan', 'plan-open', 'plan-open'])
  }
  read.length = 0
  expect((await plans.list(tenant, {}, { limit: 200 })).items).toHaveLength(122)
  expect(new Set(read)).toEqual(new Set(['plan']))
})

test('a plan is recorded once for the same, and gives way to the next', async () => {
  const first = await recordPlan(ports(), source, drawn, 'test')
  expect(await planDocument(store, first)).toEqual(deletion)
  expect((await recordPlan(ports(), source, drawn, 'test')).id).toBe(first.id)
  const next = await recordPlan(ports(), source, { ...drawn, commit: 'decaf' }, 'test')
  expect((await openPlans(store, source)).map(({ id }) => id)).toEqual([next.id])
  await settlePlans(ports(), [next], 'applied', 'test')
  expect(await openPlans(store, source)).toEqual([])
})

test('nothing is recorded for a source that was removed while it was looked at', async () => {
  await world.services.sources.remove(source, 'test')
  await expect(recordPlan(ports(), source, drawn, 'test')).rejects.toMatchObject({ code: 'not_found' })
  expect(await world.store.records(tenant, { collection: 'plan' })).toEqual([])
})
