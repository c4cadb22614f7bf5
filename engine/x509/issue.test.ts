import { X509Certificate } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { type CertificateInfo, keyMatches, parseCertificate } from './certificate.ts'
import { parseCsr } from './csr.ts'
import { bitString, explicit, integer, sequence, setOf, time, utf8String } from './der.ts'
import { authorityKeyIdentifier, basicConstraints, subjectKeyIdentifier } from './extensions.ts'
import { day, intermediateCa, keyFor, keySpecs, leafRequest, random, rootCa } from './fixtures/authority.ts'
import { openssl } from './fixtures/openssl.ts'
import { refusal } from './fixtures/refusal.ts'
import { createIssuer, type Issuer, type LeafProfile, type LeafRequest } from './issue.ts'
import { formatKeySpec, generateKeySync, keyIdentifier, spkiOf } from './keys.ts'
import { oidDer } from './oids.ts'
import { toPem } from './pem.ts'
import { newSerial, serialHex } from './serials.ts'
import { signatureAlgorithmFor, signNow } from './signature-algorithms.ts'
import { lifetime, nestValidity } from './validity.ts'

const run = openssl()
const pem = (info: CertificateInfo): string => toPem('CERTIFICATE', info.der)
const text = (der: Uint8Array): string => run(['x509', '-inform', 'DER', '-noout', '-text', '-nameopt', 'RFC2253'], der)
const server: LeafProfile = { extendedKeyUsages: ['serverAuth', 'clientAuth'] }

/** `openssl verify -x509_strict` of a leaf below an issuer; its output. */
function verify(issuer: Issuer, leaf: Uint8Array, ...more: string[]): string {
  const [own, ...above] = issuer.chain
  const root = above.at(-1) ?? issuer.certificate
  const middle = own === root ? '' : issuer.chain.slice(0, -1).map(pem).join('')
  const chain = middle === '' ? [] : ['-untrusted', run.file('chain.pem', middle)]
  const file = run.file('leaf.pem', toPem('CERTIFICATE', leaf))
  return run([
    'verify',
    '-x509_strict',
    '-check_ss_sig',
    '-CAfile',
    run.file('root.pem', pem(root)),
    ...chain,
    ...more,
    file,
  ])
}

const pairs = keySpecs.flatMap(ca =>
  keySpecs.map(leaf => ({ ca, leaf, what: `${formatKeySpec(leaf)} by ${formatKeySpec(ca)}` })),
)
describe.each(pairs)('$what', ({ ca, leaf }) => {
  test('openssl verifies the chain through an intermediate, strictly, and finds every field', async () => {
    const root = await rootCa({ key: await keyFor('root', ca) })
    const middle = await intermediateCa(root, { key: await keyFor('middle', ca), maxPathLength: 0 })
    const key = await keyFor('leaf', leaf)
    const names = {
      dns: ['www.corp.example'],
      ip: ['10.0.0.1', '2001:db8::1'],
      email: ['a@corp.example'],
      uri: ['spiffe://corp.example/x'],
    }
    const request = leafRequest(middle, { spki: spkiOf(key), commonName: 'www.corp.example', names })
    const issued = await middle.template(server).issue(request)
    expect(verify(middle, issued.der, '-purpose', 'sslserver', '-verify_hostname', 'www.corp.example')).toContain('OK')
    expect(new X509Certificate(issued.der).checkIP('2001:db8::1')).toBe('2001:db8::1')

    const info = parseCertificate(issued.der)
    expect(keyMatches(info, key)).toBe(true)
    expect(info.serialHex).toBe(issued.serialHex)
    expect(info.names).toEqual(names)
    expect(info.extendedKeyUsages).toEqual(['serverAuth', 'clientAuth'])
    // RSA alone encrypts keys; nothing but a CA signs certificates.
    expect(info.keyUsages).toEqual(leaf.type === 'rsa' ? ['digitalSignature', 'keyEncipherment'] : ['digitalSignature'])
    expect(info.isCa).toBe(false)
    expect(Buffer.compare(info.aki ?? Buffer.alloc(0), middle.certificate.ski ?? Buffer.alloc(1))).toBe(0)
    expect(Buffer.compare(info.ski ?? Buffer.alloc(0), keyIdentifier(spkiOf(key)))).toBe(0)
    expect(text(issued.der)).toContain(
      { rsa: 'sha256WithRSAEncryption', ec: `ecdsa-with-SHA${'size' in ca ? ca.size : ''}`, ed25519: 'ED25519' }[
        ca.type
      ],
    )
  })
})

