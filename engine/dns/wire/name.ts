import { concat, MalformedMessage, type OctetReader, readUint, take } from './octets.ts'

/**
 * Octets of a name, never compressed: RFC 8945 §4.3.3 signs names uncompressed and our messages are small.
 * Letters are lowered, as RFC 4034 §6.2 and TSIG want them. `\.` and `\DDD` (RFC 1035 §5.1) are understood.
 */
export function encodeName(name: string): Uint8Array {
  const labels = labelOctets(name)
  const octets = concat(...labels.flatMap(label => [Uint8Array.of(label.length), label]), Uint8Array.of(0))
  if (octets.length > 255) throw new RangeError(`the name "${name}" is longer than 255 octets`)
  return octets
}

function labelOctets(name: string): Uint8Array[] {
  const text = name.endsWith('.') && !name.endsWith('\\.') ? name.slice(0, -1) : name
  if (text === '') return []
  const labels: number[][] = [[]]
  for (let index = 0; index < text.length; index++) {
    const label = labels.at(-1) ?? []
    const character = text[index]
    if (character === '.') labels.push([])
    else if (character !== '\\') label.push(lower(text.charCodeAt(index)))
    else {
      const decimal = /^\d{3}/.exec(text.slice(index + 1))?.[0]
      label.push(decimal === undefined ? lower(text.charCodeAt(index + 1)) : Number(decimal))
      index += decimal === undefined ? 1 : 3
    }
  }
  for (const label of labels) {
    if (label.length === 0 || label.length > 63 || label.some(octet => !(octet <= 255))) {
      throw new RangeError(`"${name}" is not a domain name`)
    }
  }
  return labels.map(label => Uint8Array.from(label))
}

const lower = (code: number) => (code >= 0x41 && code <= 0x5a ? code + 0x20 : code)

/**
 * Reads a name, lowered, without the trailing dot. A compression pointer (RFC 1035 §4.1.4) must point to before
 * the place where the name (part) began: so a chain of pointers always ends.
 */
export function readName(reader: OctetReader): string {
  const labels: string[] = []
  let length = 1
  let from = reader.offset
  let after: number | undefined
  for (;;) {
    const size = readUint(reader, 1)
    if (size === 0) break
    if (size >= 0xc0) {
      const target = (size & 0x3f) * 256 + readUint(reader, 1)
      after ??= reader.offset
      if (target >= from) throw new MalformedMessage('a compression pointer does not point backwards')
      from = target
      reader.offset = target
    } else if (size >= 0x40) {
      throw new MalformedMessage('a label has a reserved type')
    } else {
      length += size + 1
      if (length > 255) throw new MalformedMessage('a name is longer than 255 octets')
      labels.push(labelText(take(reader, size)))
    }
  }
  if (after !== undefined) reader.offset = after
  return labels.join('.')
}

function labelText(octets: Uint8Array): string {
  let text = ''
  for (const octet of octets) {
    const code = lower(octet)
    if (code === 0x2e || code === 0x5c) text += `\\${String.fromCharCode(code)}`
    else if (code > 0x20 && code < 0x7f) text += String.fromCharCode(code)
    else text += `\\${String(code).padStart(3, '0')}`
  }
  return text
}
