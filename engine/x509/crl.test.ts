import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { buildCrl, type CrlRequest } from './crl.ts'
import { intermediateCa, keyFor, keySpecs, leafRequest, rootCa } from './fixtures/authority.ts'
import { openssl } from './fixtures/openssl.ts'
import { refusal } from './fixtures/refusal.ts'
import type { Issuer } from './issue.ts'
import { formatKeySpec } from './keys.ts'
import { toPem } from './pem.ts'
import { parseRevocationReason, revocationReasons } from './revocation-reasons.ts'

const run = openssl()
const thisUpdate = new Date('2026-11-21T12:00:00Z')
const nextUpdate = new Date('2026-11-28T12:00:00Z')
const before = new Date('2026-11-20T12:00:00Z')
let root: Issuer
beforeAll(async () => {
  root = await rootCa()
})

const build = (parts: Partial<CrlRequest> = {}, issuer = root): Promise<Uint8Array> =>
  buildCrl(issuer, { number: 1n, thisUpdate, nextUpdate, revoked: [], ...parts })

/** The CRL as openssl prints it, after it has verified the signature. */
function text(crl: Uint8Array, issuer = root): string {
  const ca = run.file('ca.pem', toPem('CERTIFICATE', issuer.certificate.der))
  const said = run(['crl', '-inform', 'DER', '-noout', '-text', '-CAfile', ca], crl)
  expect(said).toContain('verify OK')
  return said
}

test.each(
  keySpecs.map(spec => [formatKeySpec(spec), spec] as const),
)('openssl verifies a CRL signed by %s', async (_what, spec) => {
  const issuer = await rootCa({ key: await keyFor('crl', spec) })
  const said = text(
    await build({ number: 300n, revoked: [{ serial: 'AB', revokedAt: before, reason: 'superseded' }] }, issuer),
    issuer,
  )
  expect(said).toContain('Version 2')
  expect(said).toMatch(/X509v3 CRL Number:\s+300\n/)
  const aki = Buffer.from(issuer.keyIdentifier).toString('hex').toUpperCase().match(/../g)?.join(':')
  expect(said).toContain(`X509v3 Authority Key Identifier: \n                ${aki}`)
  expect(said).toContain('Last Update: Nov 21 12:00:00 2026 GMT')
  expect(said).toContain('Next Update: Nov 28 12:00:00 2026 GMT')
  expect(said).toMatch(
    /Serial Number: AB\s+Revocation Date: Nov 20 12:00:00 2026 GMT\s+CRL entry extensions:\s+X509v3 CRL Reason Code:\s+Superseded/,
  )
})

test('without revocations the list is absent, not empty', async () => {
  const crl = await build()
  expect(text(crl)).toContain('No Revoked Certificates')
  // What follows nextUpdate is the [0] of the extensions.
  expect(run(['asn1parse', '-inform', 'DER'], crl)).toMatch(/UTCTIME.*\n.*UTCTIME.*\n.*cont \[ 0 \]/)
})

test('openssl refuses a certificate because the CRL has it, and only that one', async () => {
  const middle = await intermediateCa(root)
  const template = middle.template({})
  const [gone, kept] = [template.issueSync(leafRequest(middle)), template.issueSync(leafRequest(middle))]
  const now = new Date()
  const crl = await build(
    {
      thisUpdate: now,
      nextUpdate: new Date(now.getTime() + 60_000),
      revoked: [{ serial: gone.serialHex, revokedAt: now, reason: 'keyCompromise' }],
    },
    middle,
  )
  const anchor = run.file('root.pem', toPem('CERTIFICATE', root.certificate.der))
  const chain = run.file('middle.pem', toPem('CERTIFICATE', middle.certificate.der))
  const list = run.file('crl.pem', toPem('X509 CRL', crl))
  const verify = (der: Uint8Array): string =>
    run([
      'verify',
      '-x509_strict',
      '-crl_check',
      '-CRLfile',
      list,
      '-CAfile',
      anchor,
      '-untrusted',
      chain,
      run.file('leaf.pem', toPem('CERTIFICATE', der)),
    ])
  expect(verify(kept.der)).toContain('OK')
  expect(() => verify(gone.der)).toThrow(/certificate revoked/)
})

test('entries are ascending by number, in any spelling and order of input', async () => {
  const serials = ['ff', '0A', '01:00', '7fffffffffffffffffff', '80', '9']
  const revoked = serials.map(serial => ({ serial, revokedAt: before }))
  const listed = text(await build({ revoked }))
    .match(/Serial Number: (\w+)/g)
    ?.map(each => each.slice(15))
  expect(listed).toEqual(['09', '0A', '80', 'FF', '0100', '7FFFFFFFFFFFFFFFFFFF'])
  const body = (crl: Uint8Array): string => Buffer.from(crl).toString('hex').slice(8, 400)
  expect(body(await build({ revoked: [...revoked].reverse() }))).toBe(body(await build({ revoked })))
})

