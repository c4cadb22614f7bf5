import { generateKeyPairSync, sign } from 'node:crypto'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  ariCertId,
  type CertificateInfo,
  fingerprintOf,
  keyMatches,
  parseCertificate,
  parseCertificates,
  verifyChainOrder,
  verifySignedBy,
} from './certificate.ts'
import { bitString, derTrue, element, explicit, integer, sequence, time } from './der.ts'
import { encodeSubject } from './distinguished-name.ts'
import { authorityKeyIdentifier, basicConstraints } from './extensions.ts'
import { intermediateCa, keyFor, keySpecs, leafRequest, rootCa } from './fixtures/authority.ts'
import { openssl } from './fixtures/openssl.ts'
import { refusal } from './fixtures/refusal.ts'
import type { Issuer } from './issue.ts'
import { formatKeySpec, generateKeySync, importPrivateKey, privateKeyPem, spkiOf } from './keys.ts'
import { oidDer } from './oids.ts'
import { fromPem, toPem } from './pem.ts'
import { parseSerial } from './serials.ts'
import { signatureAlgorithmFor } from './signature-algorithms.ts'

const run = openssl()
const ed25519 = generateKeyPairSync('ed25519').privateKey
const algorithm = signatureAlgorithmFor({ type: 'ed25519' })

/** A certificate put together by hand, for what our own issuing refuses to make. */
function handMade(
  parts: { serial?: Uint8Array; extensions?: Uint8Array[]; version?: Uint8Array; inner?: Uint8Array } = {},
): Uint8Array {
  const name = encodeSubject({ commonName: 'hand made' })
  const tbs = sequence(
    parts.version ?? explicit(0, integer(2)),
    parts.serial ?? integer(0x0a),
    parts.inner ?? algorithm.der,
    name,
    sequence(time(new Date('2026-01-01T00:00:00Z')), time(new Date('2050-01-01T00:00:00Z'))),
    name,
    spkiOf(ed25519),
    ...(parts.extensions ? [explicit(3, sequence(...parts.extensions))] : []),
  )
  return sequence(tbs, algorithm.der, bitString(sign(null, tbs, ed25519)))
}

describe.each(keySpecs)('a certificate that openssl made, $type $size', spec => {
  test('says what openssl says of it', async () => {
    const key = run.file('key.pem', privateKeyPem(await keyFor('own', spec)).reveal())
    const extensions = [
      'subjectAltName=DNS:www.corp.example,DNS:*.corp.example,IP:10.0.0.1,IP:2001:db8::1,email:a@corp.example,URI:spiffe://corp.example/x',
      'basicConstraints=critical,CA:TRUE,pathlen:3',
      'keyUsage=critical,keyCertSign,cRLSign,digitalSignature',
      'extendedKeyUsage=serverAuth,1.2.3.4',
      'nameConstraints=critical,permitted;DNS:corp.example,excluded;IP:10.0.0.0/255.0.0.0',
      'authorityKeyIdentifier=keyid:always',
    ].flatMap(each => ['-addext', each])
    const subject = '/C=DE/O=Corp, Inc/CN=Own Root'
    const serial = '0x00a1b2c3d4e5f60718'
    const pem = run([
      'req',
      '-x509',
      '-key',
      key,
      '-subj',
      subject,
      '-days',
      '9000',
      '-set_serial',
      serial,
      ...extensions,
    ])
    const info = parseCertificate(pem)
    expect(info).toMatchObject({
      serialHex: 'A1B2C3D4E5F60718',
      subjectText: 'CN=Own Root,O=Corp\\, Inc,C=DE',
      issuerText: 'CN=Own Root,O=Corp\\, Inc,C=DE',
      commonName: 'Own Root',
      isCa: true,
      pathLength: 3,
      keyUsages: ['digitalSignature', 'keyCertSign', 'cRLSign'],
      extendedKeyUsages: ['serverAuth', '1.2.3.4'],
      names: {
        dns: ['www.corp.example', '*.corp.example'],
        ip: ['10.0.0.1', '2001:db8::1'],
        email: ['a@corp.example'],
        uri: ['spiffe://corp.example/x'],
      },
    })
    expect(info.nameConstraints).toMatchObject({
      permitted: { dns: ['corp.example'] },
      excluded: { ip: ['10.0.0.0/8'] },
    })
    const dates = run(['x509', '-noout', '-dates'], pem)
    const said = (which: string): Date => new Date(new RegExp(`${which}=(.*)`).exec(dates)?.[1] ?? '')
    expect([info.notBefore, info.notAfter]).toEqual([said('notBefore'), said('notAfter')])
    expect(info.notAfter.getUTCFullYear()).toBeGreaterThanOrEqual(2050)
    expect(Buffer.compare(info.ski ?? Buffer.alloc(0), info.aki ?? Buffer.alloc(1))).toBe(0)
    expect(info.publicKey.equals(info.publicKey)).toBe(true)
    expect(keyMatches(info, await keyFor('own', spec))).toBe(true)
    expect(keyMatches(info, generateKeySync({ type: 'ec', size: 256 }))).toBe(false)
    expect(verifySignedBy(info, info)).toBe(true)
    expect(parseSerial(run(['x509', '-noout', '-serial'], pem).replace('serial=', ''))).toBe(info.serialHex)
    expect(run(['x509', '-noout', '-fingerprint', '-sha256'], pem).replaceAll(':', '').toLowerCase()).toContain(
      fingerprintOf(info.der),
    )
  })
})

test('a certificate is read from PEM text, PEM octets and DER alike', () => {
  const der = handMade()
  const pem = toPem('CERTIFICATE', der)
  for (const input of [der, pem, Buffer.from(pem), `some text\n${pem}`]) {
    expect(Buffer.compare(parseCertificate(input).der, der)).toBe(0)
  }
  expect(parseCertificates(pem + pem)).toHaveLength(2)
})

