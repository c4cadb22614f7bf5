import { beforeAll, expect, test } from 'vitest'
import { DerError } from './der-reader.ts'
import { rootCa } from './fixtures/authority.ts'
import { type ForeignCa, foreignCa } from './fixtures/foreign-ca.ts'
import { openssl } from './fixtures/openssl.ts'
import { ocspAddress, ocspRequest, readOcspResponse } from './ocsp.ts'

const run = openssl()
const now = new Date()
const hour = 3_600_000
let ca: ForeignCa
beforeAll(() => {
  ca = foreignCa(run)
})

test.each(['ca', 'responder'] as const)('what the %s answers is understood', signer => {
  const [kept, gone] = [ca.leaf(`kept-${signer}`), ca.leaf(`gone-${signer}`)]
  ca.revoke(`gone-${signer}`)
  const status = (of: typeof kept) =>
    readOcspResponse(ca.answer(ocspRequest(of, ca.issuer), signer), of, ca.issuer, new Date())
  expect(status(kept)).toEqual({ status: 'good' })
  expect(status(gone)).toEqual({ status: 'revoked', revokedAt: expect.any(Date) })
})

test('an answer counts only for the certificate that was asked about, from who may give it, unchanged, in time', async () => {
  const [asked, other] = [ca.leaf('asked'), ca.leaf('other')]
  const answer = ca.answer(ocspRequest(asked, ca.issuer))
  const read = (octets: Uint8Array, at = now) => readOcspResponse(octets, asked, ca.issuer, at)
  expect(read(answer)).toEqual({ status: 'good' })
  expect(() => read(answer, new Date(now.getTime() + 2 * hour))).toThrow('no longer current')
  expect(() => readOcspResponse(answer, other, ca.issuer, now)).toThrow('no answer about the certificate')
  const stranger = (await rootCa()).certificate
  expect(() => readOcspResponse(answer, asked, stranger, now)).toThrow('does not vouch')
  const changed = Uint8Array.from(answer)
  const place = Buffer.from(answer).indexOf(Buffer.from(asked.serialHex.slice(-16), 'hex'))
  changed[place] = (changed[place] ?? 0) ^ 1
  expect(() => read(changed)).toThrow('does not vouch')
  for (const cut of [0, 1, 30, answer.length - 1]) expect(() => read(answer.subarray(0, cut))).toThrow(DerError)
})

test('a responder whose certificate is not for answering is not believed', () => {
  const asked = ca.leaf('asked-again')
  ca.leaf('impostor')
  const by = ['-index', 'index.txt', '-CA', 'ca.pem', '-rsigner', 'impostor.pem', '-rkey', 'impostor.key']
  run.file('request.der', ocspRequest(asked, ca.issuer))
  run(['ocsp', ...by, '-reqin', 'request.der', '-respout', 'forged.der', '-nmin', '60'])
  const forged = Buffer.from(run(['base64', '-in', 'forged.der']), 'base64')
  expect(() => readOcspResponse(forged, asked, ca.issuer, now)).toThrow('does not vouch')
})

test('a refusal is no answer', () => {
  // OCSPResponse with tryLater (RFC 6960 §4.2.1).
  const tryLater = Buffer.from('30030a0103', 'hex')
  expect(() => readOcspResponse(tryLater, ca.leaf('later'), ca.issuer, now)).toThrow('status 3')
})

test('the responder is asked where the certificate says that it is', async () => {
  expect(ocspAddress(ca.leaf('addressed'))).toBe('http://ocsp.ca.example/')
  expect(ocspAddress((await rootCa()).certificate)).toBeUndefined()
})
