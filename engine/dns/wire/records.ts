import { isIPv4, isIPv6 } from 'node:net'
import { recordTypes } from './codes.ts'
import { encodeName, readName } from './name.ts'
import { concat, MalformedMessage, type OctetReader, readUint, take, uint } from './octets.ts'

/** What a record says. `none` is empty RDATA (RFC 2136 deletions); what is not read here stays octets. */
export type RecordData =
  | { readonly kind: 'A' | 'AAAA'; readonly address: string }
  | { readonly kind: 'NS' | 'CNAME'; readonly target: string }
  | ({ readonly kind: 'SOA' } & StartOfAuthority)
  | { readonly kind: 'TXT'; readonly strings: readonly string[] }
  | { readonly kind: 'octets'; readonly octets: Uint8Array }
  | { readonly kind: 'none' }

/** RFC 1035 §3.3.13; `minimum` bounds how long a resolver remembers that something does not exist (RFC 2308 §4). */
export interface StartOfAuthority {
  readonly primary: string
  readonly mailbox: string
  readonly serial: number
  readonly refresh: number
  readonly retry: number
  readonly expire: number
  readonly minimum: number
}

export interface ResourceRecord {
  readonly name: string
  readonly type: number
  readonly class: number
  readonly ttl: number
  readonly data: RecordData
}

/** The value of a TXT record: its strings joined, one octet per character. */
export const textOf = (data: RecordData): string | undefined =>
  data.kind === 'TXT' ? data.strings.join('') : undefined

/** TXT data for a value of any length: RFC 1035 §3.3 allows 255 octets in one string. */
export function textData(value: string): RecordData {
  const strings = value.match(/.{1,255}/gs) ?? ['']
  return { kind: 'TXT', strings }
}

export function encodeData(data: RecordData): Uint8Array {
  switch (data.kind) {
    case 'A':
      return Uint8Array.from(data.address.split('.').map(Number))
    case 'AAAA':
      return encodeIPv6(data.address)
    case 'NS':
    case 'CNAME':
      return encodeName(data.target)
    case 'SOA': {
      const numbers = [data.serial, data.refresh, data.retry, data.expire, data.minimum].map(n => uint(n, 4))
      return concat(encodeName(data.primary), encodeName(data.mailbox), ...numbers)
    }
    case 'TXT':
      return concat(...data.strings.flatMap(text => [uint(text.length, 1), Buffer.from(text, 'latin1')]))
    case 'octets':
      return data.octets
    case 'none':
      return new Uint8Array()
  }
}

/** Reads RDATA of the given length; names in it may point into the whole message. */
export function readData(reader: OctetReader, type: number, length: number): RecordData {
  const end = reader.offset + length
  const data = length === 0 ? { kind: 'none' as const } : readKnown(reader, type, length)
  if (reader.offset !== end) throw new MalformedMessage('record data does not fill its length')
  return data
}

function readKnown(reader: OctetReader, type: number, length: number): RecordData {
  switch (type) {
    case recordTypes.A:
      if (length !== 4) throw new MalformedMessage('an A record does not have four octets')
      return { kind: 'A', address: take(reader, 4).join('.') }
    case recordTypes.AAAA:
      if (length !== 16) throw new MalformedMessage('an AAAA record does not have sixteen octets')
      return { kind: 'AAAA', address: decodeIPv6(take(reader, 16)) }
    case recordTypes.NS:
      return { kind: 'NS', target: readName(reader) }
    case recordTypes.CNAME:
      return { kind: 'CNAME', target: readName(reader) }
    case recordTypes.SOA:
      return {
        kind: 'SOA',
        primary: readName(reader),
        mailbox: readName(reader),
        serial: readUint(reader, 4),
        refresh: readUint(reader, 4),
        retry: readUint(reader, 4),
        expire: readUint(reader, 4),
        minimum: readUint(reader, 4),
      }
    case recordTypes.TXT: {
      const end = reader.offset + length
      const strings: string[] = []
      while (reader.offset < end) strings.push(Buffer.from(take(reader, readUint(reader, 1))).toString('latin1'))
      return { kind: 'TXT', strings }
    }
    default:
      return { kind: 'octets', octets: Uint8Array.from(take(reader, length)) }
  }
}

/** RFC 5952 text of sixteen octets. */
function decodeIPv6(octets: Uint8Array): string {
  const groups: string[] = []
  for (let index = 0; index < 16; index += 2) {
    groups.push((((octets[index] ?? 0) << 8) | (octets[index + 1] ?? 0)).toString(16))
  }
  const runs = [...groups.join(':').matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].sort((a, b) => b[0].length - a[0].length)
  const longest = runs[0]
  if (longest === undefined) return groups.join(':')
  const text = groups.join(':')
  const before = text.slice(0, longest.index)
  return `${before}::${text.slice(longest.index + longest[0].length + 1)}`
}

function encodeIPv6(address: string): Uint8Array {
  if (!isIPv6(address)) throw new RangeError(`"${address}" is not an IPv6 address`)
  const [head = '', tail] = address.split('%', 1).join('').split('::')
  const left = groupsOf(head)
  const right = tail === undefined ? [] : groupsOf(tail)
  const zeros = new Array<number>(Math.max(0, 8 - left.length - right.length)).fill(0)
  return concat(...[...left, ...(tail === undefined ? [] : zeros), ...right].map(group => uint(group, 2)))
}

function groupsOf(text: string): number[] {
  return text
    .split(':')
    .filter(part => part !== '')
    .flatMap(part => {
      if (!isIPv4(part)) return [Number.parseInt(part, 16)]
      const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number)
      return [a * 256 + b, c * 256 + d]
    })
}
