import { afterEach, beforeEach, expect, test } from 'vitest'
import { createWorld, type World } from '../fixtures/world.ts'
import { endStaleRuns } from './runs.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

test('what a dead process left running is ended, in every tenant, however much was kept', async () => {
  const stale: [tenant: string, id: string][] = []
  for (const tenant of ['one', 'two']) {
    const source = await world.source(tenant, 'infra')
    for (let run = 0; run < 120; run++) await world.run(source)
    stale.push([tenant, await world.run(source, { state: 'running', phase: 'apply' })])
  }
  // Each run holds its log, so few are held at a time.
  let most = 0
  const counted = <T>(found: readonly T[]) => {
    most = Math.max(most, found.length)
    return found
  }
  const store = new Proxy(world.store, {
    get(target, name, receiver) {
      if (name === 'records')
        return async (...given: Parameters<typeof target.records>) => counted(await target.records(...given))
      if (name === 'recordsEverywhere')
        return async (...given: Parameters<typeof target.recordsEverywhere>) =>
          counted(await target.recordsEverywhere(...given))
      const value: unknown = Reflect.get(target, name, receiver)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  expect(await endStaleRuns({ store, clock: world.services.clock })).toBe(2)
  for (const [tenant, id] of stale) {
    expect((await world.store.record(tenant, 'run', id))?.data).toMatchObject({ state: 'interrupted', phase: 'ended' })
  }
  expect(most).toBeLessThanOrEqual(100)
  expect(await endStaleRuns({ store, clock: world.services.clock })).toBe(0)
})
