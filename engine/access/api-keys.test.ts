import { createHash, randomFillSync } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openStore } from '../state/open.ts'
import type { StateStore } from '../state/store.ts'
import { type ApiKeyDraft, type ApiKeys, createApiKeys, type Granter } from './api-keys.ts'
import { newToken } from './key-token.ts'
import { parseScopes, scopes } from './scopes.ts'

const random = { bytes: (length: number) => randomFillSync(new Uint8Array(length)) }
const operator: Granter = { actor: 'cli', scopes: 'all' }
const draft: ApiKeyDraft = { userId: 'ann', name: 'ci', scopes: ['plans:read', 'runs:read'] }
const day = 86_400_000

let store: StateStore
let now = Date.parse('2026-11-21T12:00:00.000Z')
let keys: ApiKeys
beforeEach(async () => {
  store = await openStore('sqlite::memory:')
  now = Date.parse('2026-11-21T12:00:00.000Z')
  keys = createApiKeys({ store, random, clock: { now: () => new Date(now), sleep: async () => {} } })
})
afterEach(() => store.close())

test('a key is answered once, stored as its hash, and opens what it was made for', async () => {
  const { key, token } = await keys.create('acme', draft, operator)
  const text = token.reveal()
  expect(text).toMatch(/^tfk_[0-9A-Za-z]{43}$/)
  expect(key).toMatchObject({
    userId: 'ann',
    name: 'ci',
    prefix: text.slice(0, 8),
    scopes: ['plans:read', 'runs:read'],
  })
  expect(await keys.authenticate(text)).toMatchObject({ id: key.id, tenant: 'acme', scopes: key.scopes })

  const [record] = await store.records('acme', { collection: 'api_key' })
  expect(record?.name).toBe(createHash('sha256').update(text).digest('hex'))
  const kept = JSON.stringify([record, await store.log('acme', { log: 'audit' }), await keys.list('acme')])
  expect(kept).not.toContain(text.slice(8))
  expect(String(token)).toBe('(secret)')
})

test('a token holds 256 bits whatever they are', () => {
  const of = (octet: number) => newToken({ bytes: length => new Uint8Array(length).fill(octet) }).reveal()
  expect(of(0)).toBe(`tfk_${'0'.repeat(43)}`)
  expect(of(255)).toMatch(/^tfk_[0-9A-Za-z]{43}$/)
  expect(new Set(Array.from({ length: 256 }, (_, octet) => of(octet))).size).toBe(256)
})

const closed: [what: string, spoil: (token: string, id: string) => Promise<string> | string][] = [
  ['an unknown token', () => newToken(random).reveal()],
  ['an empty one', () => ''],
  ['one with a blank behind it', token => `${token} `],
  ['one letter less', token => token.slice(0, -1)],
  ['another case', token => token.toUpperCase()],
  ['the hash instead of the key', token => createHash('sha256').update(token).digest('hex')],
  [
    'an expired key',
    token => {
      now += day
      return token
    },
  ],
  [
    'a revoked key',
    async (token, id) => {
      await keys.revoke('acme', id, operator)
      return token
    },
  ],
]
test.each(closed)('%s opens nothing', async (_what, spoil) => {
  const { key, token } = await keys.create('acme', { ...draft, expiresAt: new Date(now + day) }, operator)
  expect(await keys.isActive('acme', key.id)).toBe(true)
  expect(await keys.authenticate(await spoil(token.reveal(), key.id))).toBeUndefined()
})

test('a key opens until the last moment before its end', async () => {
  const { key, token } = await keys.create('acme', { ...draft, expiresAt: new Date(now + day) }, operator)
  now += day - 1
  expect(await keys.authenticate(token.reveal())).toBeDefined()
  now += 1
  expect(await keys.isActive('acme', key.id)).toBe(false)
})

