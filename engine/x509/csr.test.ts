import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createCsr, parseCsr } from './csr.ts'
import {
  bitString,
  contextConstructed,
  element,
  explicit,
  integer,
  octetString,
  printableString,
  sequence,
  setOf,
} from './der.ts'
import { encodeSubject } from './distinguished-name.ts'
import { basicConstraints, extension, keyUsage, subjectAltName } from './extensions.ts'
import { keyFor, keySpecs } from './fixtures/authority.ts'
import { openssl } from './fixtures/openssl.ts'
import { refusal } from './fixtures/refusal.ts'
import { privateKeyPem, spkiOf } from './keys.ts'
import { subjectAltNames } from './names.ts'
import { oidDer } from './oids.ts'
import { fromPem, toPem } from './pem.ts'
import { signatureAlgorithmFor } from './signature-algorithms.ts'

const run = openssl()
const sans = [
  '-addext',
  'subjectAltName=DNS:WWW.corp.example,DNS:*.corp.example,IP:10.0.0.1,email:a@corp.example,URI:spiffe://corp.example/x',
]
const names = {
  dns: ['www.corp.example', '*.corp.example'],
  ip: ['10.0.0.1'],
  email: ['a@corp.example'],
  uri: ['spiffe://corp.example/x'],
}

describe.each(keySpecs)('$type $size', spec => {
  test('a request of ours is what openssl verifies and reads', async () => {
    const privateKey = await keyFor('csr', spec)
    const csr = createCsr({ privateKey, commonName: 'www.corp.example', subject: { organization: 'Corp' }, names })
    const text = run(['req', '-inform', 'DER', '-verify', '-noout', '-text'], csr)
    expect(text).toContain('self-signature verify OK')
    expect(text).toMatch(/Subject: O = Corp, CN = www\.corp\.example/)
    expect(text).toContain(
      'DNS:www.corp.example, DNS:*.corp.example, IP Address:10.0.0.1, email:a@corp.example, URI:spiffe://corp.example/x',
    )
    expect(parseCsr(csr)).toMatchObject({ commonName: 'www.corp.example', names, keySpec: spec })
  })
  test('a request of openssl is read with its key and names', async () => {
    const privateKey = await keyFor('csr', spec)
    const key = run.file('key.pem', privateKeyPem(privateKey).reveal())
    const pem = run(['req', '-new', '-key', key, '-subj', '/O=Corp/CN=WWW.corp.example', ...sans])
    const csr = parseCsr(pem)
    expect(csr).toMatchObject({
      commonName: 'WWW.corp.example',
      subjectText: 'CN=WWW.corp.example,O=Corp',
      names,
      keySpec: spec,
    })
    expect(Buffer.compare(csr.spki, spkiOf(privateKey))).toBe(0)
    expect(Buffer.compare(spkiOf(csr.publicKey), csr.spki)).toBe(0)
  })
})

const ed25519 = generateKeyPairSync('ed25519').privateKey
const algorithm = signatureAlgorithmFor({ type: 'ed25519' })
const request = (...extensions: Uint8Array[]): Uint8Array =>
  sequence(oidDer.extensionRequest, setOf(sequence(...extensions)))
const san = (...dns: string[]): Uint8Array => subjectAltName(subjectAltNames({ dns }), false) ?? new Uint8Array()

/** A request put together by hand, with any attributes. */
function handMade(attributes: Uint8Array[], signature?: (data: Uint8Array) => Uint8Array): Uint8Array {
  const info = sequence(integer(0), encodeSubject({}), spkiOf(ed25519), element(contextConstructed(0), ...attributes))
  return sequence(info, algorithm.der, bitString((signature ?? (data => sign(null, data, ed25519)))(info)))
}

test('names of several extension requests are all there, whichever attribute they are in', () => {
  const microsoft = sequence(oidDer.microsoftExtensionRequest, setOf(sequence(san('c.example'))))
  const csr = handMade([request(san('a.example')), request(san('b.example', 'A.example')), microsoft])
  expect(parseCsr(csr).names.dns).toEqual(['a.example', 'b.example', 'c.example'])
})

test('nothing but key and names leaves the request', () => {
  const csr = parseCsr(handMade([request(san('a.example'), basicConstraints(true), keyUsage(['keyCertSign']))]))
  expect(Object.keys(csr).sort()).toEqual(['commonName', 'der', 'keySpec', 'names', 'publicKey', 'spki', 'subjectText'])
})

test('a request without names or attributes is read', () => {
  expect(parseCsr(handMade([])).names).toEqual({ dns: [], ip: [], email: [], uri: [] })
})

test("other attributes, such as a challenge password, don't matter", () => {
  const password = sequence(element(6, Buffer.from('2a864886f70d010907', 'hex')), setOf(printableString('x')))
  expect(parseCsr(handMade([password, request(san('a.example'))])).names.dns).toEqual(['a.example'])
})

