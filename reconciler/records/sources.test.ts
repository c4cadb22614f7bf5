import { afterEach, beforeEach, expect, test } from 'vitest'
import { createWorld, type World } from '../fixtures/world.ts'
import { mostSources } from './sources.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

test('a tenant makes so many sources by the API and no more; the file and other tenants are not held to it', async () => {
  const { sources } = world.services
  const first = await world.source('default', 'first')
  const { tenant: _tenant, ...spec } = first.spec
  await sources.declare([{ spec: { ...spec, tenant: 'default', name: 'declared' }, suspended: true }])
  for (let n = 1; n < mostSources; n++) await world.source('default', `more-${n}`)
  await expect(world.source('default', 'beyond')).rejects.toMatchObject({
    code: 'conflict',
    message: `there are already ${mostSources} sources made through the API`,
  })
  await world.source('other', 'beyond')
  await sources.remove(first, 'test')
  await world.source('default', 'beyond')
})
