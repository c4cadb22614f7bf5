/** Control packets of gitprotocol-v2(5): end of a message, end of a section, end of a response. */
export type Packet = Uint8Array | 'flush' | 'delimiter' | 'end'

const control: Readonly<Record<number, Packet>> = { 0: 'flush', 1: 'delimiter', 2: 'end' }

/** One packet: four hexadecimal digits that count themselves, then the text (gitprotocol-common(5), "pkt-line"). */
export function packet(text: string): string {
  return (Buffer.byteLength(text) + 4).toString(16).padStart(4, '0') + text
}

export const flush = '0000'
export const delimiter = '0001'

/** Cuts an answer into packets; undefined where it is none. */
export function readPackets(octets: Uint8Array): readonly Packet[] | undefined {
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)
  const packets: Packet[] = []
  for (let at = 0; at < text.length; ) {
    const digits = text.toString('latin1', at, at + 4)
    if (!/^[0-9a-f]{4}$/i.test(digits)) return undefined
    const length = Number.parseInt(digits, 16)
    const special = control[length]
    if (special !== undefined) {
      packets.push(special)
      at += 4
      continue
    }
    if (length < 4 || at + length > text.length) return undefined
    packets.push(text.subarray(at + 4, at + length))
    at += length
  }
  return packets
}
