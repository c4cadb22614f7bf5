import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { commit, draft, holder, put, tenant } from './contract/samples.ts'
import { describeStateStore } from './contract.ts'
import { openStore, openStoreWhenWritten } from './open.ts'
import type { StateStore } from './store.ts'

const folders: string[] = []
const opened: StateStore[] = []

function newPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'trustform-unmade-'))
  folders.push(folder)
  return join(folder, 'below', 'state.db')
}

async function open(path: string, how = openStoreWhenWritten): Promise<StateStore> {
  const store = await how(`sqlite:${path}`)
  opened.push(store)
  return store
}

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

describeStateStore('sqlite, made when written', {
  open: () => open(newPath()),
  again: async store => {
    const again = await openStoreWhenWritten(store.url)
    opened.push(again)
    return again
  },
})

test('reading makes nothing', async () => {
  const path = newPath()
  const store = await open(path)
  expect(await store.snapshot(tenant)).toEqual({ lineage: '', serial: 0, resources: [] })
  expect([await store.tenants(), await store.dataKeys(tenant), await store.verify(tenant)]).toEqual([[], [], []])
  await store.close()
  expect(existsSync(path)).toBe(false)
})

test.each<[what: string, write: (store: StateStore) => Promise<unknown>]>([
  ['a commit', store => commit(store, [put(draft('Role/web'))])],
  ['a lease', store => store.acquireLease(tenant, { name: 'state', holder: holder(1), ttlMs: 1000, now: new Date(0) })],
])('%s makes it', async (_what, write) => {
  const path = newPath()
  await write(await open(path))
  expect(existsSync(path)).toBe(true)
})

test('what somebody else makes meanwhile is seen', async () => {
  const path = newPath()
  const store = await open(path)
  expect((await store.snapshot(tenant)).resources).toEqual([])
  await commit(await open(path, openStore), [put(draft('Role/web'))])
  expect((await store.snapshot(tenant)).resources.map(({ address }) => address)).toEqual(['Role/web'])
})

test('where it cannot be made, the first write says so, and each after it tries again', async () => {
  const blocked = join(newPath(), '..')
  writeFileSync(blocked, 'no folder')
  const store = await open(join(blocked, 'state.db'))
  const write = () => commit(store, [put(draft('Role/web'))])
  await expect(write()).rejects.toMatchObject({ code: 'state_unavailable' })
  expect((await store.snapshot(tenant)).resources).toEqual([])
  rmSync(blocked)
  await write()
  expect((await store.snapshot(tenant)).resources).toHaveLength(1)
})
