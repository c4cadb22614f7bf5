import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  element,
  integer,
  lengthOctets,
  namedBits,
  oid,
  sequence,
  setOf,
  tag,
  time,
  timeText,
  unsignedInteger,
} from './der.ts'
import { DerError, DerReader } from './der-reader.ts'
import { DerWriter } from './der-writer.ts'
import { openssl } from './fixtures/openssl.ts'

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex')
const from = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))

describe('what is written can be read back', () => {
  test('integers', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 1n << 170n), value => {
        const octets = new DerReader(integer(value)).integer('n')
        expect(BigInt(`0x${hex(octets)}`)).toBe(value)
        expect((octets[0] ?? 0) < 0x80).toBe(true)
      }),
    )
  })
  test('unsigned octets, whatever zeros lead them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 24 }), octets => {
        expect(unsignedInteger(octets)).toEqual(integer(BigInt(`0x${hex(octets)}`)))
      }),
    )
  })
  test('lengths, at every border', () => {
    const borders = [0, 1, 127, 128, 255, 256, 65_535, 65_536].map(fc.constant)
    fc.assert(
      fc.property(fc.oneof(...borders, fc.nat(70_000)), length => {
        const whole = element(tag.octetString, new Uint8Array(length))
        const found = new DerReader(whole).any()
        expect([found.from, found.to]).toEqual([1 + lengthOctets(length), whole.length])
        expect(found.to - found.from).toBe(length)
      }),
    )
  })
  test('object identifiers', () => {
    const arcs = fc.array(fc.bigInt(0n, 1n << 64n), { maxLength: 8 })
    const head = fc.oneof(
      fc.tuple(fc.constantFrom(0n, 1n), fc.bigInt(0n, 39n)),
      fc.tuple(fc.constant(2n), fc.bigInt(0n, 999n)),
    )
    fc.assert(
      fc.property(head, arcs, (first, rest) => {
        const dotted = [...first, ...rest].join('.')
        expect(new DerReader(oid(dotted)).oid('oid')).toBe(dotted)
      }),
    )
  })
  test('times, cut to the second', () => {
    const range = { min: new Date('1950-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }
    fc.assert(
      fc.property(fc.date(range), date => {
        const read = new DerReader(time(date)).time('time')
        expect(read.getTime()).toBe(Math.floor(date.getTime() / 1000) * 1000)
      }),
    )
  })
  test('named bits', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(8)), bits => {
        expect(new DerReader(namedBits(bits)).namedBits('bits')).toEqual([...bits].sort((a, b) => a - b))
      }),
    )
  })
  test('by the writer from the back as by the composer from the front', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), fc.nat(64), (parts, capacity) => {
        const writer = new DerWriter(capacity)
        for (const part of [...parts].reverse()) {
          const since = writer.length
          writer.raw(part)
          writer.header(tag.octetString, since)
        }
        writer.header(tag.sequence, 0)
        expect(hex(writer.written())).toBe(hex(sequence(...parts.map(part => element(tag.octetString, part)))))
      }),
    )
  })
})

const exact: [what: string, octets: Uint8Array, want: string][] = [
  ['zero is one octet', integer(0), '020100'],
  ['127 has no sign octet', integer(127), '02017f'],
  ['128 has a sign octet', integer(128), '02020080'],
  ['no octets are zero', unsignedInteger(new Uint8Array()), '020100'],
  ['keyCertSign and cRLSign', namedBits([5, 6]), '03020106'],
  ['decipherOnly is in the second octet', namedBits([0, 8]), '0303078080'],
  ['no bits', namedBits([]), '030100'],
  ['a set is sorted', setOf(from('020102'), from('020101')), '3106020101020102'],
  ['2.5.29.15', oid('2.5.29.15'), '0603551d0f'],
  ['2.999', oid('2.999'), '06028837'],
]
test.each(exact)('%s', (_what, octets, want) => expect(hex(octets)).toBe(want))

const times: [what: string, date: string, want: string][] = [
  ['the last second of UTCTime', '2049-12-31T23:59:59.999Z', '491231235959Z'],
  ['the first second of GeneralizedTime', '2050-01-01T00:00:00Z', '20500101000000Z'],
  ['a year of the last century', '1950-01-01T00:00:00Z', '500101000000Z'],
]
test.each(times)('%s', (_what, date, want) => expect(timeText(new Date(date)).text).toBe(want))

test.each(['1949-12-31T23:59:59Z', '+010000-01-01T00:00:00Z', 'never'])('no X.509 time can hold %s', date => {
  expect(() => timeText(new Date(date))).toThrow(RangeError)
})

test.each(['1', '', '3.1', '1.40', '1.02', '1..2', '1.2.x'])('%j is no object identifier', dotted => {
  expect(() => oid(dotted)).toThrow(RangeError)
})

const refused: [what: string, input: string, read: (reader: DerReader) => unknown][] = [
  ['an indefinite length', '30800000', r => r.any()],
  ['a length in the long form that fits the short one', `04817f${'00'.repeat(127)}`, r => r.any()],
  ['a length with a leading zero', `04820080${'00'.repeat(128)}`, r => r.any()],
  ['a length of five octets', '04850000000001', r => r.any()],
  ['an element longer than the input', '0402ff', r => r.any()],
  ['a tag of several octets', '1f810100', r => r.any()],
  ['an empty input', '', r => r.any()],
  ['an INTEGER with a needless 00', '02020001', r => r.integer('n')],
  ['an INTEGER with a needless ff', '0202ff80', r => r.integer('n')],
  ['an INTEGER of no octets', '0200', r => r.integer('n')],
  ['a BOOLEAN of 01', '010101', r => r.boolean('b')],
  ['an OID with a padded arc', '0603 550380', r => r.oid('o')],
  ['an OID with a leading 80', '0603 558001', r => r.oid('o')],
  ['an empty OID', '0600', r => r.oid('o')],
  ['a BIT STRING of half an octet for a key', '0302 04f0', r => r.bitString('k')],
  ['named bits with stray bits', '0302 01ff', r => r.namedBits('k')],
  ['the 30th of February', '170d3235303233303030303030305a', r => r.time('t')],
  ['hour 25', '170d3235303130313235303030305a', r => r.time('t')],
  ['a time without seconds', '170b323530313031303030305a', r => r.time('t')],
  ['a time with an offset', '1711 3235303130313030303030302b30313030', r => r.time('t')],
  ['something else than expected', '0500', r => r.expect(tag.sequence, 'it')],
  ['something behind the end', '0500', r => r.end('the end')],
]
test.each(refused)('the reader refuses %s', (_what, input, read) => {
  expect(() => read(new DerReader(from(input)))).toThrow(DerError)
})

test('the reader ends every input with an element or a DerError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), octets => {
      const reader = new DerReader(octets)
      try {
        while (!reader.done) reader.any()
      } catch (error) {
        expect(error).toBeInstanceOf(DerError)
      }
    }),
  )
})

test('openssl reads the structures as they were meant', () => {
  const run = openssl()
  const der = sequence(integer(1n << 159n), oid('1.2.840.113549.1.1.11'), time(new Date('2051-02-03T04:05:06Z')))
  const text = run(['asn1parse', '-inform', 'DER'], der)
  expect(text).toMatch(/INTEGER\s+:8000000000000000000000000000000000000000\n/)
  expect(text).toMatch(/OBJECT\s+:sha256WithRSAEncryption/)
  expect(text).toMatch(/GENERALIZEDTIME\s+:20510203040506Z/)
})
