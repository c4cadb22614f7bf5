import type { Random } from '../core/ports.ts'

/** One octet that fixes sign and length, sixteen that are random through and through. */
const serialOctets = 17

/**
 * A supply of serial numbers: 134 random bits (BR 7.1 asks for 64), always positive, never zero and always 17 octets,
 * since the two top bits are 01 (RFC 5280 §4.1.2.2 allows 20). Randomness is drawn for many at once, because a call to
 * the system's source costs more than the rest of a serial.
 */
export function serialSource(random: Random, batch = 128): () => Uint8Array {
  let pool = new Uint8Array()
  let at = 0
  return () => {
    if (at >= pool.length) {
      pool = Uint8Array.from(random.bytes(serialOctets * batch))
      at = 0
    }
    const serial = pool.slice(at, at + serialOctets)
    at += serialOctets
    serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40
    return serial
  }
}

/** One serial number; see `serialSource`. */
export function newSerial(random: Random): Uint8Array {
  return serialSource(random, 1)()
}

/** Upper-case hex without separators and leading zeros: how serials are stored and compared. */
export function serialHex(octets: Uint8Array): string {
  const hex = Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('hex').toUpperCase()
  return hex.startsWith('0') ? hex.replace(/^0+(?=.)/, '') : hex
}

/** The same from any spelling: colons or spaces, any case, leading zeros. Undefined when it is no hex number. */
export function parseSerial(text: string): string | undefined {
  const plain = text.trim().replace(/[:\s]/g, '').replace(/^0x/i, '')
  return /^[0-9a-f]+$/i.test(plain) ? plain.toUpperCase().replace(/^0+(?=.)/, '') : undefined
}

/**
 * The INTEGER contents must be positive, minimal and of 8 to 20 octets: less is guessable, more is refused by
 * verifiers. What fails here was not made by `serialSource`, so it is a bug (RangeError).
 */
export function assertSerial(octets: Uint8Array): void {
  const [first = 0, second = 0] = octets
  const minimal = first > 0 || second >= 0x80
  if (octets.length < 8 || octets.length > 20 || first >= 0x80 || !minimal) {
    throw new RangeError(`not a serial number of 8 to 20 octets, positive and minimal: ${octets.length} octets`)
  }
}
