import fc from 'fast-check'
import { expect, test } from 'vitest'
import { random } from './fixtures/authority.ts'
import { assertSerial, newSerial, parseSerial, serialHex, serialSource } from './serials.ts'

const all = (octet: number) => ({ bytes: (length: number) => new Uint8Array(length).fill(octet) })

test.each([0x00, 0x7f, 0x80, 0xff])('randomness of only %i still gives a positive serial of 17 octets', octet => {
  const serial = newSerial(all(octet))
  expect(serial).toHaveLength(17)
  expect(serial[0]).toBeGreaterThanOrEqual(0x40)
  expect(serial[0]).toBeLessThan(0x80)
  expect(() => assertSerial(serial)).not.toThrow()
})

test('a thousand serials differ, over the borders of batches', () => {
  const next = serialSource(random)
  expect(new Set(Array.from({ length: 1000 }, () => serialHex(next()))).size).toBe(1000)
})

test('16 octets of a serial are as random as their source', () => {
  const seen = Array.from({ length: 17 }, (_each, i) => i)
  const source = { bytes: (length: number) => Uint8Array.from({ length }, (_each, i) => i) }
  expect([...newSerial(source)].slice(1)).toEqual(seen.slice(1))
})

test('any spelling of a serial is the same serial', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 20 }), octets => {
      const hex = Buffer.from(octets).toString('hex')
      const spellings = [hex, hex.toUpperCase(), `00${hex}`, hex.match(/../g)?.join(':') ?? '', `0x${hex}`, ` ${hex} `]
      for (const spelling of spellings) expect(parseSerial(spelling)).toBe(serialHex(octets))
      expect(BigInt(`0x${serialHex(octets)}`)).toBe(BigInt(`0x${hex}`))
    }),
  )
})

test.each(['', 'xyz', '12-34'])('%j is no serial', text => expect(parseSerial(text)).toBeUndefined())

const bad: [what: string, octets: number[]][] = [
  ['zero', [0]],
  ['a short one', [1, 2, 3, 4, 5, 6, 7]],
  ['a negative one', [0x80, 2, 3, 4, 5, 6, 7, 8]],
  ['one with a needless 00', [0, 2, 3, 4, 5, 6, 7, 8]],
  ['one of 21 octets', Array.from({ length: 21 }, () => 1)],
]
test.each(bad)('never signs %s', (_what, octets) => {
  expect(() => assertSerial(Uint8Array.from(octets))).toThrow(RangeError)
})
