import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { bitString, derNull, integer, oid, sequence } from './der.ts'
import { keyFor, keySpecs } from './fixtures/authority.ts'
import { openssl } from './fixtures/openssl.ts'
import { refusal } from './fixtures/refusal.ts'
import {
  checkPublicKey,
  exportPrivateKey,
  formatKeySpec,
  generateKey,
  importPrivateKey,
  keyIdentifier,
  keySpecOf,
  parseKeySpec,
  privateKeyPem,
  spkiOf,
} from './keys.ts'
import { oids } from './oids.ts'
import { fromPem } from './pem.ts'
import { inspectPublicKey } from './public-key.ts'

const run = openssl()

const specs: [type: string, size: number | undefined, want: string][] = [
  ['rsa', undefined, 'rsa-2048'],
  ['rsa', 4096, 'rsa-4096'],
  ['ec', undefined, 'ec-256'],
  ['ec', 384, 'ec-384'],
  ['ed25519', undefined, 'ed25519'],
  ['rsa', 1024, 'key_refused: an RSA key cannot have 1024 bits'],
  ['rsa', 2049, 'key_refused: an RSA key cannot have 2049 bits'],
  ['ec', 521, 'key_refused: an EC key cannot have 521 bits'],
  ['ed25519', 384, 'key_refused: an Ed25519 key cannot have 384 bits'],
  ['mldsa', undefined, 'key_refused: there is no key type "mldsa"'],
]
test.each(specs)('a manifest that says %s %s means %s', async (type, size, want) => {
  const said = await refusal(() => parseKeySpec(type, size))
  expect(said === 'accepted' ? formatKeySpec(parseKeySpec(type, size)) : said).toBe(want)
})

describe.each(keySpecs)('a key of $type $size', spec => {
  test('is what was asked for, from either half', async () => {
    const key = await keyFor('key', spec)
    expect(keySpecOf(key)).toEqual(spec)
    expect(keySpecOf(createPublicKey(key))).toEqual(spec)
  })
  test('survives export and import, and openssl finds it sound', async () => {
    const key = await keyFor('key', spec)
    const der = exportPrivateKey(key)
    expect(importPrivateKey(der).equals(key)).toBe(true)
    expect(fromPem(privateKeyPem(key).reveal(), 'PRIVATE KEY')).toEqual([new Uint8Array(der.reveal())])
    expect(run(['pkey', '-noout', '-check'], privateKeyPem(key).reveal())).toMatch(/valid/)
  })
  test('has the key identifier that openssl computes', async () => {
    const key = await keyFor('key', spec)
    const file = run.file('key.pem', privateKeyPem(key).reveal())
    const text = run([
      'req',
      '-x509',
      '-key',
      file,
      '-subj',
      '/CN=x',
      '-addext',
      'subjectKeyIdentifier=hash',
      '-text',
      '-noout',
    ])
    const hex = Buffer.from(keyIdentifier(spkiOf(key)))
      .toString('hex')
      .toUpperCase()
      .match(/../g)
      ?.join(':')
    expect(text).toContain(hex)
  })
})

test('an exported key prints as (secret)', async () => {
  const key = await generateKey({ type: 'ed25519' })
  for (const secret of [exportPrivateKey(key), privateKeyPem(key)]) {
    expect(`${secret}${JSON.stringify(secret)}${inspect(secret)}`).toBe('(secret)"(secret)"(secret)')
  }
})

test('what is no key is refused without a trace of it', async () => {
  expect(await refusal(() => importPrivateKey(Buffer.from('canary canary')))).toBe(
    'key_refused: the private key is not unencrypted PKCS#8',
  )
  const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey
  expect(await refusal(() => importPrivateKey(exportPrivateKey(p521)))).toMatch(
    /curve 1\.3\.132\.0\.35, which is not allowed/,
  )
})

/** The SubjectPublicKeyInfo of an RSA key with this modulus. */
const rsaKey = (modulus: bigint, exponent: number | bigint = 65_537): Uint8Array =>
  sequence(sequence(oid(oids.rsaEncryption), derNull), bitString(sequence(integer(modulus), integer(exponent))))

