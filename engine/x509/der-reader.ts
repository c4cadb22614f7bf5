import { tag } from './der.ts'

/** Input that is not DER, or not the structure that was expected. `offset` counts octets from the start of the input. */
export class DerError extends Error {
  override readonly name = 'DerError'
  readonly offset: number

  constructor(message: string, offset: number) {
    super(`${message} at octet ${offset}`)
    this.offset = offset
  }
}

/** One element of the input: identifier, where it starts, where its contents start and where it ends. */
export interface DerElement {
  readonly identifier: number
  readonly start: number
  readonly from: number
  readonly to: number
}

/**
 * Walks the elements of DER strictly: single-octet tags, definite minimal lengths, nothing beyond the end. Views into
 * the input are returned, never copies. Every failure is a `DerError`; the caller turns it into an error of its area.
 */
export class DerReader {
  readonly #input: Uint8Array
  #at: number
  readonly #end: number

  constructor(input: Uint8Array, from = 0, to = input.length) {
    this.#input = input
    this.#at = from
    this.#end = to
  }

  get done(): boolean {
    return this.#at >= this.#end
  }

  /** The next identifier octet, or undefined at the end. */
  peek(): number | undefined {
    return this.#at < this.#end ? this.#input[this.#at] : undefined
  }

  /** The next element of any type. */
  any(): DerElement {
    const start = this.#at
    const identifier = this.#octet()
    if ((identifier & 0x1f) === 0x1f) throw new DerError('a tag of several octets', start)
    let length = this.#octet()
    if (length === 0x80) throw new DerError('an indefinite length', start)
    if (length > 0x80) {
      const octets = length & 0x7f
      if (octets > 4) throw new DerError('a length of more than four octets', start)
      length = 0
      for (let i = 0; i < octets; i++) length = length * 256 + this.#octet()
      if (length < 0x80 || length < 256 ** (octets - 1)) throw new DerError('a length that is not minimal', start)
    }
    const from = this.#at
    if (length > this.#end - from) throw new DerError('an element longer than what contains it', start)
    this.#at = from + length
    return { identifier, start, from, to: this.#at }
  }

  /** The next element, which must have this identifier. */
  expect(identifier: number, what: string): DerElement {
    const start = this.#at
    if (this.done) throw new DerError(`${what} is missing`, start)
    const found = this.any()
    if (found.identifier !== identifier) throw new DerError(`${what} has an unexpected type`, start)
    return found
  }

  /** The next element if it has this identifier. */
  optional(identifier: number): DerElement | undefined {
    return this.peek() === identifier ? this.any() : undefined
  }

  /** A reader over the contents of the next element, which must have this identifier. */
  enter(identifier: number, what: string): DerReader {
    return this.within(this.expect(identifier, what))
  }

  within(found: DerElement): DerReader {
    return new DerReader(this.#input, found.from, found.to)
  }

  contents(found: DerElement): Uint8Array {
    return this.#input.subarray(found.from, found.to)
  }

  /** The whole element, header included. */
  whole(found: DerElement): Uint8Array {
    return this.#input.subarray(found.start, found.to)
  }

  /** Nothing may follow. */
  end(what: string): void {
    if (!this.done) throw new DerError(`something follows ${what}`, this.#at)
  }

  boolean(what: string): boolean {
    const found = this.expect(tag.boolean, what)
    const value = this.#input[found.from]
    if (found.to - found.from !== 1 || (value !== 0 && value !== 0xff)) {
      throw new DerError(`${what} is not a DER BOOLEAN`, found.start)
    }
    return value === 0xff
  }

  /** Contents of an INTEGER, two's complement and minimal. */
  integer(what: string, identifier: number = tag.integer): Uint8Array {
    const found = this.expect(identifier, what)
    const octets = this.contents(found)
    const [first, second = 0] = octets
    if (first === undefined) throw new DerError(`${what} is empty`, found.start)
    if (octets.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
      throw new DerError(`${what} is not a minimal INTEGER`, found.start)
    }
    return octets
  }

  /** A non-negative INTEGER that fits a small number. */
  smallInteger(what: string): number {
    const at = this.#at
    const octets = this.integer(what)
    if (octets.length > 4 || (octets[0] ?? 0) >= 0x80) throw new DerError(`${what} is out of range`, at)
    return octets.reduce((value, octet) => value * 256 + octet, 0)
  }

  /** An OBJECT IDENTIFIER in dotted form. */
  oid(what: string): string {
    return this.#dotted(this.expect(tag.oid, what), what)
  }

  /** Contents of a BIT STRING of whole octets. */
  bitString(what: string): Uint8Array {
    const found = this.expect(tag.bitString, what)
    if (this.#input[found.from] !== 0 || found.to === found.from) {
      throw new DerError(`${what} is not a BIT STRING of whole octets`, found.start)
    }
    return this.#input.subarray(found.from + 1, found.to)
  }

  /** Positions of the bits that are set. */
  namedBits(what: string): number[] {
    const found = this.expect(tag.bitString, what)
    const [unused, ...octets] = this.contents(found)
    if (unused === undefined || unused > 7 || (unused > 0 && octets.length === 0)) {
      throw new DerError(`${what} is not a BIT STRING`, found.start)
    }
    if (((octets.at(-1) ?? 0) & ((1 << unused) - 1)) !== 0) throw new DerError(`${what} has stray bits`, found.start)
    return octets.flatMap((octet, i) => [0, 1, 2, 3, 4, 5, 6, 7].filter(b => octet & (0x80 >> b)).map(b => i * 8 + b))
  }

  /** UTCTime or GeneralizedTime as RFC 5280 §4.1.2.5 restricts them. */
  time(what: string): Date {
    const found = this.any()
    const text = Buffer.from(this.contents(found)).toString('latin1')
    const wanted = found.identifier === tag.utcTime ? /^\d{12}Z$/ : /^\d{14}Z$/
    const known = found.identifier === tag.utcTime || found.identifier === tag.generalizedTime
    if (!known || !wanted.test(text)) throw new DerError(`${what} is not an X.509 time`, found.start)
    const full = text.length === 15 ? text : `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}`
    const [year, month, day, hour, minute, second] = [0, 4, 6, 8, 10, 12].map((from, i) =>
      full.slice(from, i === 0 ? 4 : from + 2),
    )
    const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
    // Date rolls 30 February over instead of refusing it.
    if (Number.isNaN(date.getTime()) || date.getUTCDate() !== Number(day)) {
      throw new DerError(`${what} is not a date that exists`, found.start)
    }
    return date
  }

  #octet(): number {
    const value = this.#at < this.#end ? this.#input[this.#at] : undefined
    if (value === undefined) throw new DerError('the input ends inside an element', this.#at)
    this.#at++
    return value
  }

  #dotted(found: DerElement, what: string): string {
    const arcs: bigint[] = []
    let arc = 0n
    let fresh = true
    for (const octet of this.contents(found)) {
      if (fresh && octet === 0x80) throw new DerError(`${what} is not a minimal OID`, found.start)
      arc = (arc << 7n) | BigInt(octet & 0x7f)
      fresh = octet < 0x80
      if (!fresh) continue
      arcs.push(arc)
      arc = 0n
    }
    const [head, ...rest] = arcs
    if (head === undefined || !fresh) throw new DerError(`${what} is not an OID`, found.start)
    const first = head < 80n ? head / 40n : 2n
    return [first, head - first * 40n, ...rest].join('.')
  }
}