const refused: [what: string, changed: Partial<ApiKeyDraft>, by: Granter, code: string, words: string][] = [
  ['an unknown scope', { scopes: ['plans:read', 'billing'] }, operator, 'schema_violation', 'unknown scope "billing"'],
  ['no scope', { scopes: [] }, operator, 'schema_violation', 'without scopes'],
  ['no name', { name: ' ' }, operator, 'schema_violation', '1 to 100'],
  ['a user that is no id', { userId: 'a b' }, operator, 'schema_violation', 'user id'],
  ['an end in the past', { expiresAt: new Date(0) }, operator, 'schema_violation', 'in the future'],
  ['an end that is no time', { expiresAt: new Date('x') }, operator, 'schema_violation', 'in the future'],
  [
    'what the creator does not hold',
    {},
    { actor: 'key_1', scopes: new Set(['plans:read', 'apikeys:write']) },
    'forbidden',
    'does not hold: runs:read',
  ],
]
test.each(refused)('%s is refused', async (_what, changed, by, code, words) => {
  await expect(keys.create('acme', { ...draft, ...changed }, by)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(words),
  })
  expect(await keys.list('acme', { revoked: true })).toEqual([])
})

test('the error for unknown scopes lists the known ones', () => {
  expect(() => parseScopes(['x', 'y'])).toThrow(
    expect.objectContaining({ remedy: expect.stringContaining(Object.keys(scopes).join(', ')) }),
  )
  expect(parseScopes(['plans:read', 'plans:read'])).toEqual(['plans:read'])
})

test('a creator grants what it holds', async () => {
  const by = { actor: 'key_1', scopes: new Set(draft.scopes) }
  const { key } = await keys.create('acme', draft, by)
  expect(key.scopes).toEqual(draft.scopes)
})

test('the last use is remembered, at most once a minute', async () => {
  const { key, token } = await keys.create('acme', draft, operator)
  const used = async () => (await keys.get('acme', key.id))?.lastUsedAt
  expect(await used()).toBeUndefined()
  await keys.authenticate(token.reveal())
  const first = new Date(now).toISOString()
  expect(await used()).toBe(first)
  now += 59_999
  await keys.authenticate(token.reveal())
  expect(await used()).toBe(first)
  now += 1
  await keys.authenticate(token.reveal())
  expect(await used()).toBe(new Date(now).toISOString())
})

test('a use at the moment of revocation does not bring the key back', async () => {
  const { key, token } = await keys.create('acme', draft, operator)
  await Promise.all([keys.authenticate(token.reveal()), keys.revoke('acme', key.id, operator)])
  expect(await keys.authenticate(token.reveal())).toBeUndefined()
  expect(await keys.get('acme', key.id)).toMatchObject({ revokedAt: new Date(now).toISOString() })
})

test('a state that cannot be written does not lock anybody out', async () => {
  const { token } = await keys.create('acme', draft, operator)
  const full = { ...store, commit: () => Promise.reject(new Error('disk full')) }
  const reading = createApiKeys({ store: full, random, clock: { now: () => new Date(now), sleep: async () => {} } })
  expect(await reading.authenticate(token.reveal())).toBeDefined()
})

test('keys are listed by user and page, without revoked ones unless asked; tenants do not meet', async () => {
  const made: string[] = []
  for (const userId of ['ann', 'bob', 'ann', 'ann']) {
    made.push((await keys.create('acme', { ...draft, userId }, operator)).key.id)
  }
  const [a, b, c, d] = made
  await keys.create('other', draft, operator)
  await keys.revoke('acme', c ?? '', operator)
  const ids = async (filter: Parameters<ApiKeys['list']>[1]) => (await keys.list('acme', filter)).map(({ id }) => id)
  expect(await ids({})).toEqual([a, b, d])
  expect(await ids({ revoked: true })).toEqual([a, b, c, d])
  expect(await ids({ userId: 'ann' })).toEqual([a, d])
  const [first] = await keys.list('acme', { userId: 'ann', limit: 1 })
  expect(await ids({ userId: 'ann', limit: 1, after: first?.sequence ?? 0 })).toEqual([d])
  expect(await keys.get('other', a ?? '')).toBeUndefined()
  expect(await keys.revoke('other', a ?? '', operator)).toBe(false)
  expect(await keys.revoke('acme', c ?? '', operator)).toBe(false)
})

test('making and revoking are audited with who did it', async () => {
  const { key } = await keys.create('acme', draft, { actor: 'key_1', scopes: 'all' })
  await keys.revoke('acme', key.id, { actor: 'key_2' })
  expect(await store.log('acme', { log: 'audit' })).toMatchObject([
    {
      type: 'api_key_create',
      actor: 'key_1',
      subject: key.id,
      data: { name: 'ci', user: 'ann', scopes: draft.scopes },
    },
    { type: 'api_key_revoke', actor: 'key_2', subject: key.id },
  ])
})
