/** A DNS message that breaks its own format; the reader never trusts a length or a pointer. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage'
}

/** Reads big-endian fields; every step is checked against the end of the message. */
export interface OctetReader {
  readonly bytes: Uint8Array
  offset: number
}

export function readUint(reader: OctetReader, size: 1 | 2 | 4 | 6): number {
  let value = 0
  for (const octet of take(reader, size)) value = value * 256 + octet
  return value
}

export function take(reader: OctetReader, length: number): Uint8Array {
  const end = reader.offset + length
  if (end > reader.bytes.length) throw new MalformedMessage('the message ends inside a field')
  const part = reader.bytes.subarray(reader.offset, end)
  reader.offset = end
  return part
}

/** Big-endian octets of an unsigned number. */
export function uint(value: number, size: 1 | 2 | 4 | 6): Uint8Array {
  const octets = new Uint8Array(size)
  let rest = value
  for (let index = size - 1; index >= 0; index--) {
    octets[index] = rest % 256
    rest = Math.floor(rest / 256)
  }
  return octets
}

export const concat = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts))