test('serials of any size come back as positive numbers', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.bigInt(1n, (1n << 159n) - 1n), { minLength: 1, maxLength: 5 }),
      async numbers => {
        const crl = await build({ revoked: numbers.map(n => ({ serial: n.toString(16), revokedAt: before })) })
        const listed = text(crl)
          .match(/Serial Number: (-?\w+)/g)
          ?.map(each => BigInt(`0x${each.slice(15)}`))
        expect(listed).toEqual([...numbers].sort((a, b) => (a < b ? -1 : 1)))
      },
    ),
    { numRuns: 10 },
  )
})

test('every reason is written but unspecified, which is absent', async () => {
  const reasons = Object.keys(revocationReasons)
    .map(parseRevocationReason)
    .filter(reason => reason !== 'removeFromCRL')
  const revoked = reasons.map((reason, i) => ({ serial: `${i + 1}0`, revokedAt: before, reason }))
  const said = text(await build({ revoked }))
  expect(said.match(/Reason Code:\s+(.*)/g)?.map(each => each.replace(/.*\s\s+/, ''))).toEqual([
    'Key Compromise',
    'CA Compromise',
    'Affiliation Changed',
    'Superseded',
    'Cessation Of Operation',
    'Certificate Hold',
    'Privilege Withdrawn',
    'AA Compromise',
  ])
})

test('from 2050 dates are GeneralizedTime', async () => {
  const crl = await build({
    nextUpdate: new Date('2050-01-01T00:00:00Z'),
    revoked: [{ serial: '1', revokedAt: before }],
  })
  expect(
    run(['asn1parse', '-inform', 'DER'], crl)
      .match(/(UTCTIME|GENERALIZEDTIME) +:\w+/g)
      ?.map(each => each.replace(/ +/, ' ')),
  ).toEqual(['UTCTIME :261121120000Z', 'GENERALIZEDTIME :20500101000000Z', 'UTCTIME :261120120000Z'])
})

test('twenty thousand entries are one valid CRL', async () => {
  const revoked = Array.from({ length: 20_000 }, (_each, i) => ({
    serial: (i * 7919 + 1).toString(16),
    revokedAt: before,
  }))
  expect(text(await build({ revoked })).match(/Serial Number/g)).toHaveLength(20_000)
})

const refused: [what: string, parts: () => Partial<CrlRequest>, want: RegExp][] = [
  [
    'one serial twice, in two spellings',
    () => ({ revoked: ['0A', 'a'].map(serial => ({ serial, revokedAt: before })) }),
    /^schema_violation: the serial A stands twice/,
  ],
  [
    'a revocation after the CRL',
    () => ({ revoked: [{ serial: '1', revokedAt: nextUpdate }] }),
    /^schema_violation: .*only after/,
  ],
  [
    'removeFromCRL outside of a delta',
    () => ({ revoked: [{ serial: '1', revokedAt: before, reason: 'removeFromCRL' }] }),
    /^schema_violation: removeFromCRL/,
  ],
  ['a serial that is no number', () => ({ revoked: [{ serial: 'x', revokedAt: before }] }), /^schema_violation: "x"/],
]
test.each(refused)('refuses %s', async (_what, parts, want) =>
  expect(await refusal(() => build(parts()))).toMatch(want))

test.each<[what: string, parts: Partial<CrlRequest>]>([
  ['no time between its updates', { nextUpdate: thisUpdate }],
  ['a number of 21 octets', { number: 1n << 160n }],
  ['a negative number', { number: -1n }],
])('a CRL with %s is a bug', async (_what, parts) => {
  await expect(build(parts)).rejects.toThrow(RangeError)
})

test('the largest number has 20 octets', async () => {
  expect(text(await build({ number: (1n << 159n) - 1n }))).toMatch(/CRL Number:\s+0x7F/)
})

test('a CA without cRLSign signs no CRL', async () => {
  const { createPrivateKey } = await import('node:crypto')
  const { createIssuer } = await import('./issue.ts')
  const key = run(['genpkey', '-algorithm', 'ED25519'])
  const made = run(['req', '-x509', '-key', run.file('k', key), '-subj', '/CN=x', '-addext', 'keyUsage=keyCertSign'])
  const issuer = createIssuer({ certificateDer: made, privateKey: createPrivateKey(key) })
  expect(await refusal(() => build({}, issuer))).toMatch(/^ca_constraint_violation: .*lacks cRLSign/)
})

test.each([
  ['KEY_COMPROMISE', 'keyCompromise'],
  ['caCompromise', 'cACompromise'],
  ['cessation-of-operation', 'cessationOfOperation'],
])('the reason %s is %s', (text, want) => expect(parseRevocationReason(text)).toBe(want))
test('an unknown reason is refused with all that there are', async () => {
  expect(await refusal(() => parseRevocationReason('lost'))).toMatch(/^schema_violation: "lost"/)
})
