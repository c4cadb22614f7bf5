import { createHash } from 'node:crypto'
import { type CertificateInfo, parseCertificate, verifySignedBy } from './certificate.ts'
import { contextConstructed, contextPrimitive, derNull, element, octetString, oid, sequence, tag } from './der.ts'
import { DerError, DerReader } from './der-reader.ts'
import { keyIdentifier } from './keys.ts'
import { oids } from './oids.ts'
import { isSignedBy, readSigned, type SignedObject } from './signature.ts'

/** RFC 6960 §4.2.1: what a responder says of a certificate; `unknown` where it does not know it. */
export type OcspStatus =
  | { readonly status: 'good' | 'unknown' }
  | { readonly status: 'revoked'; readonly revokedAt: Date }

/** RFC 5019 §2.1.1: every responder knows CertIDs by SHA-1, which identifies here and secures nothing. */
const sha1 = sequence(oid('1.3.14.3.2.26'), derNull)
const basicResponse = '1.3.6.1.5.5.7.48.1.1'

/** A request for one certificate, without a nonce, which responders of public CAs ignore (RFC 5019 §2.1.1). */
export function ocspRequest(certificate: CertificateInfo, issuer: CertificateInfo): Uint8Array {
  return sequence(sequence(sequence(sequence(certId(certificate, issuer)))))
}

/**
 * The answer for that certificate. Only what the issuer signed counts, or a responder that it certified for this and
 * whose certificate came along. Throws `DerError` for anything else, also for an answer that is no longer current.
 */
export function readOcspResponse(
  der: Uint8Array,
  certificate: CertificateInfo,
  issuer: CertificateInfo,
  now: Date,
): OcspStatus {
  const outer = new DerReader(der)
  const response = outer.enter(tag.sequence, 'the response')
  outer.end('the response')
  const [code] = response.contents(response.expect(tag.enumerated, 'the response status'))
  if (code !== 0) throw new DerError(`the responder answered with status ${code}`, 0)
  const bytes = response.enter(contextConstructed(0), 'the response bytes').enter(tag.sequence, 'the response bytes')
  if (bytes.oid('the response type') !== basicResponse) throw new DerError('an unknown type of response', 0)
  const basic = readSigned(bytes.contents(bytes.expect(tag.octetString, 'the response')), 'the basic response')
  if (!isVouchedFor(basic, issuer, now)) throw new DerError('an answer that the issuer does not vouch for', 0)
  const data = new DerReader(basic.signed).enter(tag.sequence, 'the response data')
  data.optional(contextConstructed(0)) // version
  data.any() // responderID: who signed was found by the signature
  data.time('producedAt')
  const wanted = Buffer.from(certId(certificate, issuer))
  for (const answers = data.enter(tag.sequence, 'the answers'); !answers.done; ) {
    const answer = answers.enter(tag.sequence, 'an answer')
    const about = answer.whole(answer.expect(tag.sequence, 'a certificate id'))
    if (wanted.equals(about)) return statusOf(answer, now)
  }
  throw new DerError('no answer about the certificate', 0)
}

function statusOf(answer: DerReader, now: Date): OcspStatus {
  const status = answer.any()
  answer.time('thisUpdate')
  const until = answer.optional(contextConstructed(0))
  const nextUpdate = until && answer.within(until).time('nextUpdate')
  switch (status.identifier) {
    case contextConstructed(1):
      // However old the answer is: a revocation is final, and a hold is to be looked at, too.
      return { status: 'revoked', revokedAt: answer.within(status).time('the time of revocation') }
    case contextPrimitive(0):
      if (nextUpdate && nextUpdate < now) throw new DerError('an answer that is no longer current', status.start)
      return { status: 'good' }
    default:
      return { status: 'unknown' }
  }
}

/** RFC 6960 §4.2.2.2: the issuer itself, or a certificate directly below it for OCSP signing. */
function isVouchedFor(basic: SignedObject, issuer: CertificateInfo, now: Date): boolean {
  if (isSignedBy(basic, issuer.spkiDer)) return true
  const found = basic.rest.optional(contextConstructed(0))
  if (!found) return false
  for (const list = basic.rest.within(found).enter(tag.sequence, 'the certificates'); !list.done; ) {
    const responder = parseCertificate(list.whole(list.expect(tag.sequence, 'a certificate')))
    const { notBefore, notAfter, extendedKeyUsages = [] } = responder
    const mayAnswer = extendedKeyUsages.includes('ocspSigning')
    if (!mayAnswer || now < notBefore || now > notAfter || !isSignedBy(basic, responder.spkiDer)) continue
    if (verifySignedBy(responder, issuer)) return true
  }
  return false
}

function certId(certificate: CertificateInfo, issuer: CertificateInfo): Uint8Array {
  return sequence(
    sha1,
    octetString(createHash('sha1').update(issuer.subjectDer).digest()),
    octetString(keyIdentifier(issuer.spkiDer)),
    element(tag.integer, certificate.serialOctets),
  )
}

/** The http address of the responder that a certificate names (RFC 5280 §4.2.2.1). */
export function ocspAddress({ extensions }: CertificateInfo): string | undefined {
  const field = extensions.get(oids.authorityInformationAccess)
  if (!field) return undefined
  for (const list = new DerReader(field.value).enter(tag.sequence, 'the access descriptions'); !list.done; ) {
    const description = list.enter(tag.sequence, 'an access description')
    const isOcsp = description.oid('an access method') === oids.ocsp
    const location = description.any()
    const url = Buffer.from(description.contents(location)).toString('latin1')
    if (isOcsp && location.identifier === contextPrimitive(6) && /^http:\/\//i.test(url)) return url
  }
  return undefined
}
