import { timeText } from './der.ts'

/**
 * Writes DER from the end to the front, so that each length is known when its header is written and nothing is
 * encoded twice: the hot path. Call in reverse order: contents first, then `header`.
 */
export class DerWriter {
  #buffer: Buffer
  #at: number

  /** `capacity` octets to start with; grows when needed. */
  constructor(capacity: number) {
    this.#buffer = Buffer.allocUnsafe(capacity)
    this.#at = capacity
  }

  /** Octets written so far; remember it before the contents and hand it to `header` after them. */
  get length(): number {
    return this.#buffer.length - this.#at
  }

  /** What is written, a view into the writer's buffer: valid until the next write. */
  written(): Buffer {
    return this.#buffer.subarray(this.#at)
  }

  /** Octets as they are: something already encoded. */
  raw(octets: Uint8Array): void {
    this.#reserve(octets.length)
    this.#at -= octets.length
    this.#buffer.set(octets, this.#at)
  }

  octet(value: number): void {
    this.#reserve(1)
    this.#buffer[--this.#at] = value
  }

  /** Identifier and length around all that was written since the length was `since`. */
  header(identifier: number, since: number): void {
    let length = this.length - since
    this.#reserve(7)
    if (length < 0x80) this.#buffer[--this.#at] = length
    else {
      const before = this.#at
      for (; length > 0; length = Math.floor(length / 256)) this.#buffer[--this.#at] = length % 256
      const octets = before - this.#at
      this.#buffer[--this.#at] = 0x80 | octets
    }
    this.#buffer[--this.#at] = identifier
  }

  /** A string of code points below 256: IA5String names and times. */
  latin1(identifier: number, text: string): void {
    const since = this.length
    this.#reserve(text.length)
    this.#at -= text.length
    this.#buffer.write(text, this.#at, 'latin1')
    this.header(identifier, since)
  }

  /** `Time` of RFC 5280 §4.1. */
  time(date: Date): void {
    const { identifier, text } = timeText(date)
    this.latin1(identifier, text)
  }

  #reserve(octets: number): void {
    if (octets <= this.#at) return
    const used = this.length
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, used + octets + 64))
    this.#buffer.copy(grown, grown.length - used, this.#at)
    this.#at = grown.length - used
    this.#buffer = grown
  }
}