describe('one CA', () => {
  let root: Issuer
  beforeAll(async () => {
    root = await rootCa()
  })
  const issue = (parts: Partial<LeafRequest> = {}, profile: LeafProfile = server, issuer = root): CertificateInfo =>
    parseCertificate(issuer.template(profile).issueSync(leafRequest(issuer, parts)).der)

  test('issuing at once and issuing asynchronously give the same certificate but for its signature', async () => {
    const request = leafRequest(root)
    const template = root.template(server)
    const body = (der: Uint8Array): string => Buffer.from(der).toString('hex').slice(8, 600)
    expect(body((await template.issue(request)).der)).toBe(body(template.issueSync(request).der))
  })

  test('requests issued at the same time do not mix, also where the signature is made on the thread pool', async () => {
    const rsa = await rootCa({ key: await keyFor('root', { type: 'rsa', size: 2048 }) })
    const template = rsa.template(server)
    const hosts = Array.from({ length: 12 }, (_each, i) => `host-${i}.corp.example`)
    const all = await Promise.all(hosts.map(host => template.issue(leafRequest(rsa, { names: { dns: [host] } }))))
    expect(all.map(({ der }) => parseCertificate(der).names.dns[0])).toEqual(hosts)
    for (const { der } of all) expect(verify(rsa, der)).toContain('OK')
  })

  test('an RSA signature does not hold up this thread', async () => {
    const rsa = await rootCa({ key: await keyFor('root', { type: 'rsa', size: 2048 }) })
    let settled = false
    const issued = rsa
      .template(server)
      .issue(leafRequest(rsa))
      .finally(() => {
        settled = true
      })
    // Made on this thread it would be there after a few microtasks; from the pool it takes a turn of the event loop.
    for (let i = 0; i < 50; i++) await Promise.resolve()
    expect(settled).toBe(false)
    expect(verify(rsa, (await issued).der)).toContain('OK')
  })

  test('DEFAULTs are left out: basicConstraints is empty, and no critical flag is FALSE', () => {
    const hex = Buffer.from(issue().der).toString('hex')
    expect(hex).toContain('0603551d130101ff04023000')
    expect(hex).not.toContain('010100')
  })

  test('dates turn from UTCTime to GeneralizedTime with the year 2050', async () => {
    const now = new Date('2049-12-31T23:59:30Z')
    const old = await rootCa(nestValidity([], 'backdated', 3650 * day, now))
    const { der, notAfter } = issue(nestValidity(old.chain, now, 60, now), server, old)
    expect(notAfter).toEqual(new Date('2050-01-01T00:00:29Z'))
    const types = run(['asn1parse', '-inform', 'DER'], der).match(/(UTCTIME|GENERALIZEDTIME)\s+:\w+/g)
    expect(types?.map(each => each.replace(/\s+:/, ' '))).toEqual([
      'UTCTIME 491231235930Z',
      'GENERALIZEDTIME 20500101000029Z',
    ])
  })

  test('the names are critical iff the subject is empty', () => {
    expect(text(issue().der)).toContain('X509v3 Subject Alternative Name: critical')
    expect(text(issue({ commonName: 'www.corp.example' }).der)).not.toContain('Alternative Name: critical')
    expect(text(issue({ subject: { organization: 'Corp' } }).der)).not.toContain('Alternative Name: critical')
  })

  test('the common name is spelt as the name that it repeats', () => {
    const names = { dns: ['WWW.Corp.Example.', 'bücher.example'], ip: ['2001:DB8::1'] }
    expect(issue({ names, commonName: 'www.CORP.example' }).commonName).toBe('www.corp.example')
    expect(issue({ names, commonName: 'BÜCHER.example' }).commonName).toBe('xn--bcher-kva.example')
    expect(issue({ names, commonName: '2001:db8:0::1' }).commonName).toBe('2001:db8::1')
  })

  test('every name is there once, in order', () => {
    const names = { dns: ['b.example', 'A.example', 'a.example.', 'b.example'], ip: ['::ffff:10.0.0.1', '10.0.0.1'] }
    expect(issue({ names }).names).toEqual({ dns: ['b.example', 'a.example'], ip: ['10.0.0.1'], email: [], uri: [] })
  })

  test('a hundred long names fit', () => {
    const dns = Array.from({ length: 100 }, (_each, i) => `${'label-'.repeat(9)}${i}.${'x'.repeat(60)}.corp.example`)
    const info = issue({ names: { dns } })
    expect(info.names.dns).toEqual(dns)
    expect(verify(root, info.der)).toContain('OK')
  })

  test('where to ask about the issuer and its revocations', () => {
    const said = text(
      issue(
        {},
        {
          authorityInformation: { ocsp: ['http://ocsp.corp.example'], caIssuers: ['http://pki.corp.example/ca.crt'] },
          crlUrls: ['http://pki.corp.example/ca.crl'],
        },
      ).der,
    )
    expect(said).toContain('OCSP - URI:http://ocsp.corp.example')
    expect(said).toContain('CA Issuers - URI:http://pki.corp.example/ca.crt')
    expect(said).toMatch(/CRL Distribution Points:[^-]*URI:http:\/\/pki\.corp\.example\/ca\.crl/)
  })

  test('a role without usages leaves the extension out', () => {
    expect(issue({}, {}).extendedKeyUsages).toBeUndefined()
    expect(issue({}, { extendedKeyUsages: ['code_signing', '1.2.3.4'] }).extendedKeyUsages).toEqual([
      'codeSigning',
      '1.2.3.4',
    ])
  })

  test('the serial is the one given, positive and of at most 20 octets', () => {
    const serial = newSerial(random)
    const info = issue({ serial })
    expect(info.serialHex).toBe(serialHex(serial))
    expect(info.serialOctets.length).toBeLessThanOrEqual(20)
    expect(() => issue({ serial: Uint8Array.of(0) })).toThrow(RangeError)
    expect(() => issue({ serial: new Uint8Array(20).fill(0x80) })).toThrow(RangeError)
  })

  test('a request from a CSR takes its key and names, and nothing else of it', () => {
    const conf =
      '[req]\ndistinguished_name=d\nreq_extensions=e\n[d]\n[e]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\nsubjectAltName=DNS:www.corp.example\n'
    const args = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      run.path('k'),
      '-subj',
      '/CN=www.corp.example',
    ]
    const csr = parseCsr(run(['req', '-new', ...args, '-config', run.file('req.conf', conf)]))
    const info = issue({ spki: csr.spki, names: csr.names, commonName: csr.commonName })
    expect([info.isCa, info.keyUsages, info.names.dns]).toEqual([false, ['digitalSignature'], ['www.corp.example']])
  })

  const refused: [what: string, work: () => unknown, want: RegExp][] = [
    ['no name at all', () => issue({ names: {} }), /^name_invalid: the certificate has no name/],
    [
      'a common name that is no name of it',
      () => issue({ commonName: 'other.example' }),
      /^name_invalid: the common name "other.example" is not one of the names/,
    ],
    ['an IP address as common name alone', () => issue({ commonName: '10.0.0.1' }), /^name_invalid: the common name/],
    [
      'a common name above 64 characters',
      () => issue({ names: { dns: [`${'a'.repeat(60)}.example`] }, commonName: `${'a'.repeat(60)}.example` }),
      /^name_invalid: .*68 characters/,
    ],
    [
      'no common name where the role wants one',
      () => issue({}, { requireCommonName: true }),
      /^role_violation: .*no common name/,
    ],
    [
      'a bad name among good ones',
      () => issue({ names: { dns: ['a.example', 'b_c.example'] } }),
      /^name_invalid: "b_c.example"/,
    ],
    [
      'a lifetime above maxTtl by a second',
      () => issue(nestValidity(root.chain, 'backdated', day + 1, new Date()), { maxTtl: day }),
      /^role_violation/,
    ],
    [
      'an end after the CA',
      () => issue({ notAfter: new Date(root.certificate.notAfter.getTime() + 1000) }),
      /^validity_exceeds_issuer/,
    ],
    [
      'a start before the CA',
      () => issue({ notBefore: new Date(root.certificate.notBefore.getTime() - 1000) }),
      /^validity_exceeds_issuer/,
    ],
    ["the CA's own key", () => issue({ spki: root.certificate.spkiDer }), /^key_refused: this is the key of the CA/],
    ['a key that is none', () => issue({ spki: new Uint8Array(91) }), /^key_refused/],
    [
      'an https URL for the CRL',
      () => issue({}, { crlUrls: ['https://pki.corp.example/ca.crl'] }),
      /^schema_violation/,
    ],
    [
      'a usage that does not exist',
      () => issue({}, { extendedKeyUsages: ['serverauthentication'] }),
      /^schema_violation/,
    ],
  ]
  test.each(refused)('refuses %s', async (_what, work, want) => expect(await refusal(work)).toMatch(want))

  test('maxTtl itself is allowed, backdated or not', () => {
    const info = issue(nestValidity(root.chain, 'backdated', day, new Date(), day), { maxTtl: day })
    expect(lifetime(info)).toBe(day)
  })
})

