import type { CertificateInfo } from './certificate.ts'
import { contextConstructed, contextPrimitive, tag } from './der.ts'
import { DerError, DerReader } from './der-reader.ts'
import { oids } from './oids.ts'
import { serialHex } from './serials.ts'
import { isSignedBy, readSigned } from './signature.ts'

/**
 * When the CRL says that a certificate was revoked, or undefined where it does not name it. Only what the issuer itself
 * signed counts; an entry with critical extensions (another issuer's, in an indirect CRL) is not its own. Throws
 * `DerError` for anything else (RFC 5280 §5.1).
 */
export function revokedByCrl(der: Uint8Array, issuer: CertificateInfo, serial: string): Date | undefined {
  const crl = readSigned(der, 'the CRL')
  crl.rest.end('the CRL')
  if (!isSignedBy(crl, issuer.spkiDer)) throw new DerError('a CRL that the issuer did not sign', 0)
  const list = new DerReader(crl.signed).enter(tag.sequence, 'the signed part')
  if (list.peek() === tag.integer) list.integer('the version')
  list.expect(tag.sequence, 'the signature algorithm')
  if (Buffer.compare(list.whole(list.expect(tag.sequence, 'the issuer')), issuer.subjectDer) !== 0) {
    throw new DerError("another issuer's CRL", 0)
  }
  list.time('thisUpdate')
  if (list.peek() === tag.utcTime || list.peek() === tag.generalizedTime) list.time('nextUpdate')
  const found = list.optional(tag.sequence)
  if (!found) return undefined
  for (const entries = list.within(found); !entries.done; ) {
    const entry = entries.enter(tag.sequence, 'an entry')
    const isMeant = serialHex(entry.integer('a serial number')) === serial
    const at = entry.time('a revocation date')
    if (isMeant && !hasCritical(entry)) return at
  }
  return undefined
}

function hasCritical(entry: DerReader): boolean {
  if (entry.done) return false
  for (const extensions = entry.enter(tag.sequence, 'the extensions of an entry'); !extensions.done; ) {
    const extension = extensions.enter(tag.sequence, 'an extension')
    extension.oid('an extension id')
    if (extension.peek() === tag.boolean && extension.boolean('the critical flag')) return true
  }
  return false
}

/** The http addresses of complete CRLs that a certificate names (RFC 5280 §4.2.1.13). */
export function crlAddresses({ extensions }: CertificateInfo): readonly string[] {
  const field = extensions.get(oids.crlDistributionPoints)
  if (!field) return []
  const found: string[] = []
  for (const points = new DerReader(field.value).enter(tag.sequence, 'the distribution points'); !points.done; ) {
    const point = points.enter(tag.sequence, 'a distribution point')
    const name = point.optional(contextConstructed(0))
    // One with a cRLIssuer is another's CRL, one with reasons only a part of it.
    if (!name || !point.done) continue
    const full = point.within(name).optional(contextConstructed(0))
    if (!full) continue
    for (const names = point.within(full); !names.done; ) {
      const each = names.any()
      const url = Buffer.from(names.contents(each)).toString('latin1')
      if (each.identifier === contextPrimitive(6) && /^http:\/\//i.test(url)) found.push(url)
    }
  }
  return found
}
