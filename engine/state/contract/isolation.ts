import { expect, test } from 'vitest'
import {
  add,
  at,
  certificate,
  codeOf,
  commit,
  dataKey,
  draft,
  operation,
  plain,
  put,
  putKey,
  putSealed,
  type StoreUnderTest,
  sealedRow,
  step,
  take,
  tenant,
} from './samples.ts'

/** Tenants do not see each other; what is answered is durable; the store knows when it is unsound. */
export function isolation({ open, again }: StoreUnderTest): void {
  test('two tenants use the same names and ids without meeting', async () => {
    const store = await open()
    const everything = (octet: number) => [
      put(draft('Role/web', { owner: `owner-${octet}` })),
      { type: 'put-data-key' as const, key: dataKey(1, `m${octet}`) },
      putSealed(sealedRow('k', 1, octet)),
      add(certificate('crt_1', { objectId: `cert_${octet}`, keyId: 'k' })),
      operation('op1', { action: `action-${octet}` }),
      step('op1', 'order', { data: { octet } }),
    ]
    await commit(store, everything(1), { tenant: 'one' })
    await commit(store, everything(2), { tenant: 'two' })
    const view = async (of: string) => ({
      declared: await store.snapshot(of),
      history: await store.history(of, {}),
      certificates: await store.certificates(of, { serial: certificate('crt_1').serial }),
      sealed: await store.sealed(of, 'k'),
      rows: await store.sealedRows(of, '', 10),
      keys: await store.dataKeys(of),
      operations: await store.operations(of),
    })
    const before = plain(await view('two'))
    const one = (await store.snapshot('one')).resources[0]
    expect(one?.owner).toBe('owner-1')

    await commit(
      store,
      [
        { type: 'delete-resource', address: 'Role/web', expectedRevision: one?.revision ?? 0 },
        { type: 'revoke-certificate', id: 'crt_1', at, reason: 'superseded' },
        { type: 'delete-sealed', id: 'k' },
        { type: 'delete-data-key', version: 1 },
        { type: 'end-operation', operationId: 'op1', outcome: 'done' },
      ],
      { tenant: 'one' },
    )
    expect(plain(await view('two'))).toEqual(before)
    expect(await store.tenants()).toEqual(['one', 'two'])
    expect(await store.verify('two')).toEqual([])
  })

  test('a lease of one tenant does not fence in another', async () => {
    const store = await open()
    await take(store, 1, new Date(at))
    const lease = await take(store, 2, new Date(at), 1000, 'other')
    await store.breakLease('other', 'apply')
    expect(await codeOf(commit(store, [], { lease, tenant: 'other' }))).toBe('state_fenced')
  })

  test('many commits from two connections at once all arrive, and reads meanwhile see whole commits', async () => {
    const store = await open()
    const other = await again(store)
    const writers = [store, other].flatMap((each, who) =>
      Array.from({ length: 20 }, (_, n) =>
        commit(each, [put(draft(`Role/${who}-${n}-a`)), put(draft(`Role/${who}-${n}-b`))]),
      ),
    )
    const seen = Promise.all(Array.from({ length: 20 }, () => other.snapshot(tenant)))
    const serials = (await Promise.all(writers)).map(done => done.serial)
    expect(new Set(serials).size).toBe(40)
    for (const { serial, resources } of await seen) expect(resources).toHaveLength(serial * 2)
    expect(await store.snapshot(tenant)).toMatchObject({ serial: 40 })
  })

  test('verify is content with a sound state and names a dependency that is not recorded', async () => {
    const store = await open()
    await commit(store, [
      putKey(1),
      put(draft('Role/web')),
      put(draft('Certificate/edge', { dependsOn: ['Role/web'] })),
    ])
    expect(await store.verify(tenant)).toEqual([])
    await commit(store, [put(draft('Certificate/x', { dependsOn: ['Role/gone'] }))])
    expect(await store.verify(tenant)).toEqual([expect.stringContaining('Role/gone')])
  })

  test('closing waits for what is being written', async () => {
    const store = await open()
    const reader = await again(store)
    const written = commit(store, [put(draft('Role/web'))])
    await store.close()
    await written
    expect((await reader.snapshot(tenant)).resources).toHaveLength(1)
  })
}