describe('what the CAs above impose', () => {
  test('name constraints of every one of them hold, and openssl agrees', async () => {
    const root = await rootCa({ nameConstraints: { permitted: { dns: ['corp.example'], ip: ['10.0.0.0/8'] } } })
    const middle = await intermediateCa(root, { nameConstraints: { excluded: { dns: ['db.corp.example'] } } })
    const template = middle.template(server)
    const issue = (dns: string[], ip: string[] = []) =>
      template.issueSync(leafRequest(middle, { names: { dns, ip } })).der
    expect(verify(middle, issue(['www.corp.example', '*.web.corp.example'], ['10.1.2.3']))).toContain('OK')
    expect(await refusal(() => issue(['www.corp.test']))).toMatch(
      /^name_constraint_violation: .*www\.corp\.test is not within corp\.example/,
    )
    expect(await refusal(() => issue(['a.db.corp.example']))).toMatch(
      /a\.db\.corp\.example is excluded by db\.corp\.example/,
    )
    expect(await refusal(() => issue(['*.corp.example']))).toMatch(/\*\.corp\.example is excluded/)
    expect(await refusal(() => issue(['www.corp.example'], ['192.168.0.1']))).toMatch(
      /192\.168\.0\.1 is not within 10\.0\.0\.0\/8/,
    )
  })

  test('extended key usages nest', async () => {
    const root = await rootCa()
    const middle = await intermediateCa(root, { extendedKeyUsages: ['serverAuth'] })
    expect(await refusal(() => middle.template(server))).toMatch(
      /^ca_constraint_violation: .*allows only serverAuth, not clientAuth/,
    )
    const issued = middle.template({ extendedKeyUsages: ['serverAuth'] }).issueSync(leafRequest(middle))
    expect(verify(middle, issued.der, '-purpose', 'sslserver')).toContain('OK')
    const lower = await intermediateCa(middle)
    expect(await refusal(() => lower.template({ extendedKeyUsages: ['clientAuth'] }))).toMatch(
      /^ca_constraint_violation/,
    )
  })

  test('the end of a CA further up holds, even where the CA itself lives longer', async () => {
    const root = await rootCa()
    const middle = await intermediateCa(root)
    const renewed = await rootCa({ key: root.privateKey, ttl: 10 * day })
    const { certificate, privateKey } = middle
    const issuer = createIssuer({ certificateDer: certificate, privateKey, issuers: [renewed.certificate] })
    const work = (days: number) =>
      issuer
        .template(server)
        .issueSync({ ...leafRequest(middle), ...nestValidity(middle.chain, new Date(), days * day, new Date()) })
    expect(await refusal(() => work(9))).toBe('accepted')
    expect(await refusal(() => work(11))).toMatch(/^validity_exceeds_issuer: .*its issuer CN=Test Root CA only until/)
  })
})

