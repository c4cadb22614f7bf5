import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { EngineError } from '../core/errors.ts'
import { Secret } from '../core/secret.ts'
import { openStore } from '../state/open.ts'
import type { StateStore } from '../state/store.ts'
import { type Keyring, openKeyring } from './keyring.ts'
import { masterKey } from './master-key.ts'
import { rewrapDataKeys, rotateDataKey } from './rotate.ts'

const tenant = 'acme'
const ports = { clock: { now: () => new Date() }, random: { bytes: (length: number) => randomBytes(length) } }
const master = masterKey(new Secret(new Uint8Array(32).fill(1)), 'the test')
const nextMaster = masterKey(new Secret(new Uint8Array(32).fill(2)), 'the next test')

const contentOf = (id: string) => new Secret<Uint8Array>(Buffer.from(`value of ${id}`))
const ids = Array.from({ length: 1_234 }, (_, n) => `key_${n}`)

async function put(store: StateStore, keyring: Keyring, names: readonly string[]): Promise<void> {
  const mutations = names.map(id => ({ type: 'put-sealed' as const, row: { id, ...keyring.seal(id, contentOf(id)) } }))
  await store.commit(tenant, { mutations, actor: 'test', at: '' })
}

async function filled(): Promise<{ store: StateStore; keyring: Keyring }> {
  const store = await openStore('sqlite::memory:')
  const keyring = await openKeyring(store, tenant, async () => master, ports)
  await keyring.prepare()
  await put(store, keyring, ids)
  return { store, keyring }
}

async function expectAllReadable(store: StateStore, names: readonly string[], key = master): Promise<void> {
  const keyring = await openKeyring(store, tenant, async () => key, ports)
  for (const id of names) {
    const sealed = await store.sealed(tenant, id)
    const value = sealed && keyring.unseal(id, sealed).reveal()
    expect(value && Buffer.from(value).toString()).toBe(`value of ${id}`)
  }
}

test('rotation seals every row under a new data key, drops the old one and keeps fingerprints and signatures', async () => {
  const { store, keyring } = await filled()
  const fingerprint = keyring.fingerprint(contentOf('x'), 'c')
  const signature = keyring.sign(Buffer.from('plan'))
  const [before] = await store.dataKeys(tenant)

  // All rows, and the key for fingerprints.
  expect(await rotateDataKey(store, tenant, master, ports)).toEqual({
    version: 2,
    resealed: ids.length + 1,
    resumed: false,
  })

  const after = await store.dataKeys(tenant)
  expect(after.map(({ version }) => version)).toEqual([2])
  expect(after[0]?.wrapped).not.toEqual(before?.wrapped)
  await expectAllReadable(store, ids)
  const reopened = await openKeyring(store, tenant, async () => master, ports)
  expect(reopened.fingerprint(contentOf('x'), 'c')).toBe(fingerprint)
  expect(reopened.verifySignature(Buffer.from('plan'), signature)).toBe(true)
})

test('a tenant that has sealed nothing has nothing to rotate', async () => {
  const store = await openStore('sqlite::memory:')
  expect(await rotateDataKey(store, tenant, master, ports)).toBeUndefined()
  expect(await store.tenants()).toEqual([])
})

/** Lets so many commits through, then the process "dies". */
function dyingAfter(store: StateStore, commits: number): StateStore {
  let left = commits
  return {
    ...store,
    commit: async (...request) => {
      if (left-- === 0) throw new Error('killed')
      return store.commit(...request)
    },
  }
}

test.each([1, 2, 3, 4])('stopped after %i commits, everything is readable and the next run finishes', async commits => {
  const { store } = await filled()
  await expect(rotateDataKey(dyingAfter(store, commits), tenant, master, ports)).rejects.toThrow('killed')
  await expectAllReadable(store, ids)
  expect(await rotateDataKey(store, tenant, master, ports)).toMatchObject({ version: 2, resumed: true })
  expect((await store.dataKeys(tenant)).map(({ version }) => version)).toEqual([2])
  await expectAllReadable(store, ids)
})

test('what others seal under the old key meanwhile is sealed anew, what they delete stays deleted', async () => {
  const { store, keyring } = await filled()
  let pages = 0
  const busy: StateStore = {
    ...store,
    sealedRows: async (...request) => {
      const page = await store.sealedRows(...request)
      // After the first page was read: one row of it goes, one changes, one arrives before it in the order.
      if (pages++ === 0) {
        await store.commit(tenant, { mutations: [{ type: 'delete-sealed', id: 'key_0' }], actor: 'test', at: '' })
        await put(store, keyring, ['key_1', 'a_new_one'])
      }
      return page
    },
  }
  await rotateDataKey(busy, tenant, master, ports)
  expect((await store.dataKeys(tenant)).map(({ version }) => version)).toEqual([2])
  expect(await store.sealed(tenant, 'key_0')).toBeUndefined()
  await expectAllReadable(store, [...ids.slice(1), 'a_new_one'])
})

test('a keyring from before the rotation is refused when it seals, and goes on after a refresh', async () => {
  const { store, keyring } = await filled()
  await rotateDataKey(store, tenant, master, ports)
  const late = put(store, keyring, ['late'])
  await expect(late).rejects.toMatchObject({ code: 'state_conflict' })
  const sealed = await store.sealed(tenant, 'key_1')
  if (sealed === undefined) throw new Error('key_1 is gone')
  expect(() => keyring.unseal('key_1', sealed)).toThrow(EngineError)
  await keyring.refresh()
  await put(store, keyring, ['late'])
  await expectAllReadable(store, ['late', 'key_1'])
})

test('two rotations at once leave one data key and every row readable', async () => {
  const { store } = await filled()
  await Promise.allSettled([rotateDataKey(store, tenant, master, ports), rotateDataKey(store, tenant, master, ports)])
  await rotateDataKey(store, tenant, master, ports)
  expect(await store.dataKeys(tenant)).toHaveLength(1)
  await expectAllReadable(store, ids)
})

test('rewrapping changes the master key without touching a row, and can be run again', async () => {
  const { store } = await filled()
  const rows = await store.sealedRows(tenant, '', 10)
  expect(await rewrapDataKeys(store, tenant, master, nextMaster, ports)).toBe(1)
  expect(await rewrapDataKeys(store, tenant, master, nextMaster, ports)).toBe(0)
  expect(await store.sealedRows(tenant, '', 10)).toEqual(rows)
  await expectAllReadable(store, ids.slice(0, 10), nextMaster)
  await expect(openKeyring(store, tenant, async () => master, ports)).rejects.toMatchObject({
    code: 'master_key_wrong',
  })
  await expect(rotateDataKey(store, tenant, master, ports)).rejects.toMatchObject({ code: 'master_key_wrong' })
})