const weakKey = (bits: number): string =>
  run(['req', '-new', '-newkey', `rsa:${bits}`, '-nodes', '-keyout', run.path('w'), '-subj', '/CN=x'])
const withKey = (args: string[], more: string[] = []): string => {
  run(['genpkey', '-out', run.path('k'), ...args])
  return run(['req', '-new', '-key', run.path('k'), '-subj', '/CN=x', ...more])
}
const p256 = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']

const refused: [what: string, input: () => string | Uint8Array, want: RegExp][] = [
  [
    'a signature of another key',
    () => handMade([], data => sign(null, data, generateKeyPairSync('ed25519').privateKey)),
    /^csr_invalid: .*signature does not match/,
  ],
  [
    'a signature over something else',
    () => handMade([], () => sign(null, Buffer.from('x'), ed25519)),
    /^csr_invalid: .*signature does not match/,
  ],
  ['no signature', () => handMade([], () => new Uint8Array()), /^csr_invalid: .*signature does not match/],
  [
    'names changed after signing',
    () =>
      Buffer.from(
        Buffer.from(handMade([request(san('a.example'))]))
          .toString('latin1')
          .replace('a.example', 'b.example'),
        'latin1',
      ),
    /signature does not match/,
  ],
  ['RSA of 1024 bits', () => weakKey(1024), /^key_refused: .*1024 bits/],
  [
    'secp256k1',
    () => withKey(['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp256k1']),
    /^key_refused: .*not allowed/,
  ],
  [
    'explicit curve parameters',
    () => withKey([...p256, '-pkeyopt', 'ec_param_enc:explicit']),
    /^key_refused: .*explicit/,
  ],
  ['a SHA-1 signature', () => withKey(p256, ['-sha1']), /^csr_invalid: .*not accepted/],
  [
    'an otherName',
    () => withKey(p256, ['-addext', 'subjectAltName=DNS:a.example,otherName:1.2.3.4;UTF8:x']),
    /^csr_invalid: .*neither DNS names/,
  ],
  [
    'a directory name',
    () =>
      handMade([
        request(extension('subjectAltName', false, sequence(explicit(4, encodeSubject({ commonName: 'x' }))))),
      ]),
    /^csr_invalid: .*neither DNS names/,
  ],
  ['an underscore', () => withKey(p256, ['-addext', 'subjectAltName=DNS:a_b.example']), /^name_invalid: .*underscore/],
  [
    'an IP address as a DNS name',
    () => withKey(p256, ['-addext', 'subjectAltName=DNS:10.0.0.1']),
    /^name_invalid: .*IP address/,
  ],
  ['a wildcard inside', () => withKey(p256, ['-addext', 'subjectAltName=DNS:f*.example']), /^name_invalid: .*wildcard/],
  ['nothing', () => '', /^csr_invalid: .*no PEM block/],
  ['a certificate', () => toPem('CERTIFICATE', Uint8Array.of(1)), /^csr_invalid: .*only CERTIFICATE/],
  ['two requests', () => toPem('CERTIFICATE REQUEST', handMade([])).repeat(2), /^csr_invalid: .*there are 2/],
  ['its end cut off', () => handMade([]).subarray(0, -1), /^csr_invalid: /],
  ['something behind it', () => Buffer.concat([handMade([]), Uint8Array.of(5, 0)]), /^csr_invalid: .*follows/],
  ['one extension twice', () => handMade([request(san('a.example'), san('b.example'))]), /^csr_invalid: .*twice/],
  [
    'a mangled subjectAltName',
    () => handMade([request(sequence(oidDer.subjectAltName, octetString(Uint8Array.of(1))))]),
    /^csr_invalid: /,
  ],
]
test.each(refused)('refuses %s', async (_what, input, want) => {
  expect(await refusal(() => parseCsr(input()))).toMatch(want)
})

test('the names of a new request are checked', async () => {
  expect(await refusal(() => createCsr({ privateKey: ed25519, names: { dns: ['a_b'] } }))).toMatch(/^name_invalid/)
})

test('the names are critical iff the subject is empty', () => {
  const text = (commonName?: string): string =>
    run(
      ['req', '-inform', 'DER', '-noout', '-text'],
      createCsr({ privateKey: ed25519, commonName, names: { dns: ['a.example'] } }),
    )
  expect(text()).toContain('X509v3 Subject Alternative Name: critical')
  expect(text('a.example')).not.toContain('Alternative Name: critical')
  expect(
    fromPem(toPem('CERTIFICATE REQUEST', createCsr({ privateKey: ed25519, names: {} })), 'CERTIFICATE REQUEST'),
  ).toHaveLength(1)
})
