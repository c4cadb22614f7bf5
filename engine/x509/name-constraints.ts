import { isIPv4 } from 'node:net'
import { EngineError } from '../core/errors.ts'
import { contextConstructed, contextPrimitive, element, sequence, tag } from './der.ts'
import { DerError, DerReader } from './der-reader.ts'
import { decodeName, type NameAttribute } from './distinguished-name.ts'
import { ipOctets, ipText } from './ip-address.ts'
import { normaliseDnsName, normaliseEmail, type SubjectAltNames } from './names.ts'

/** Subtrees by name form; IP ranges are CIDR. */
export type NameSubtrees = SubjectAltNames

/** RFC 5280 §4.2.1.10. A form without permitted subtrees is unlimited; excluded beats permitted. */
export interface NameConstraints {
  readonly permitted: NameSubtrees
  readonly excluded: NameSubtrees
  /** Foreign CAs only: subtrees of subject names, which we honour but never issue. */
  readonly permittedSubjects?: readonly NameAttribute[][][]
  readonly excludedSubjects?: readonly NameAttribute[][][]
}

/** As a manifest writes them: every list may be left out. */
export interface NameConstraintsInput {
  readonly permitted?: Partial<NameSubtrees> | undefined
  readonly excluded?: Partial<NameSubtrees> | undefined
}

/** Checks and canonicalises constraints for a CA certificate. Throws `name_invalid`. */
export function normaliseNameConstraints(input: NameConstraintsInput): NameConstraints {
  return { permitted: normaliseSubtrees(input.permitted), excluded: normaliseSubtrees(input.excluded) }
}

function normaliseSubtrees(input: Partial<NameSubtrees> = {}): NameSubtrees {
  return {
    dns: (input.dns ?? []).map(normaliseDnsSubtree),
    ip: (input.ip ?? []).map(normaliseRange),
    email: (input.email ?? []).map(each => (each.includes('@') ? normaliseEmail(each) : normaliseHostSubtree(each))),
    uri: (input.uri ?? []).map(normaliseHostSubtree),
  }
}

const refuse = (text: string, why: string, remedy: string): EngineError =>
  new EngineError('name_invalid', `"${text}" is not a name constraint: ${why}`, { remedy })

function normaliseDnsSubtree(text: string): string {
  // RFC 5280 §4.2.1.10 gives the leading dot a meaning for URIs and mailboxes only; verifiers disagree about it here.
  if (text.startsWith('.')) {
    throw refuse(text, 'a DNS constraint has no leading dot', `write "${text.slice(1)}"; it covers every subdomain`)
  }
  if (text.startsWith('*')) {
    throw refuse(text, 'a DNS constraint has no wildcard', `write "${text.replace(/^\*\.?/, '')}"`)
  }
  return normaliseDnsName(text)
}

function normaliseHostSubtree(text: string): string {
  return text.startsWith('.') ? `.${normaliseDnsName(text.slice(1))}` : normaliseDnsName(text)
}

function normaliseRange(text: string): string {
  const slash = text.lastIndexOf('/')
  const address = ipOctets(slash < 0 ? text : text.slice(0, slash))
  const bits = address.length * 8
  const prefix = slash < 0 ? bits : Number(text.slice(slash + 1))
  const mapped = address.length === 4 && slash >= 0 && !isIPv4(text.slice(0, slash))
  if (slash >= 0 && (mapped || !/^\d{1,3}$/.test(text.slice(slash + 1)) || prefix > bits)) {
    throw refuse(text, 'it is no CIDR range', 'write it like 10.0.0.0/8 or 2001:db8::/32')
  }
  const network = address.map((octet, i) => octet & maskOctet(prefix, i))
  const start = rangeText(network, prefix)
  if (Buffer.compare(network, address) !== 0) {
    throw refuse(text, 'its address lies inside the range', `write the range's start: ${start}`)
  }
  return start
}

const maskOctet = (prefix: number, index: number): number =>
  (0xff00 >> Math.min(8, Math.max(0, prefix - index * 8))) & 0xff

