import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { Secret } from '../core/secret.ts'
import { openStore } from '../state/open.ts'
import type { StateStore } from '../state/store.ts'
import { createDataKey, unwrapDataKey, wrapDataKey } from './data-key.ts'
import { type Keyring, openKeyring } from './keyring.ts'
import { type MasterKey, masterKey } from './master-key.ts'

const tenant = 'acme'
const ports = { clock: { now: () => new Date() }, random: { bytes: (length: number) => randomBytes(length) } }
const master = masterKey(new Secret(new Uint8Array(32).fill(1)), 'the test')
const octets = (text: string) => new Secret<Uint8Array>(Buffer.from(text))
const text = (secret: Secret<Uint8Array>) => Buffer.from(secret.reveal()).toString()

async function prepared(store: StateStore, of = tenant, key: MasterKey = master): Promise<Keyring> {
  const keyring = await openKeyring(store, of, async () => key, ports)
  await keyring.prepare()
  return keyring
}

test('anything sealed is unsealed as it was, also by a keyring opened later', async () => {
  const store = await openStore('sqlite::memory:')
  const keyring = await prepared(store)
  const later = await openKeyring(store, tenant, async () => master, ports)
  fc.assert(
    fc.property(fc.string(), fc.uint8Array({ maxLength: 300 }), (id, value) => {
      const sealed = keyring.seal(id, new Secret(value))
      expect(Buffer.from(later.unseal(id, sealed).reveal()).equals(value)).toBe(true)
    }),
  )
})

test('sealing the same twice gives different ciphertexts', async () => {
  const keyring = await prepared(await openStore('sqlite::memory:'))
  const [one, two] = [keyring.seal('a', octets('x')), keyring.seal('a', octets('x'))]
  expect(one.nonce).not.toEqual(two.nonce)
  expect(one.ciphertext).not.toEqual(two.ciphertext)
})

const forged: [what: string, forge: (sealed: ReturnType<Keyring['seal']>) => [string, ReturnType<Keyring['seal']>]][] =
  [
    ['moved to another row', sealed => ['key_2', sealed]],
    [
      'a changed octet',
      sealed => [
        'key_1',
        { ...sealed, ciphertext: sealed.ciphertext.map((octet, at) => (at === 3 ? octet ^ 1 : octet)) },
      ],
    ],
    [
      'a changed tag',
      sealed => [
        'key_1',
        {
          ...sealed,
          ciphertext: sealed.ciphertext.map((octet, at, all) => (at === all.length - 1 ? octet ^ 1 : octet)),
        },
      ],
    ],
    ['a changed nonce', sealed => ['key_1', { ...sealed, nonce: sealed.nonce.map(octet => octet ^ 1) }]],
    ['a short nonce', sealed => ['key_1', { ...sealed, nonce: sealed.nonce.subarray(1) }]],
    ['a truncated tag', sealed => ['key_1', { ...sealed, ciphertext: sealed.ciphertext.subarray(0, -4) }]],
    ['nothing', sealed => ['key_1', { ...sealed, ciphertext: new Uint8Array(0) }]],
  ]
test.each(forged)('%s is secret_corrupt, without the value in the error', async (_what, forge) => {
  const keyring = await prepared(await openStore('sqlite::memory:'))
  const [id, sealed] = forge(keyring.seal('key_1', octets('hunter2-value')))
  const failure = catchError(() => keyring.unseal(id, sealed))
  expect(failure).toMatchObject({ code: 'secret_corrupt' })
  expect(inspect(failure, { depth: null })).not.toContain('hunter2')
})

test('a row moved to another tenant does not open, even where the data keys are equal', async () => {
  const store = await openStore('sqlite::memory:')
  const same = { ...ports, random: { bytes: (length: number) => new Uint8Array(length).fill(3) } }
  const [own, other] = await Promise.all([tenant, 'other'].map(of => openKeyring(store, of, async () => master, same)))
  await own?.prepare()
  await other?.prepare()
  const sealed = own?.seal('key_1', octets('x'))
  if (sealed === undefined) throw new Error('no keyring')
  expect(own?.unseal('key_1', sealed)).toBeInstanceOf(Secret)
  expect(catchError(() => other?.unseal('key_1', sealed))).toMatchObject({ code: 'secret_corrupt' })
})