test('a serial below 16 has one digit', () => expect(parseCertificate(handMade()).serialHex).toBe('A'))

test('a certificate without extensions limits nothing', () => {
  const info = parseCertificate(handMade())
  expect(info).toMatchObject({ isCa: false, keyUsages: undefined, extendedKeyUsages: undefined, ski: undefined })
})

const invalid: [what: string, input: () => string | Uint8Array, want: RegExp][] = [
  ['nothing', () => '', /no PEM block/],
  ['no octets', () => new Uint8Array(), /no PEM block/],
  ['other text', () => 'hello', /no PEM block/],
  ['two certificates in a place for one', () => toPem('CERTIFICATE', handMade()).repeat(2), /there are 2/],
  ['a private key', () => toPem('PRIVATE KEY', Uint8Array.of(1)), /there is only PRIVATE KEY/],
  ['PEM of something else', () => toPem('CERTIFICATE', Buffer.from('nothing of the sort')), /octet 0/],
  ['something behind it', () => Buffer.concat([handMade(), Uint8Array.of(0)]), /something follows/],
  ['its end cut off', () => handMade().subarray(0, -1), /longer than what contains it/],
  ['version 4', () => handMade({ version: explicit(0, integer(3)) }), /unknown version/],
  [
    'an inner signature algorithm unlike the outer',
    () => handMade({ inner: sequence(oidDer.sha256WithRsa) }),
    /two different signature algorithms/,
  ],
  [
    'one extension twice',
    () => handMade({ extensions: [basicConstraints(true), basicConstraints(true)] }),
    /stands twice/,
  ],
  [
    'a CA flag of 01',
    () =>
      handMade({
        extensions: [sequence(oidDer.basicConstraints, derTrue, element(4, sequence(element(1, Uint8Array.of(1)))))],
      }),
    /CA flag/,
  ],
  [
    'an IP address of five octets',
    () =>
      handMade({
        extensions: [sequence(oidDer.subjectAltName, element(4, sequence(element(0x87, new Uint8Array(5)))))],
      }),
    /wrong size/,
  ],
  ['a padded serial', () => handMade({ serial: element(2, Uint8Array.of(0, 1)) }), /minimal/],
]
test.each(invalid)('refuses %s', async (_what, input, want) => {
  const said = await refusal(() => parseCertificate(input()))
  expect(said).toMatch(/^certificate_invalid: /)
  expect(said).toMatch(want)
})

test('no damage to a certificate gives anything but a certificate or certificate_invalid', async () => {
  const { certificate } = await rootCa({ nameConstraints: { permitted: { dns: ['a.example'], ip: ['10.0.0.0/8'] } } })
  const touch = (info: CertificateInfo): unknown => [info.publicKey, info.names]
  await fc.assert(
    fc.asyncProperty(fc.nat(certificate.der.length - 1), fc.nat(255), async (at, octet) => {
      const damaged = Uint8Array.from(certificate.der)
      damaged[at] = octet
      expect(await refusal(() => touch(parseCertificate(damaged)))).toMatch(/^(accepted|certificate_invalid)/)
    }),
    { numRuns: 500 },
  )
})

test('the renewal identity is that of RFC 9773 §4.1', () => {
  const aki = Buffer.from('69885b6b87464041e1b37b847ba0ae2cde01c8d4', 'hex')
  const der = handMade({ serial: integer(0x87654321), extensions: [authorityKeyIdentifier(aki)] })
  expect(ariCertId(der)).toBe('aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE')
})

test('without an authority key identifier there is no renewal identity', async () => {
  expect(await refusal(() => ariCertId(handMade()))).toMatch(/^certificate_invalid: .*authority key identifier/)
})

describe('chains', () => {
  let root: Issuer
  let middle: Issuer
  let leaf: Uint8Array
  beforeAll(async () => {
    root = await rootCa()
    middle = await intermediateCa(root)
    leaf = middle.template({}).issueSync(leafRequest(middle)).der
  })
  test('in order are accepted', () => {
    const chain = [leaf, middle.certificate.der, root.certificate.der]
    expect(verifyChainOrder(chain).map(each => each.isCa)).toEqual([false, true, true])
    expect(verifyChainOrder([leaf])).toHaveLength(1)
  })
  test('out of order are refused by position', async () => {
    expect(await refusal(() => verifyChainOrder([leaf, root.certificate.der, middle.certificate.der]))).toMatch(
      /^certificate_invalid: certificate 1 of the chain .* is not signed by the next one \(CN=Test Root CA\)/,
    )
  })
  test('of another CA with the same name are refused', async () => {
    const namesake = await rootCa()
    expect(verifySignedBy(middle.certificate, root.certificate)).toBe(true)
    expect(verifySignedBy(middle.certificate, namesake.certificate)).toBe(false)
  })
  test('of the same key under another name are refused', async () => {
    const renamed = await rootCa({ key: root.privateKey, commonName: 'Another Root CA' })
    expect(verifySignedBy(middle.certificate, renamed.certificate)).toBe(false)
  })
})

test('a key that openssl wrote belongs to the certificate that openssl made with it', () => {
  const out = run([
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-384',
    '-nodes',
    '-keyout',
    '-',
    '-subj',
    '/CN=x',
  ])
  const [der = new Uint8Array()] = fromPem(out, 'PRIVATE KEY')
  const key = importPrivateKey(der)
  expect(keyMatches(toPem('CERTIFICATE', fromPem(out, 'CERTIFICATE')[0] ?? der), key)).toBe(true)
  expect(formatKeySpec({ type: 'ec', size: 384 })).toBe('ec-384')
})
