import { expect, test } from 'vitest'
import { commit, draft, put, tenant } from './contract/samples.ts'
import { openStore } from './open.ts'
import type { StateStore } from './store.ts'
import { moveMutations, removeMutations } from './surgery.ts'

async function open(): Promise<StateStore> {
  const store = await openStore('sqlite::memory:')
  await commit(store, [
    put(draft('Role/web')),
    put(draft('Role/api')),
    put(draft('Certificate/edge', { spec: { role: 'web' }, dependsOn: ['Role/web', 'Role/api'] })),
  ])
  return store
}

test('mv keeps the object and takes its dependents along', async () => {
  const store = await open()
  const before = await store.resource(tenant, 'Role/web')
  const mutations = moveMutations(await store.snapshot(tenant), 'Role/web', 'Role/www', ({ spec }) => ({
    ...spec,
    role: 'www',
  }))
  await commit(store, mutations)
  const { resources } = await store.snapshot(tenant)
  expect(resources.map(({ address }) => address)).toEqual(['Certificate/edge', 'Role/api', 'Role/www'])
  expect(resources[0]).toMatchObject({ spec: { role: 'www' }, dependsOn: ['Role/www', 'Role/api'] })
  expect(resources[2]).toMatchObject({ name: 'www', id: before?.id, spec: before?.spec, owner: before?.owner })
  expect(await store.verify(tenant)).toEqual([])
})

const refusedMoves: [
  what: string,
  from: 'Role/web' | 'Role/none',
  to: `Role/${string}` | 'TrustAnchor/web',
  code: string,
][] = [
  ['another kind', 'Role/web', 'TrustAnchor/web', 'usage'],
  ['a name that is taken', 'Role/web', 'Role/api', 'state_conflict'],
  ['what is not recorded', 'Role/none', 'Role/x', 'not_found'],
  ['no name', 'Role/web', 'Role/', 'address_invalid'],
]
test.each(refusedMoves)('mv refuses %s', async (_what, from, to, code) => {
  const snapshot = await (await open()).snapshot(tenant)
  expect(() => moveMutations(snapshot, from, to)).toThrow(expect.objectContaining({ code }))
})

test('rm forgets the resource and nothing else', async () => {
  const store = await open()
  await commit(store, removeMutations(await store.snapshot(tenant), 'Certificate/edge'))
  expect((await store.snapshot(tenant)).resources.map(({ address }) => address)).toEqual(['Role/api', 'Role/web'])
})

test('rm refuses what others depend on, naming them, and what is not recorded', async () => {
  const snapshot = await (await open()).snapshot(tenant)
  expect(() => removeMutations(snapshot, 'Role/web')).toThrow('Role/web is still used by Certificate/edge')
  expect(() => removeMutations(snapshot, 'Role/none')).toThrow(expect.objectContaining({ code: 'not_found' }))
})