const moved: [what: string, of: string, version: number][] = [
  ['another tenant', 'other', 1],
  ['another version', tenant, 2],
]
test.each(moved)('a wrapped data key does not open as that of %s', (_what, of, version) => {
  const wrapped = wrapDataKey(tenant, createDataKey(1, ports.random), master, ports.random, '')
  expect(unwrapDataKey(tenant, wrapped, master).version).toBe(1)
  expect(catchError(() => unwrapDataKey(of, { ...wrapped, version }, master))).toMatchObject({ code: 'secret_corrupt' })
})

test('another master key is master_key_wrong, naming both keys by id alone', async () => {
  const store = await openStore('sqlite::memory:')
  await prepared(store)
  const other = masterKey(new Secret(new Uint8Array(32).fill(2)), '/etc/other.key')
  const failure = await openKeyring(store, tenant, async () => other, ports).catch(error => error)
  expect(failure).toMatchObject({ code: 'master_key_wrong', details: { expected: master.id, given: other.id } })
  expect(failure.message).toContain(master.id)
  expect(failure.message).toContain('/etc/other.key')
  expect(inspect(failure, { depth: null })).not.toContain(Buffer.alloc(32, 2).toString('base64').slice(0, 20))
})

test('opening writes nothing; the first keys become durable with prepare, once', async () => {
  const store = await openStore('sqlite::memory:')
  const ask = vi.fn(async () => master)
  const keyring = await openKeyring(store, tenant, ask, ports)
  expect(keyring.prepared).toBe(false)
  expect(await store.tenants()).toEqual([])
  expect(() => keyring.seal('a', octets('x'))).toThrow('before prepare')
  expect(() => keyring.sign(Buffer.from('x'))).toThrow('before prepare')
  const early = keyring.fingerprint(octets('x'), 'c')
  expect(ask, 'one that would be made then is not made').not.toHaveBeenCalled()
  await keyring.prepare()
  await keyring.prepare()
  expect(keyring.prepared).toBe(true)
  expect(await store.dataKeys(tenant)).toHaveLength(1)
  expect(keyring.fingerprint(octets('x'), 'c')).toBe(early)
})

test('of two that prepare at once, both end with the same keys', async () => {
  const store = await openStore('sqlite::memory:')
  const [one, two] = await Promise.all([prepared(store), prepared(store)])
  expect(await store.dataKeys(tenant)).toHaveLength(1)
  expect(text(two.unseal('a', one.seal('a', octets('x'))))).toBe('x')
  expect(one.fingerprint(octets('x'), 'c')).toBe(two.fingerprint(octets('x'), 'c'))
})

test('a fingerprint is equal for equal values in one context of one tenant, and otherwise differs', async () => {
  const store = await openStore('sqlite::memory:')
  const keyring = await prepared(store)
  const other = await prepared(store, 'other')
  const first = keyring.fingerprint(new Secret('value'), 'DnsProvider/x')
  expect(first).toMatch(/^hmac-sha256:[\w-]{43}$/)
  expect(keyring.fingerprint(octets('value'), 'DnsProvider/x')).toBe(first)
  const others = [
    keyring.fingerprint(new Secret('value2'), 'DnsProvider/x'),
    keyring.fingerprint(new Secret('value'), 'DnsProvider/y'),
    other.fingerprint(new Secret('value'), 'DnsProvider/x'),
    keyring.sign(Buffer.from('value'), 'DnsProvider/x'),
  ]
  expect(new Set([first, ...others]).size).toBe(5)
})

test('a signature holds for exactly its bytes, purpose and tenant', async () => {
  const store = await openStore('sqlite::memory:')
  const keyring = await prepared(store)
  const bytes = Buffer.from('{"changes":[]}')
  const signature = keyring.sign(bytes)
  expect((await openKeyring(store, tenant, async () => master, ports)).verifySignature(bytes, signature)).toBe(true)
  expect(keyring.verifySignature(Buffer.from('{"changes":[1]}'), signature)).toBe(false)
  expect(keyring.verifySignature(bytes, signature, 'other')).toBe(false)
  expect(keyring.verifySignature(bytes, `${signature}x`)).toBe(false)
  expect(keyring.verifySignature(bytes, '')).toBe(false)
  expect((await prepared(store, 'other')).verifySignature(bytes, signature)).toBe(false)
})

function catchError(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}
