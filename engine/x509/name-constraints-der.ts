import { contextConstructed, contextPrimitive, element, sequence, tag } from './der.ts'
import { DerError, DerReader } from './der-reader.ts'
import { decodeName, type NameAttribute } from './distinguished-name.ts'
import { ipOctets, ipText } from './ip-address.ts'
import { type NameConstraints, type NameSubtrees, rangeOctets } from './name-constraints.ts'

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
