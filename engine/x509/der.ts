/**
 * Composes DER (X.690 §8–10) from parts. For whatever is encoded once: constants, CA certificates, CSRs.
 * Leaf issuing and CRLs, where speed counts, use `DerWriter`.
 */

/** Identifier octets of the types that X.509 uses. */
export const tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const

/** `[n]` of a simple type with an implicit tag. */
export const contextPrimitive = (n: number): number => 0x80 | n

/** `[n]` of a constructed type with an implicit tag, or of any type with an explicit one. */
export const contextConstructed = (n: number): number => 0xa0 | n

/** How many octets the length field takes: 1 up to 127, then one more than the number's own octets (X.690 §10.1). */
export function lengthOctets(length: number): number {
  let octets = 1
  if (length > 0x7f) for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets++
  return octets
}

/** One element: tag, minimal definite length, and the contents one after another. */
export function element(identifier: number, ...contents: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of contents) length += part.length
  const lengthSize = lengthOctets(length)
  const out = new Uint8Array(1 + lengthSize + length)
  out[0] = identifier
  if (lengthSize === 1) out[1] = length
  else {
    out[1] = 0x80 | (lengthSize - 1)
    for (let at = lengthSize, rest = length; at > 1; at--, rest = Math.floor(rest / 256)) out[at] = rest % 256
  }
  let at = 1 + lengthSize
  for (const part of contents) {
    out.set(part, at)
    at += part.length
  }
  return out
}

export const sequence = (...contents: readonly Uint8Array[]): Uint8Array => element(tag.sequence, ...contents)

/** SET OF: DER sorts the elements by their encoding (X.690 §11.6). */
export function setOf(...contents: readonly Uint8Array[]): Uint8Array {
  return element(tag.set, ...[...contents].sort((a, b) => Buffer.compare(a, b)))
}

/** `[n] EXPLICIT`. */
export const explicit = (n: number, content: Uint8Array): Uint8Array => element(contextConstructed(n), content)

export const derNull = element(tag.null)
export const derTrue = element(tag.boolean, Uint8Array.of(0xff))
export const octetString = (content: Uint8Array): Uint8Array => element(tag.octetString, content)

/** A BIT STRING of whole octets: keys and signatures. */
export const bitString = (content: Uint8Array): Uint8Array => element(tag.bitString, Uint8Array.of(0), content)

/** A named bit list: trailing zero bits are left out (X.690 §11.2.2). Bit 0 is the first bit. */
export function namedBits(bits: readonly number[]): Uint8Array {
  if (bits.length === 0) return element(tag.bitString, Uint8Array.of(0))
  const last = Math.max(...bits)
  const out = new Uint8Array(2 + Math.floor(last / 8))
  out[0] = 7 - (last % 8)
  for (const bit of bits) {
    const at = 1 + Math.floor(bit / 8)
    out[at] = (out[at] ?? 0) | (0x80 >> (bit % 8))
  }
  return element(tag.bitString, out)
}

/** The INTEGER of an unsigned big-endian number, minimal and positive (X.690 §8.3). */
export function unsignedInteger(magnitude: Uint8Array): Uint8Array {
  let start = 0
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++
  const first = magnitude[start] ?? 0
  const padded = magnitude.length === 0 || first >= 0x80
  return element(tag.integer, padded ? Uint8Array.of(0) : new Uint8Array(), magnitude.subarray(start))
}

/** The INTEGER of a non-negative number. */
export function integer(value: number | bigint): Uint8Array {
  const hex = BigInt(value).toString(16)
  return unsignedInteger(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex'))
}

/** OBJECT IDENTIFIER from its dotted form. A malformed one is a bug (RangeError). */
export function oid(dotted: string): Uint8Array {
  const arcs = dotted.split('.')
  if (arcs.length < 2 || !arcs.every(arc => /^(0|[1-9]\d*)$/.test(arc))) throw new RangeError(`not an OID: ${dotted}`)
  const [first = 0n, second = 0n, ...rest] = arcs.map(arc => BigInt(arc))
  if (first > 2n || (first < 2n && second > 39n)) throw new RangeError(`not an OID: ${dotted}`)
  const octets: number[] = []
  for (const arc of [first * 40n + second, ...rest]) {
    const groups = [Number(arc & 0x7fn)]
    for (let left = arc >> 7n; left > 0n; left >>= 7n) groups.unshift(Number(left & 0x7fn) | 0x80)
    octets.push(...groups)
  }
  return element(tag.oid, Uint8Array.from(octets))
}

export const utf8String = (text: string): Uint8Array => element(tag.utf8String, Buffer.from(text, 'utf8'))
export const printableString = (text: string): Uint8Array => element(tag.printableString, Buffer.from(text, 'latin1'))

const two = (n: number): string => (n < 10 ? `0${n}` : `${n}`)

/**
 * A validity date's text, whole seconds in UTC: UTCTime through 2049, GeneralizedTime from 2050 (RFC 5280 §4.1.2.5).
 * Milliseconds are cut off. Years that neither form can hold are a bug (RangeError).
 */
export function timeText(date: Date): { readonly identifier: number; readonly text: string } {
  const year = date.getUTCFullYear()
  if (!(year >= 1950 && year <= 9999)) throw new RangeError(`no X.509 time for ${date.getTime()}`)
  const rest =
    two(date.getUTCMonth() + 1) +
    two(date.getUTCDate()) +
    two(date.getUTCHours()) +
    two(date.getUTCMinutes()) +
    two(date.getUTCSeconds())
  return year < 2050
    ? { identifier: tag.utcTime, text: `${two(year % 100)}${rest}Z` }
    : { identifier: tag.generalizedTime, text: `${year}${rest}Z` }
}

/** `Time` of RFC 5280 §4.1. */
export function time(date: Date): Uint8Array {
  const { identifier, text } = timeText(date)
  return element(identifier, Buffer.from(text, 'latin1'))
}