function rangeText(network: Uint8Array, prefix: number): string {
  return `${ipText(network)}/${prefix}`
}

/** Address and mask, 8 or 32 octets, as the extension holds them. */
export function rangeOctets(range: string): Uint8Array {
  const [address = '', prefix = ''] = range.split('/')
  const octets = ipOctets(address)
  return Buffer.concat([octets, octets.map((_octet, i) => maskOctet(Number(prefix), i))])
}

/** GeneralName tags of RFC 5280 §4.2.1.6 by form. */
const formTags = [
  ['dns', 2],
  ['ip', 7],
  ['email', 1],
  ['uri', 6],
] as const satisfies readonly (readonly [keyof NameSubtrees, number])[]

/** The extension's value (DER) for normalised constraints; undefined when nothing is constrained. */
export function encodeNameConstraints(constraints: NameConstraints): Uint8Array | undefined {
  const permitted = encodeSubtrees(0, constraints.permitted)
  const excluded = encodeSubtrees(1, constraints.excluded)
  return permitted.length + excluded.length === 0 ? undefined : sequence(...permitted, ...excluded)
}

function encodeSubtrees(side: number, subtrees: NameSubtrees): Uint8Array[] {
  // minimum is 0, the DEFAULT, and maximum absent: RFC 5280 §4.2.1.10.
  const all = formTags.flatMap(([form, number]) =>
    subtrees[form].map(each => {
      const value = form === 'ip' ? rangeOctets(each) : Buffer.from(each, 'latin1')
      return sequence(element(contextPrimitive(number), value))
    }),
  )
  return all.length === 0 ? [] : [element(contextConstructed(side), ...all)]
}

/** Reads the extension's value. Forms that we never issue (otherName, X.400…) cannot be violated and are skipped. */
export function decodeNameConstraints(value: Uint8Array): NameConstraints {
  const outer = new DerReader(value)
  const sides = outer.enter(tag.sequence, 'the name constraints')
  outer.end('the name constraints')
  const permitted = decodeSubtrees(sides, 0)
  const excluded = decodeSubtrees(sides, 1)
  sides.end('the name constraints')
  return {
    permitted: permitted.names,
    excluded: excluded.names,
    ...(permitted.subjects.length > 0 && { permittedSubjects: permitted.subjects }),
    ...(excluded.subjects.length > 0 && { excludedSubjects: excluded.subjects }),
  }
}

function decodeSubtrees(sides: DerReader, side: number): { names: NameSubtrees; subjects: NameAttribute[][][] } {
  const names: Record<keyof NameSubtrees, string[]> = { dns: [], ip: [], email: [], uri: [] }
  const subjects: NameAttribute[][][] = []
  const found = sides.optional(contextConstructed(side))
  const subtrees = found && sides.within(found)
  while (subtrees && !subtrees.done) {
    const base = subtrees.enter(tag.sequence, 'a subtree').any()
    const octets = subtrees.contents(base)
    if (base.identifier === contextConstructed(4)) subjects.push(decodeName(octets))
    const form = formTags.find(([, number]) => base.identifier === contextPrimitive(number))?.[0]
    if (form === 'ip') names.ip.push(decodeRange(octets, base.start))
    else if (form !== undefined) names[form].push(Buffer.from(octets).toString('latin1'))
  }
  return { names, subjects }
}

/** CIDR text, or the raw octets in hex where the mask has holes or the network is written as IPv4-mapped. */
function decodeRange(octets: Uint8Array, offset: number): string {
  if (octets.length !== 8 && octets.length !== 32) throw new DerError('an IP range of the wrong size', offset)
  const network = octets.subarray(0, octets.length / 2)
  const bits = [...octets.subarray(octets.length / 2)].map(octet => octet.toString(2).padStart(8, '0')).join('')
  const prefix = bits.replace(/0+$/, '').length
  const cidr = `${ipText(network)}/${prefix}`
  const exact = ipOctets(ipText(network)).length === network.length && Buffer.compare(rangeOctets(cidr), octets) === 0
  return exact ? cidr : Buffer.from(octets).toString('hex')
}
