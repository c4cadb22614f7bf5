/** Reads the data types of RFC 4251 §5. Throws `RangeError` beyond the end. */
export class SshReader {
  readonly #octets: Buffer
  #at = 0

  constructor(octets: Buffer) {
    this.#octets = octets
  }

  take(length: number): Buffer {
    if (length > this.#octets.length - this.#at) throw new RangeError('ends too early')
    this.#at += length
    return this.#octets.subarray(this.#at - length, this.#at)
  }

  uint32(): number {
    return this.take(4).readUInt32BE()
  }

  string(): Buffer {
    return this.take(this.uint32())
  }

  text(): string {
    return this.string().toString('latin1')
  }

  /** A positive `mpint` as octets without leading zeroes. */
  positive(): Buffer {
    const octets = this.string()
    if (octets.length > 0 && (octets.readUInt8() & 0x80) !== 0) throw new RangeError('a negative number')
    const from = octets.findIndex(octet => octet !== 0)
    return from < 0 ? Buffer.alloc(0) : octets.subarray(from)
  }

  end(): void {
    if (this.#at !== this.#octets.length) throw new RangeError('goes on after its end')
  }
}

export function sshString(content: Buffer | string): Buffer {
  const octets = typeof content === 'string' ? Buffer.from(content, 'latin1') : content
  const length = Buffer.alloc(4)
  length.writeUInt32BE(octets.length)
  return Buffer.concat([length, octets])
}
