import { EngineError } from '../core/errors.ts'
import { contextConstructed, element, integer, octetString, sequence, tag, unsignedInteger } from './der.ts'
import { DerWriter } from './der-writer.ts'
import { authorityKeyIdentifier, extension } from './extensions.ts'
import { oidDer } from './oids.ts'
import { type RevocationReason, revocationReasons } from './revocation-reasons.ts'
import { parseSerial } from './serials.ts'
import { assertKeyUsage, type Signer, signed } from './signer.ts'

export interface RevokedCertificate {
  /** Hex in any spelling. */
  readonly serial: string
  readonly revokedAt: Date
  readonly reason?: RevocationReason | undefined
}

export interface CrlRequest {
  /** Larger than that of every earlier CRL of this CA (RFC 5280 §5.2.3). */
  readonly number: bigint
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly revoked: readonly RevokedCertificate[]
}

const second = (date: Date): number => Math.floor(date.getTime() / 1000)

/**
 * A complete v2 CRL (DER, RFC 5280 §5). Rejects with `ca_constraint_violation` when the CA lacks cRLSign,
 * and with `schema_violation` for entries that no CRL can hold.
 */
export async function buildCrl(signer: Signer, request: CrlRequest): Promise<Uint8Array> {
  assertKeyUsage(signer, 'cRLSign')
  if (second(request.nextUpdate) <= second(request.thisUpdate)) {
    throw new RangeError('nextUpdate must be later than thisUpdate')
  }
  const number = integer(request.number)
  // 20 octets of contents plus the header (RFC 5280 §5.2.3).
  if (request.number < 0n || number.length > 22) throw new RangeError('a CRL number has at most 20 octets')

  const out = new DerWriter(1024 + request.revoked.length * 48)
  const start = out.length
  const extensions = sequence(authorityKeyIdentifier(signer.keyIdentifier), extension('crlNumber', false, number))
  out.raw(element(contextConstructed(0), extensions))
  writeEntries(out, request)
  out.time(request.nextUpdate)
  out.time(request.thisUpdate)
  out.raw(signer.certificate.subjectDer)
  out.raw(signer.algorithm.der)
  // v2, since there are extensions (RFC 5280 §5.1.2.1).
  out.raw(integer(1))
  out.header(tag.sequence, start)
  return signed(signer, out.written())
}

/** Ascending by serial, so that equal input gives equal output; the list is absent when empty (RFC 5280 §5.1.2.6). */
function writeEntries(out: DerWriter, { revoked, thisUpdate }: CrlRequest): void {
  if (revoked.length === 0) return
  const sorted = revoked.map(entry => ({ entry, serial: canonicalSerial(entry.serial) }))
  sorted.sort((a, b) => b.serial.length - a.serial.length || (a.serial < b.serial ? 1 : a.serial > b.serial ? -1 : 0))
  const start = out.length
  let previous = ''
  for (const { entry, serial } of sorted) {
    if (serial === previous) throw refuse(`the serial ${serial} stands twice`, 'give each certificate once')
    previous = serial
    writeEntry(out, entry, serial, thisUpdate)
  }
  out.header(tag.sequence, start)
}

function writeEntry(out: DerWriter, entry: RevokedCertificate, serial: string, thisUpdate: Date): void {
  if (second(entry.revokedAt) > second(thisUpdate)) {
    throw refuse(`${serial} is revoked only after the CRL's own date`, 'make the CRL with a later thisUpdate')
  }
  const since = out.length
  const reason = reasonExtensions[entry.reason ?? 'unspecified']
  if (reason === null) throw refuse('removeFromCRL stands in a complete CRL', 'leave the certificate out instead')
  if (reason) out.raw(reason)
  out.time(entry.revokedAt)
  out.raw(unsignedInteger(Buffer.from(serial.length % 2 === 0 ? serial : `0${serial}`, 'hex')))
  out.header(tag.sequence, since)
}

/** Encoded crlEntryExtensions; undefined for unspecified, which SHOULD be absent, null for what only deltas have. */
const reasonExtensions = Object.fromEntries(
  Object.entries(revocationReasons).map(([name, code]) => {
    if (name === 'unspecified') return [name, undefined]
    if (name === 'removeFromCRL') return [name, null]
    const value = octetString(element(tag.enumerated, Uint8Array.of(code)))
    return [name, sequence(sequence(oidDer.reasonCode, value))]
  }),
  // `fromEntries` forgets the keys that `entries` just listed.
) as Readonly<Record<RevocationReason, Uint8Array | undefined | null>>

function canonicalSerial(text: string): string {
  const serial = parseSerial(text)
  if (serial === undefined) throw refuse(`"${text}" is not a serial number`, 'write it in hex')
  return serial
}

const refuse = (what: string, remedy: string): EngineError => new EngineError('schema_violation', what, { remedy })
