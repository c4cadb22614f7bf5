import { isIPv4, isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'
import { EngineError } from '../core/errors.ts'

/**
 * Canonical text of an IP address: dotted decimal, or RFC 5952; an IPv4-mapped one is IPv4. Throws `name_invalid`
 * for anything else, also `010.0.0.1`, zones and brackets.
 */
export function normaliseIp(text: string): string {
  const octets = ipOctetsOrUndefined(text)
  if (!octets) {
    throw new EngineError('name_invalid', `"${text}" is not an IP address`, {
      remedy: 'write it like 10.0.0.1 (no leading zeros) or 2001:db8::1 (no brackets, no zone)',
    })
  }
  return ipText(octets)
}

/** 4 or 16 octets of an address that `normaliseIp` accepts. */
export function ipOctets(text: string): Uint8Array {
  return ipOctetsOrUndefined(normaliseIp(text)) ?? new Uint8Array()
}

export const isIpAddress = (text: string): boolean => ipOctetsOrUndefined(text) !== undefined

/** The text of 4 or 16 octets. Any other number is a bug of the caller (RangeError). */
export function ipText(octets: Uint8Array): string {
  if (octets.length !== 4 && octets.length !== 16) throw new RangeError(`an address of ${octets.length} octets`)
  const address = ipaddr.fromByteArray([...octets])
  return address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString()
}

function ipOctetsOrUndefined(text: string): Uint8Array | undefined {
  // node:net is the strict reader: no octal, hexadecimal or short forms (ipaddr.js takes some).
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number)
  if (!isIPv6(text) || text.includes('%')) return undefined
  // ipaddr.js 2.5 reads `::1.2.3.4` as if it were `::ffff:1.2.3.4`; without the dotted tail it cannot.
  const plain = text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, a, b, c, d) => {
    const group = (high: string, low: string): string => (Number(high) * 256 + Number(low)).toString(16)
    return `${group(a, b)}:${group(c, d)}`
  })
  const address = ipaddr.IPv6.parse(plain)
  return Uint8Array.from((address.isIPv4MappedAddress() ? address.toIPv4Address() : address).toByteArray())
}