const odd = (bits: number): bigint => (1n << BigInt(bits - 1)) + 1n
const spkiPem = (args: readonly string[]): Uint8Array => {
  const pem = run(args)
  return new Uint8Array(createPublicKey(pem).export({ type: 'spki', format: 'der' }))
}
const rocaModulus = (): bigint => {
  const primes = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
    113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
  ]
  const product = primes.reduce((all, prime) => all * BigInt(prime), 1n)
  let power = 1n
  for (let i = 0; i < 12_345; i++) power = (power * 65_537n) % product
  let modulus = power + product * (odd(2048) / product + 1n)
  // Another residue of no prime in the table, until no small factor shows either.
  while (modulus % 2n === 0n || smallFactor(modulus)) modulus += product
  return modulus
}
const smallFactor = (n: bigint): boolean => {
  for (let p = 3n; p < 752n; p += 2n) if (n % p === 0n) return true
  return false
}
/** Two primes next to each other, as Fermat's method finds them in the first round. */
const closeFactors = (): bigint => {
  const { n } = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })
  const start = (BigInt(`0x${Buffer.from(n ?? '', 'base64url').toString('hex')}`) >> 1024n) | (3n << 1022n) | 1n
  let a = start
  while (smallFactor(a)) a += 2n
  let b = a + 2n
  while (smallFactor(b)) b += 2n
  return a * b
}

const weak: [what: string, spki: () => Uint8Array, want: RegExp][] = [
  ['RSA of 1024 bits', () => rsaKey(odd(1024)), /has 1024 bits, which is too weak/],
  ['RSA of 2047 bits', () => rsaKey(odd(2047)), /has 2047 bits, which is too weak/],
  ['RSA of 2056 bits', () => rsaKey(odd(2056)), /has 2056 bits$/],
  ['RSA of 2049 bits', () => rsaKey(odd(2049)), /has 2049 bits$/],
  ['RSA with an even modulus', () => rsaKey(odd(2048) + 1n), /modulus is even/],
  ['RSA with the exponent 1', () => rsaKey(odd(2048), 1), /exponent/],
  ['RSA with an even exponent', () => rsaKey(odd(2048), 65_536), /exponent/],
  ['RSA with a small factor', () => rsaKey(751n * odd(2039)), /has a small factor/],
  ['RSA of the ROCA form', () => rsaKey(rocaModulus()), /ROCA/],
  ['RSA with factors close together', () => rsaKey(closeFactors()), /too close together/],
  [
    'a curve without a place here',
    () => spkiPem(['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp256k1']),
    /not allowed/,
  ],
  [
    'P-256 written out as explicit parameters',
    () =>
      spkiPem([
        'genpkey',
        '-algorithm',
        'EC',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-pkeyopt',
        'ec_param_enc:explicit',
      ]),
    /explicit curve parameters/,
  ],
  ['Ed448', () => spkiPem(['genpkey', '-algorithm', 'ED448']), /unsupported algorithm/],
  [
    'DSA',
    () =>
      new Uint8Array(
        generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 }).publicKey.export({
          type: 'spki',
          format: 'der',
        }),
      ),
    /unsupported algorithm/,
  ],
  ['a point that is not on its curve', () => offCurve(), /not valid for its algorithm/],
  ['a point in hybrid form', () => hybrid(), /uncompressed/],
  [
    'a compressed point',
    () => sequence(sequence(oid(oids.ecPublicKey), oid(oids.p256)), bitString(new Uint8Array(33).fill(2))),
    /uncompressed/,
  ],
  ['nothing at all', () => new Uint8Array(), /malformed/],
]
test.each(weak)('refuses %s', async (_what, spki, want) => {
  const said = await refusal(() => checkPublicKey(spki()))
  expect(said).toMatch(/^key_refused: /)
  expect(said).toMatch(want)
})

function hybrid(): Uint8Array {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }))
  spki[26] = 6 + ((spki.at(-1) ?? 0) & 1)
  return spki
}

function offCurve(): Uint8Array {
  const spki = new Uint8Array(
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'der' }),
  )
  spki[spki.length - 1] = (spki.at(-1) ?? 0) ^ 1
  return spki
}

test('a sound foreign key of each kind is accepted', async () => {
  for (const spec of keySpecs) {
    const spki = spkiOf(await keyFor('key', spec))
    expect(checkPublicKey(spki).spec).toEqual(spec)
    expect(inspectPublicKey(spki).spec).toEqual(spec)
  }
})
