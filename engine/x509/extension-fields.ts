import { contextConstructed, contextPrimitive, tag } from './der.ts'
import { DerError, DerReader } from './der-reader.ts'
import { ipText } from './ip-address.ts'
import type { SubjectAltNames } from './names.ts'
import { extendedKeyUsageName, type KeyUsage, keyUsageNames } from './usages.ts'

/** An extension as it was found. */
export interface ExtensionField {
  readonly critical: boolean
  readonly value: Uint8Array
}

/** Extensions by dotted OID. One OID twice is refused (RFC 5280 §4.2). Throws `DerError`. */
export function decodeExtensions(list: DerReader): Map<string, ExtensionField> {
  const found = new Map<string, ExtensionField>()
  while (!list.done) {
    const fields = list.enter(tag.sequence, 'an extension')
    const id = fields.oid('an extension id')
    // FALSE is the DEFAULT and must be absent in DER, but enough old roots have it.
    const critical = fields.peek() === tag.boolean && fields.boolean('the critical flag')
    const value = fields.contents(fields.expect(tag.octetString, 'an extension value'))
    fields.end('an extension')
    if (found.has(id)) throw new DerError(`the extension ${id} stands twice`, 0)
    found.set(id, { critical, value })
  }
  return found
}

export function decodeBasicConstraints(value: Uint8Array): { readonly ca: boolean; readonly pathLength?: number } {
  const fields = only(value, 'the basic constraints')
  const ca = fields.peek() === tag.boolean && fields.boolean('the CA flag')
  if (fields.done) return { ca }
  const pathLength = fields.smallInteger('the path length')
  fields.end('the basic constraints')
  return { ca, pathLength }
}

export function decodeKeyUsage(value: Uint8Array): KeyUsage[] {
  const reader = new DerReader(value)
  const bits = reader.namedBits('the key usage')
  reader.end('the key usage')
  return keyUsageNames.filter((_name, bit) => bits.includes(bit))
}

/** Names, or dotted OIDs where they have none. */
export function decodeExtendedKeyUsage(value: Uint8Array): string[] {
  const fields = only(value, 'the extended key usages')
  const found: string[] = []
  while (!fields.done) found.push(extendedKeyUsageName(fields.oid('an extended key usage')))
  return found
}

export function decodeSubjectKeyIdentifier(value: Uint8Array): Uint8Array {
  const reader = new DerReader(value)
  const identifier = reader.contents(reader.expect(tag.octetString, 'the subject key identifier'))
  reader.end('the subject key identifier')
  return identifier
}

/** The keyIdentifier; undefined where only issuer and serial are given. */
export function decodeAuthorityKeyIdentifier(value: Uint8Array): Uint8Array | undefined {
  const fields = only(value, 'the authority key identifier')
  const found = fields.optional(contextPrimitive(0))
  return found && fields.contents(found)
}

/** The names, and whether there were forms that `SubjectAltNames` has no place for. Text is as it was found. */
export function decodeSubjectAltName(value: Uint8Array): { readonly names: SubjectAltNames; readonly others: number } {
  const list = only(value, 'the alternative names')
  const names: Record<keyof SubjectAltNames, string[]> = { dns: [], ip: [], email: [], uri: [] }
  let others = 0
  while (!list.done) {
    const found = list.any()
    const octets = Buffer.from(list.contents(found))
    if (found.identifier === contextPrimitive(1)) names.email.push(octets.toString('latin1'))
    else if (found.identifier === contextPrimitive(2)) names.dns.push(octets.toString('latin1'))
    else if (found.identifier === contextPrimitive(6)) names.uri.push(octets.toString('latin1'))
    else if (found.identifier === contextPrimitive(7)) {
      if (octets.length !== 4 && octets.length !== 16)
        throw new DerError('an IP address of the wrong size', found.start)
      names.ip.push(ipText(octets))
    } else if (
      [0, 3, 4, 5].some(n => found.identifier === contextConstructed(n)) ||
      found.identifier === contextPrimitive(8)
    ) {
      others++
    } else throw new DerError('an alternative name of no known form', found.start)
  }
  return { names, others }
}

function only(value: Uint8Array, what: string): DerReader {
  const reader = new DerReader(value)
  const inner = reader.enter(tag.sequence, what)
  reader.end(what)
  return inner
}
