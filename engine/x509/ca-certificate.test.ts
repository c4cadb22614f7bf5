import { expect, test } from 'vitest'
import { signCaCertificate } from './ca-certificate.ts'
import { type CertificateInfo, parseCertificate } from './certificate.ts'
import { day, intermediateCa, keyFor, keySpecs, leafRequest, random, rootCa } from './fixtures/authority.ts'
import { openssl } from './fixtures/openssl.ts'
import { refusal } from './fixtures/refusal.ts'
import { formatKeySpec, generateKeySync, spkiOf } from './keys.ts'
import { toPem } from './pem.ts'
import { newSerial } from './serials.ts'
import { lifetime, nestValidity } from './validity.ts'

const run = openssl()
const text = (info: CertificateInfo): string => run(['x509', '-inform', 'DER', '-noout', '-text'], info.der)
const pem = (info: CertificateInfo): string => toPem('CERTIFICATE', info.der)

const pairs = keySpecs.flatMap(root =>
  keySpecs.map(child => ({ root, child, what: `${formatKeySpec(child)} by ${formatKeySpec(root)}` })),
)
test.each(pairs)('a CA of $what is one to openssl, strictly', async ({ root: rootSpec, child }) => {
  const root = await rootCa({ key: await keyFor('root', rootSpec), subject: { organization: 'Corp', country: 'DE' } })
  const middle = await intermediateCa(root, { key: await keyFor('middle', child) })
  const anchor = run.file('root.pem', pem(root.certificate))
  for (const purpose of ['any', 'crlsign']) {
    expect(run(['verify', '-x509_strict', '-check_ss_sig', '-purpose', purpose, '-CAfile', anchor, anchor])).toContain(
      'OK',
    )
  }
  expect(
    run([
      'verify',
      '-x509_strict',
      '-purpose',
      'crlsign',
      '-CAfile',
      anchor,
      run.file('m.pem', pem(middle.certificate)),
    ]),
  ).toContain('OK')
  for (const { certificate } of [root, middle]) {
    const said = text(certificate)
    expect(said).toMatch(/Basic Constraints: critical\s+CA:TRUE/)
    expect(said).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign\n/)
    expect(Buffer.compare(certificate.aki ?? Buffer.alloc(0), root.keyIdentifier)).toBe(0)
    expect(Buffer.compare(certificate.issuerDer, root.certificate.subjectDer)).toBe(0)
  }
})

test('a root lives exactly as long as asked, past 2050 too', async () => {
  const { certificate } = await rootCa({ ttl: 40 * 365 * day })
  expect(lifetime(certificate)).toBe(40 * 365 * day)
  expect(certificate.notAfter.getUTCFullYear()).toBeGreaterThanOrEqual(2066)
})

test('name constraints are critical and what openssl reads', async () => {
  const { certificate } = await rootCa({
    nameConstraints: {
      permitted: { dns: ['Corp.Example'], ip: ['10.0.0.0/8', '2001:db8::/32'] },
      excluded: { dns: ['db.corp.example'], email: ['a@corp.example', '.corp.test'], uri: ['.corp.example'] },
    },
  })
  const said = text(certificate)
  expect(said).toContain('X509v3 Name Constraints: critical')
  for (const each of [
    'DNS:corp.example',
    'IP:10.0.0.0/255.0.0.0',
    'IP:2001:DB8:0:0:0:0:0:0/FFFF:FFFF:0:0:0:0:0:0',
    'DNS:db.corp.example',
    'email:a@corp.example',
    'email:.corp.test',
    'URI:.corp.example',
  ]) {
    expect(said).toContain(each)
  }
})

test('extended key usages, where to ask and where revocations are', async () => {
  const root = await rootCa()
  const { certificate } = await intermediateCa(root, {
    extendedKeyUsages: ['serverAuth'],
    authorityInformation: { caIssuers: ['http://pki.corp.example/root.crt'] },
    crlUrls: ['http://pki.corp.example/root.crl'],
  })
  expect(text(certificate)).toMatch(/TLS Web Server Authentication.*root\.crt.*root\.crl/s)
})