describe('CAs that others made', () => {
  /** A CA whose name and SKI are not what we would write. */
  const foreign = (ski: Uint8Array, isCa = true) => {
    const key = generateKeySync({ type: 'ec', size: 256 })
    const algorithm = signatureAlgorithmFor({ type: 'ec', size: 256 })
    // A common name before the country, as T61String-free UTF8String where we would write PrintableString.
    const name = sequence(
      setOf(sequence(oidDer.commonName, utf8String('Foreign CA'))),
      setOf(sequence(oidDer.country, utf8String('DE'))),
    )
    const tbs = sequence(
      explicit(0, integer(2)),
      integer(0x1234_5678_9abc_def0n),
      algorithm.der,
      name,
      sequence(time(new Date(Date.now() - 60_000)), time(new Date(Date.now() + 400 * day * 1000))),
      name,
      spkiOf(key),
      explicit(3, sequence(basicConstraints(isCa), subjectKeyIdentifier(ski), authorityKeyIdentifier(ski))),
    )
    return { name, key, der: sequence(tbs, algorithm.der, bitString(signNow(algorithm, tbs, key))) }
  }

  test('its name is copied byte for byte and its own SKI is what the AKI says', () => {
    const ski = Uint8Array.of(1, 2, 3, 4, 5)
    const ca = foreign(ski)
    const issuer = createIssuer({ certificateDer: toPem('CERTIFICATE', ca.der), privateKey: ca.key })
    const info = parseCertificate(issuer.template(server).issueSync(leafRequest(issuer)).der)
    expect(Buffer.compare(info.issuerDer, ca.name)).toBe(0)
    expect([...(info.aki ?? [])]).toEqual([...ski])
    expect(
      run(['verify', '-CAfile', run.file('ca.pem', pem(issuer.certificate)), run.file('l.pem', pem(info))]),
    ).toContain('OK')
  })

  const refused: [what: string, work: () => unknown, want: RegExp][] = [
    [
      'a certificate that is no CA',
      () => {
        const ca = foreign(Uint8Array.of(1), false)
        return createIssuer({ certificateDer: ca.der, privateKey: ca.key })
      },
      /^ca_constraint_violation: .*not a CA certificate/,
    ],
    [
      'a key of another CA',
      () => createIssuer({ certificateDer: foreign(Uint8Array.of(1)).der, privateKey: foreign(Uint8Array.of(1)).key }),
      /^key_refused: the private key does not belong/,
    ],
    [
      'something that is no certificate',
      () => createIssuer({ certificateDer: 'x', privateKey: foreign(Uint8Array.of(1)).key }),
      /^certificate_invalid/,
    ],
    [
      'a chain that does not belong to it',
      () => {
        const ca = foreign(Uint8Array.of(1))
        return createIssuer({ certificateDer: ca.der, privateKey: ca.key, issuers: [foreign(Uint8Array.of(1)).der] })
      },
      /^certificate_invalid: certificate 1 of the chain/,
    ],
  ]
  test.each(refused)('refuses %s', async (_what, work, want) => expect(await refusal(work)).toMatch(want))

  test('a CA that openssl made without keyCertSign issues nothing', async () => {
    const key = run.file('ca.key', run(['genpkey', '-algorithm', 'ED25519']))
    const made = run(['req', '-x509', '-key', key, '-subj', '/CN=x', '-addext', 'keyUsage=cRLSign'])
    const { createPrivateKey } = await import('node:crypto')
    const { readFileSync } = await import('node:fs')
    const issuer = createIssuer({ certificateDer: made, privateKey: createPrivateKey(readFileSync(key)) })
    expect(await refusal(() => issuer.template(server))).toMatch(/^ca_constraint_violation: .*lacks keyCertSign/)
  })
})
