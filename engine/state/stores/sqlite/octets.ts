/** Several octet strings in one column: each after its length in four octets, big-endian. */
export function joinOctets(parts: readonly Uint8Array[]): Uint8Array {
  const joined = Buffer.alloc(parts.reduce((total, part) => total + 4 + part.length, 0))
  let at = 0
  for (const part of parts) {
    at = joined.writeUInt32BE(part.length, at)
    joined.set(part, at)
    at += part.length
  }
  return joined
}

export function splitOctets(joined: Uint8Array): Uint8Array[] {
  const view = new DataView(joined.buffer, joined.byteOffset, joined.byteLength)
  const parts: Uint8Array[] = []
  for (let at = 0; at < joined.length; ) {
    const start = at + 4
    at = start + view.getUint32(at)
    parts.push(joined.subarray(start, at))
  }
  return parts
}
