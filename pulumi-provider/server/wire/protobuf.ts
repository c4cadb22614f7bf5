/**
 * As much of protobuf's encoding as properties need (protobuf.dev/programming-guides/encoding): the generated classes
 * take ten times as long for a `Struct`, which is nearly all that a call carries.
 */

/** Wire types. */
export const varint = 0
export const fixed64 = 1
export const lengthDelimited = 2
const fixed32 = 5

/** The tag before a field; one octet for the first fifteen fields. */
export const tag = (field: number, wireType: number): number => (field << 3) | wireType

/** Reads a message from its first octet to its last. Throws `RangeError` where it ends too soon. */
export class Reader {
  at = 0
  readonly #bytes: Buffer

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get length(): number {
    return this.#bytes.length
  }

  /** Exact up to 2^53. */
  varint(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const octet = this.#bytes[this.at++]
      if (octet === undefined) throw tooShort()
      value += (octet & 127) * scale
      if (octet < 128) return value
    }
  }

  double(): number {
    const value = this.#bytes.readDoubleLE(this.at)
    this.at += 8
    return value
  }

  /** Where the length-delimited field that begins here ends. */
  end(): number {
    const length = this.varint()
    const end = this.at + length
    if (end > this.#bytes.length) throw tooShort()
    return end
  }

  text(): string {
    const end = this.end()
    const text = this.#bytes.toString('utf8', this.at, end)
    this.at = end
    return text
  }

  bytes(from: number, to: number): Buffer {
    return this.#bytes.subarray(from, to)
  }

  /** Passes over the value of a field. */
  skip(wireType: number): void {
    if (wireType === varint) this.varint()
    else if (wireType === lengthDelimited) this.at = this.end()
    else if (wireType === fixed64) this.at += 8
    else if (wireType === fixed32) this.at += 4
    else throw new RangeError(`wire type ${wireType} is not known`)
    if (this.at > this.#bytes.length) throw tooShort()
  }
}

const tooShort = (): RangeError => new RangeError('the message ends too soon')

/** Writes into memory of a size that was counted before. */
export class Writer {
  at = 0
  readonly bytes: Buffer

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafe(size)
  }

  varint(value: number): void {
    let rest = value
    while (rest > 127) {
      this.bytes[this.at++] = (rest & 127) | 128
      rest = Math.floor(rest / 128)
    }
    this.bytes[this.at++] = rest
  }

  double(value: number): void {
    this.at = this.bytes.writeDoubleLE(value, this.at)
  }

  /** With its length, which was counted before. */
  text(text: string, length: number): void {
    this.varint(length)
    this.at += this.bytes.write(text, this.at, length, 'utf8')
  }
}

function varintSize(value: number): number {
  let size = 1
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) size++
  return size
}

/** Octets of a length-delimited field of that length, its tag included. */
export const fieldSize = (length: number): number => 1 + varintSize(length) + length