const lengths: [
  what: string,
  root: number | undefined,
  asked: number | undefined,
  want: number | string | undefined,
][] = [
  ['no limit above, none asked', undefined, undefined, undefined],
  ['no limit above, one asked', undefined, 2, 2],
  ['a limit above is passed on', 2, undefined, 1],
  ['less than what is left', 2, 0, 0],
  ['exactly what is left', 2, 1, 1],
  [
    'more than what is left',
    2,
    2,
    'ca_constraint_violation: a path length of 2 is more than the 1 that CN=Test Root CA leaves',
  ],
  [
    'nothing left',
    0,
    undefined,
    'ca_constraint_violation: the path length of CN=Test Root CA is 0: it must not sign other CAs',
  ],
  ['a negative one', undefined, -1, 'schema_violation: a path length cannot be -1'],
]
test.each(lengths)('path length: %s', async (_what, above, asked, want) => {
  const root = await rootCa({ maxPathLength: above })
  const sign = () =>
    signCaCertificate({
      signing: { issuer: root, spki: spkiOf(generateKeySync({ type: 'ed25519' })) },
      commonName: 'Below',
      serial: newSerial(random),
      maxPathLength: asked,
      ...nestValidity(root.chain, 'backdated', day, new Date()),
    })
  if (typeof want === 'string') expect(await refusal(sign)).toBe(want)
  else expect(parseCertificate((await sign()).der).pathLength).toBe(want)
})

test('a path length two floors up holds', async () => {
  const middle = await intermediateCa(await rootCa({ maxPathLength: 1 }))
  expect(await refusal(() => intermediateCa(middle))).toMatch(/^ca_constraint_violation: the path length of CN=Test/)
  const leaf = middle.template({}).issueSync(leafRequest(middle))
  expect(parseCertificate(leaf.der).isCa).toBe(false)
})

test('a chain in which a path length is broken cannot sign anything', async () => {
  const { createIssuer } = await import('./issue.ts')
  const root = await rootCa()
  const middle = await intermediateCa(root)
  // The same root again, now with a limit that the middle's own child breaks.
  const strict = await rootCa({ key: root.privateKey, maxPathLength: 0 })
  const work = () =>
    createIssuer({ certificateDer: middle.certificate, privateKey: middle.privateKey, issuers: [strict.certificate] })
  expect(await refusal(work)).toMatch(/^ca_constraint_violation: the path length of CN=Test Root CA is 0/)
})

test.each<[what: string, work: () => Promise<unknown>, want: RegExp]>([
  [
    'the name of a CA above',
    async () => intermediateCa(await rootCa(), { commonName: 'Test Root CA' }),
    /^ca_constraint_violation: .*same subject/,
  ],
  [
    'the key of a CA above',
    async () => {
      const root = await rootCa()
      return intermediateCa(root, { key: root.privateKey })
    },
    /^key_refused: this is the key of the CA/,
  ],
  [
    'an end after its issuer',
    async () => intermediateCa(await rootCa({ ttl: 30 * day }), { ttl: 31 * day }),
    /^validity_exceeds_issuer/,
  ],
  [
    'an extended key usage that the issuer lacks',
    async () =>
      intermediateCa(await intermediateCa(await rootCa(), { extendedKeyUsages: ['serverAuth'] }), {
        extendedKeyUsages: ['clientAuth'],
      }),
    /^ca_constraint_violation/,
  ],
  [
    'a constraint with a leading dot',
    () => rootCa({ nameConstraints: { permitted: { dns: ['.x'] } } }),
    /^name_invalid/,
  ],
  ['an empty common name', () => rootCa({ commonName: '' }), /^name_invalid/],
])('refuses a CA with %s', async (_what, work, want) => expect(await refusal(work)).toMatch(want))

test('an expired issuer signs no CA', async () => {
  const root = await rootCa(nestValidity([], 'backdated', day, new Date('2020-01-01T00:00:00Z')))
  expect(await refusal(() => intermediateCa(root))).toMatch(/^ca_expired/)
})

test('a weak or foreign key is no CA', async () => {
  const { generateKeyPairSync } = await import('node:crypto')
  const sign = (key: ReturnType<typeof generateKeySync>) =>
    signCaCertificate({
      signing: { selfSignedBy: key },
      commonName: 'x',
      serial: newSerial(random),
      ...nestValidity([], 'backdated', day, new Date()),
    })
  expect(await refusal(() => sign(generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey))).toMatch(
    /^key_refused/,
  )
  expect(await refusal(() => sign(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey))).toMatch(
    /^key_refused/,
  )
  const spki = spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-521' }).publicKey)
  const root = await rootCa()
  expect(
    await refusal(() =>
      signCaCertificate({
        signing: { issuer: root, spki },
        commonName: 'y',
        serial: newSerial(random),
        ...nestValidity(root.chain, 'backdated', day, new Date()),
      }),
    ),
  ).toMatch(/^key_refused/)
})
