import { createHash, createHmac, createPublicKey, generateKeyPairSync, type KeyObject, verify } from 'node:crypto'
import { expect, test } from 'vitest'
import { Secret } from '../core/secret.ts'
import { bindExternalAccount, signingKey, signRequest } from './jws.ts'

const kinds: [what: string, alg: string, hash: string | null, make: () => KeyObject][] = [
  ['P-256', 'ES256', 'sha256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey],
  ['P-384', 'ES384', 'sha384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey],
  ['RSA', 'RS256', 'sha256', () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
  ['Ed25519', 'EdDSA', null, () => generateKeyPairSync('ed25519').privateKey],
]
const header = { nonce: 'n', url: 'https://ca.example/new' }
const decode = (text: string | undefined) => JSON.parse(Buffer.from(text ?? '', 'base64url').toString())

test.each(kinds)('a request signed with %s verifies outside of our code', async (_what, alg, hash, make) => {
  const key = await signingKey(make())
  const jws = await signRequest(key, { ...header, kid: 'https://ca.example/acct/1' }, { a: 1 })
  expect(decode(jws.protected)).toEqual({ alg, ...header, kid: 'https://ca.example/acct/1' })
  expect(decode(jws.payload)).toEqual({ a: 1 })
  const signed = Buffer.from(`${jws.protected}.${jws.payload}`)
  // RFC 7518 §3.4: r and s side by side, not DER.
  const publicKey = { key: createPublicKey(key.privateKey), dsaEncoding: 'ieee-p1363' as const }
  expect(verify(hash, signed, publicKey, Buffer.from(jws.signature, 'base64url'))).toBe(true)
})

test('without an account the public key is sent, and nothing of the private one', async () => {
  const key = await signingKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
  const sent = decode((await signRequest(key, header, {})).protected)
  expect(Object.keys(sent.jwk).sort()).toEqual(['crv', 'kty', 'x', 'y'])
  expect(sent).not.toHaveProperty('kid')
})

test('a POST-as-GET has an empty payload, not an empty object', async () => {
  const key = await signingKey(generateKeyPairSync('ed25519').privateKey)
  expect((await signRequest(key, header, '')).payload).toBe('')
})

test('coordinates keep their leading zeros, and the thumbprint is that of RFC 7638', async () => {
  for (let i = 0; i < 300; i++) {
    const { jwk, thumbprint } = await signingKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
    expect([jwk.x?.length, jwk.y?.length]).toEqual([43, 43])
    const canonical = `{"crv":"P-256","kty":"EC","x":"${jwk.x}","y":"${jwk.y}"}`
    expect(thumbprint).toBe(createHash('sha256').update(canonical).digest('base64url'))
  }
})

test('an external account binding is the public key under the MAC key, in either alphabet', async () => {
  const key = await signingKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
  const mac = Buffer.from('fbff'.repeat(16), 'hex')
  for (const text of [mac.toString('base64url'), mac.toString('base64')]) {
    const jws = await bindExternalAccount({ kid: 'k', hmacKey: new Secret(text) }, key, header.url)
    expect(decode(String(jws.protected))).toEqual({ alg: 'HS256', kid: 'k', url: header.url })
    expect(decode(String(jws.payload))).toEqual(key.jwk)
    const expected = createHmac('sha256', mac).update(`${jws.protected}.${jws.payload}`).digest('base64url')
    expect(jws.signature).toBe(expected)
  }
})

test('a key for which JWS has no algorithm is refused', async () => {
  await expect(signingKey(generateKeyPairSync('x25519').privateKey)).rejects.toMatchObject({ code: 'key_refused' })
})
