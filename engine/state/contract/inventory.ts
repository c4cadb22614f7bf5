import { expect, test } from 'vitest'
import type { CertificateQuery } from '../store.ts'
import {
  add,
  at,
  certificate,
  codeOf,
  commit,
  dataKey,
  draft,
  later,
  plain,
  put,
  putKey,
  putSealed,
  type StoreUnderTest,
  sealedRow,
  tenant,
} from './samples.ts'

/** Certificates, sealed rows, data keys. */
export function inventory({ open }: StoreUnderTest): void {
  test('a certificate is read back octet for octet', async () => {
    const store = await open()
    const row = certificate('crt_1', {
      der: Uint8Array.from({ length: 256 }, (_, octet) => octet),
      chain: [Uint8Array.of(1, 2), new Uint8Array(0), Uint8Array.of(255)],
      keyId: 'key_1',
    })
    await commit(store, [putKey(1), add(row), putSealed(sealedRow('key_1'))])
    expect(plain(await store.certificates(tenant, { id: 'crt_1' }))).toEqual(plain([row]))
  })

  const queries: [what: string, query: CertificateQuery, want: string[]][] = [
    ['everything, newest first', {}, ['f', 'e', 'd', 'c', 'b', 'a']],
    ['an id', { id: 'b' }, ['b']],
    ['an unknown id', { id: 'x' }, []],
    ['an object', { objectId: 'cert_2' }, ['d', 'c']],
    ['an issuer', { issuerId: 'ca_1' }, ['c', 'b', 'a']],
    ['foreign issuers', { issuerId: '' }, ['f', 'e']],
    ['a serial, whoever issued it', { serial: '0A' }, ['f', 'e', 'd', 'a']],
    ['a serial of an issuer', { issuerId: 'ca_2', serial: '0A' }, ['d']],
    ['the revoked ones', { revoked: true }, ['d', 'b']],
    ['the revoked ones of an issuer', { issuerId: 'ca_1', revoked: true }, ['b']],
    ['the others of an issuer', { issuerId: 'ca_1', revoked: false }, ['c', 'a']],
    ['the newest of an issuer', { issuerId: 'ca_1', limit: 1 }, ['c']],
  ]
  test.each(queries)('certificates are found by %s', async (_what, query, want) => {
    const store = await open()
    const own = { issuerId: 'ca_1' }
    await commit(store, [
      add(certificate('a', { ...own, objectId: 'cert_1', serial: '0A' })),
      add(certificate('b', { ...own, objectId: '', serial: '0B' })),
    ])
    await commit(store, [add(certificate('c', { ...own, objectId: 'cert_2', serial: '0C' }))])
    await commit(store, [
      add(certificate('d', { issuerId: 'ca_2', objectId: 'cert_2', serial: '0A' })),
      add(certificate('e', { issuerId: '', objectId: 'cert_3', serial: '0A' })),
      add(certificate('f', { issuerId: '', objectId: 'cert_3', serial: '0A' })),
      { type: 'revoke-certificate', id: 'b', at, reason: 'superseded' },
      { type: 'revoke-certificate', id: 'd', at, reason: 'superseded' },
    ])
    expect((await store.certificates(tenant, query)).map(row => row.id)).toEqual(want)
  })

  const refused: [what: string, mutations: Parameters<typeof commit>[1], code: string][] = [
    ['a serial twice under one issuer', [add(certificate('b', { serial: '0A' }))], 'state_conflict'],
    ['an id twice', [add(certificate('a', { serial: '0B' }))], 'state_conflict'],
    ['a private key that is not stored', [add(certificate('b', { keyId: 'none' }))], 'state_conflict'],
    ['revoking what does not exist', [{ type: 'revoke-certificate', id: 'x', at, reason: 'superseded' }], 'not_found'],
  ]
  test.each(refused)('%s is refused, with all of its commit', async (_what, mutations, code) => {
    const store = await open()
    await commit(store, [add(certificate('a', { serial: '0A' }))])
    expect(await codeOf(commit(store, [put(draft('Role/web')), ...mutations]))).toBe(code)
    expect(await store.certificates(tenant, {})).toHaveLength(1)
    expect((await store.snapshot(tenant)).resources).toEqual([])
  })

  test('a revocation is final: a later one changes neither its date nor its reason', async () => {
    const store = await open()
    await commit(store, [add(certificate('a'))])
    await commit(store, [{ type: 'revoke-certificate', id: 'a', at, reason: 'keyCompromise' }])
    await commit(store, [{ type: 'revoke-certificate', id: 'a', at: later, reason: 'superseded' }])
    expect(await store.certificates(tenant, { id: 'a' })).toMatchObject([
      { revokedAt: at, revocationReason: 'keyCompromise' },
    ])
  })

  test('sealed rows are put, replaced, deleted and paged in the order of their ids', async () => {
    const store = await open()
    await commit(store, [putKey(1), ...['c', 'a', 'd', 'b'].map(id => putSealed(sealedRow(id)))])
    await commit(store, [putSealed(sealedRow('b', 1, 9)), { type: 'delete-sealed', id: 'd' }])
    expect(plain(await store.sealed(tenant, 'b'))).toEqual(
      plain({ keyVersion: 1, nonce: sealedRow('', 1, 9).nonce, ciphertext: sealedRow('', 1, 9).ciphertext }),
    )
    expect(await store.sealed(tenant, 'd')).toBeUndefined()
    const first = await store.sealedRows(tenant, '', 2)
    const second = await store.sealedRows(tenant, 'b', 2)
    expect([first, second, await store.sealedRows(tenant, 'c', 2)].map(page => page.map(row => row.id))).toEqual([
      ['a', 'b'],
      ['c'],
      [],
    ])
    expect(plain(first[0])).toEqual(plain(sealedRow('a')))
  })

  test('a certificate whose private key is destroyed stays, without claiming the key', async () => {
    const store = await open()
    await commit(store, [putKey(1), putSealed(sealedRow('k')), add(certificate('a', { keyId: 'k' }))])
    await commit(store, [{ type: 'delete-sealed', id: 'k' }])
    expect((await store.certificates(tenant, {}))[0]).not.toHaveProperty('keyId')
    expect(await store.verify(tenant)).toEqual([])
  })

  test('reseal replaces exactly the row that was read', async () => {
    const store = await open()
    await commit(store, [putKey(1), putKey(2), putSealed(sealedRow('a')), putSealed(sealedRow('b'))])
    const replacesNonce = sealedRow('a').nonce
    await commit(store, [putSealed(sealedRow('b', 1, 8))])
    await commit(
      store,
      ['a', 'b', 'gone'].map(id => ({ type: 'reseal' as const, row: sealedRow(id, 2, 9), replacesNonce })),
    )
    expect((await store.sealedRows(tenant, '', 9)).map(row => [row.id, row.keyVersion, row.nonce[0]])).toEqual([
      ['a', 2, 9],
      ['b', 1, 8],
    ])
  })

  test('data keys are listed by version, and are never overwritten, or dropped while they seal something', async () => {
    const store = await open()
    await commit(store, [putKey(2), putKey(1), putSealed(sealedRow('a', 1))])
    expect(plain(await store.dataKeys(tenant))).toEqual(plain([dataKey(1), dataKey(2)]))
    expect(await codeOf(commit(store, [putKey(1)]))).toBe('state_conflict')
    expect(await codeOf(commit(store, [{ type: 'delete-data-key', version: 1 }]))).toBe('state_conflict')
    await commit(store, [{ type: 'delete-data-key', version: 2 }])
    await commit(store, [
      { type: 'delete-sealed', id: 'a' },
      { type: 'delete-data-key', version: 1 },
    ])
    expect(await store.dataKeys(tenant)).toEqual([])
  })

  test('a row cannot be sealed under a data key that is gone', async () => {
    const store = await open()
    await commit(store, [putKey(1), putKey(2), putSealed(sealedRow('a', 2))])
    await commit(store, [{ type: 'delete-data-key', version: 1 }])
    expect(await codeOf(commit(store, [putSealed(sealedRow('b', 1))]))).toBe('state_conflict')
    expect(
      await codeOf(commit(store, [{ type: 'reseal', row: sealedRow('a', 1), replacesNonce: sealedRow('a').nonce }])),
    ).toBe('state_conflict')
  })

  test('a data key is wrapped anew only from the master key that wraps it', async () => {
    const store = await open()
    await commit(store, [putKey(1)])
    const under = (masterKeyId: string, rewraps: string) =>
      commit(store, [{ type: 'put-data-key', key: dataKey(1, masterKeyId), rewraps }])
    await under('m2', 'm1')
    expect(await codeOf(under('m3', 'm1'))).toBe('state_conflict')
    expect((await store.dataKeys(tenant)).map(key => key.masterKeyId)).toEqual(['m2'])
  })
}
