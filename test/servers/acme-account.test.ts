import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  accountSession,
  deactivateAccount,
  fetchAccount,
  findAccount,
  isDeactivated,
  registerAccount,
  rollOverKey,
  updateContact,
} from '../../engine/acme/account.ts'
import { signingKey } from '../../engine/acme/jws.ts'
import { problemType } from '../../engine/acme/problem.ts'
import { atAccount, signIn } from '../../engine/acme/session.ts'
import { Secret } from '../../engine/core/secret.ts'
import { clientOf, freshSession, recordingTrace } from './acme-client.ts'
import { type RunningPebble, startPebble } from './pebble.ts'

const macKey = Buffer.alloc(48, 7).toString('base64url')
let pebble: RunningPebble
let bound: RunningPebble

beforeAll(async () => {
  pebble = await startPebble({ nonceReject: 0 })
  bound = await startPebble({ nonceReject: 0, eab: { 'kid-1': macKey } })
})
afterAll(() => Promise.all([pebble?.stop(), bound?.stop()]))

describe('an account', () => {
  test('is registered once per key, however often it is asked for', async () => {
    const session = await freshSession(pebble)
    expect(await findAccount(session)).toBeUndefined()
    const first = await registerAccount(session, { emails: ['ops@acme.example'] })
    const again = await registerAccount(session, { emails: ['other@acme.example'] })
    expect(first).toMatchObject({ status: 'valid', contact: ['mailto:ops@acme.example'] })
    expect(again.url).toBe(first.url)
    expect((await findAccount(session))?.url).toBe(first.url)
  })

  test('that nobody registered is said to be missing', async () => {
    await expect(accountSession(await freshSession(pebble))).rejects.toMatchObject({ code: 'acme_account_missing' })
  })

  test('takes another e-mail address', async () => {
    const session = await freshSession(pebble)
    const account = atAccount(session, (await registerAccount(session, { emails: [] })).url)
    await updateContact(account, ['new@acme.example'])
    expect((await fetchAccount(account)).contact).toEqual(['mailto:new@acme.example'])
  })

  test('is deactivated once, and a second time without complaint', async () => {
    const trace = recordingTrace()
    const session = await freshSession(pebble, { trace })
    const account = atAccount(session, (await registerAccount(session, { emails: [] })).url)
    await deactivateAccount(account)
    await deactivateAccount(account)
    const refusal = await findAccount(session).catch((error: unknown) => error)
    expect(isDeactivated(refusal)).toBe(true)
    expect(trace.names).toEqual(['acme.new_account', 'acme.deactivate', 'acme.deactivate'])
  })

  test('gets another key; the old one then opens nothing', async () => {
    const session = await freshSession(pebble)
    const account = atAccount(session, (await registerAccount(session, { emails: [] })).url)
    const next = await signingKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
    const rolled = await rollOverKey(account, next)
    expect((await fetchAccount(rolled)).url).toBe(account.accountUrl)
    expect((await fetchAccount(rolled.within({ trace: rolled.trace, log: rolled.log }))).url).toBe(account.accountUrl)
    expect((await findAccount(signIn(clientOf(pebble), next)))?.url).toBe(account.accountUrl)
    expect(await findAccount(session)).toBeUndefined()
  })

  test('does not get a key that belongs to another account', async () => {
    const [one, other] = [await freshSession(pebble), await freshSession(pebble)]
    const account = atAccount(one, (await registerAccount(one, { emails: [] })).url)
    await registerAccount(other, { emails: [] })
    await expect(rollOverKey(account, other.key)).rejects.toMatchObject({
      code: 'acme_refused',
      message: 'the new account key already belongs to another account',
    })
  })

  const keys: [what: string, make: () => ReturnType<typeof generateKeyPairSync>][] = [
    ['RSA', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['P-384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' })],
  ]
  test.each(keys)('can have a key of the kind %s', async (_what, make) => {
    const { privateKey } = make() as { privateKey: import('node:crypto').KeyObject } // no encoding asked for
    const session = signIn(clientOf(pebble), await signingKey(privateKey))
    expect((await registerAccount(session, { emails: [] })).status).toBe('valid')
  })

  test('whose address the CA cannot use is refused in its words', async () => {
    await expect(registerAccount(await freshSession(pebble), { emails: ['not an address'] })).rejects.toMatchObject({
      code: 'acme_refused',
      remedy: 'correct the e-mail address of the account',
    })
  })
})

describe('an external account binding', () => {
  test('is asked for before anything is sent', async () => {
    const trace = recordingTrace()
    await expect(registerAccount(await freshSession(bound, { trace }), { emails: [] })).rejects.toMatchObject({
      code: 'acme_eab_required',
    })
    expect(trace.names).toEqual([])
  })

  test('lets the account in, also when it is asked for again', async () => {
    const session = await freshSession(bound)
    const registration = { emails: [], externalAccount: { kid: 'kid-1', hmacKey: new Secret(macKey) } }
    const { url } = await registerAccount(session, registration)
    expect((await registerAccount(session, registration)).url).toBe(url)
  })

  const bad: [what: string, kid: string, hmacKey: string, code: string][] = [
    ['of an unknown key id', 'kid-2', macKey, 'acme_refused'],
    ['with the wrong MAC key', 'kid-1', Buffer.alloc(48, 8).toString('base64url'), 'acme_refused'],
    ['with a MAC key that is no base64url', 'kid-1', 'not base64url!', 'acme_eab_required'],
  ]
  test.each(bad)('%s is refused', async (_what, kid, hmacKey, code) => {
    const registration = { emails: [], externalAccount: { kid, hmacKey: new Secret(hmacKey) } }
    const refusal = await registerAccount(await freshSession(bound), registration).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ code })
    expect(String(refusal)).not.toContain(hmacKey)
    if (code === 'acme_refused') expect(problemType(refusal)).toBeDefined()
  })
})
