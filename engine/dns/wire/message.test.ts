import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { classes, opcodes, recordTypes } from './codes.ts'
import { decodeMessage, encodeMessage, type Message, queryMessage, updateMessage } from './message.ts'
import { encodeName, readName } from './name.ts'
import { MalformedMessage } from './octets.ts'
import { type RecordData, type ResourceRecord, textData, textOf } from './records.ts'

const label = fc.stringMatching(/^[a-z0-9_-]{1,12}$/)
const name = fc.array(label, { maxLength: 6 }).map(labels => labels.join('.'))
const u16 = fc.integer({ min: 0, max: 0xffff })
const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
const octetText = fc
  .array(fc.integer({ min: 0, max: 255 }), { maxLength: 255 })
  .map(codes => String.fromCharCode(...codes))

const data: fc.Arbitrary<RecordData> = fc.oneof(
  fc.record({ kind: fc.constant('A' as const), address: fc.ipV4() }),
  fc.record({ kind: fc.constantFrom('NS' as const, 'CNAME' as const), target: name }),
  fc.record({ kind: fc.constant('TXT' as const), strings: fc.array(octetText, { minLength: 1, maxLength: 4 }) }),
  fc.record({
    kind: fc.constant('SOA' as const),
    primary: name,
    mailbox: name,
    serial: u32,
    refresh: u32,
    retry: u32,
    expire: u32,
    minimum: u32,
  }),
)
const record: fc.Arbitrary<ResourceRecord> = fc
  .record({ name, class: fc.constantFrom(...Object.values(classes)), ttl: u32, data })
  .map(parts => ({ ...parts, type: recordTypes[parts.data.kind as keyof typeof recordTypes] }))
const records = fc.array(record, { maxLength: 3 })
const message: fc.Arbitrary<Message> = fc.record({
  id: u16,
  opcode: fc.constantFrom(...Object.values(opcodes)),
  rcode: fc.integer({ min: 0, max: 15 }),
  response: fc.boolean(),
  authoritative: fc.boolean(),
  truncated: fc.boolean(),
  recursionDesired: fc.boolean(),
  recursionAvailable: fc.boolean(),
  questions: fc.array(fc.record({ name, type: u16, class: u16 }), { maxLength: 2 }),
  answers: records,
  authorities: records,
  additionals: records,
})

describe('messages', () => {
  test('come back as they were', () => {
    fc.assert(
      fc.property(message, original => {
        const { lastRecordOffset: _, ...back } = decodeMessage(encodeMessage(original))
        expect(back).toEqual(original)
      }),
    )
  })

  test('never make the reader fail in another way than MalformedMessage, whatever the octets', () => {
    const broken = fc.tuple(
      message,
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 8 }),
      fc.nat(),
    )
    fc.assert(
      fc.property(broken, ([original, changes, cut]) => {
        const octets = encodeMessage(original)
        for (const [at, value] of changes) octets[at % octets.length] = value
        const part = octets.subarray(0, octets.length - (cut % 7))
        try {
          decodeMessage(part)
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedMessage)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('a query asks one question, with or without recursion', () => {
    const asked = decodeMessage(encodeMessage(queryMessage(7, 'acme.example', recordTypes.TXT, false)))
    expect(asked).toMatchObject({
      id: 7,
      recursionDesired: false,
      questions: [{ name: 'acme.example', type: 16, class: 1 }],
    })
    expect(decodeMessage(encodeMessage(queryMessage(7, '', 2, true))).recursionDesired).toBe(true)
  })

  test('an update deletes a value with class NONE and TTL 0 (RFC 2136 §2.5.4)', () => {
    const value = textData('x')
    const step = { name: 'a.example', type: recordTypes.TXT, ttl: 60, data: value } as const
    const { authorities, opcode } = updateMessage(1, 'example', [
      { action: 'add', ...step },
      { action: 'delete', ...step },
    ])
    expect(opcode).toBe(opcodes.UPDATE)
    expect(authorities.map(({ class: c, ttl }) => [c, ttl])).toEqual([
      [classes.IN, 60],
      [classes.NONE, 0],
    ])
  })
})

describe('names', () => {
  const read = (...octets: number[]) => readName({ bytes: Uint8Array.from(octets), offset: 0 })

  test('escapes are read back as they were written', () => {
    const anyLabel = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 63 })
    fc.assert(
      fc.property(fc.array(anyLabel, { maxLength: 3 }), labels => {
        const octets = Uint8Array.from([...labels.flatMap(each => [each.length, ...each]), 0])
        const text = readName({ bytes: octets, offset: 0 })
        expect(readName({ bytes: encodeName(text), offset: 0 })).toBe(text)
        expect(encodeName(text)).toHaveLength(octets.length)
      }),
    )
  })

  const bad: [what: string, octets: number[]][] = [
    ['a pointer to itself', [0xc0, 0]],
    ['a pointer forwards', [0xc0, 4, 0, 0, 1, 97, 0]],
    ['a label past the end', [9, 97]],
    ['a reserved label type', [0x40, 97, 0]],
    ['no end', [1, 97]],
    [
      'a name of more than 255 octets',
      Array.from({ length: 5 }, () => [63, ...new Array(63).fill(97)])
        .flat()
        .concat(0),
    ],
  ]
  test.each(bad)('refuses %s', (_what, octets) => expect(() => read(...octets)).toThrow(MalformedMessage))

  test('refuses pointers that wind through one name for ever', () => {
    const reader = { bytes: Uint8Array.from([1, 97, 0xc0, 0]), offset: 0 }
    expect(() => readName(reader)).toThrow(MalformedMessage)
  })

  test('follows a pointer and goes on behind it', () => {
    const reader = { bytes: Uint8Array.from([1, 97, 0, 1, 98, 0xc0, 0, 42]), offset: 3 }
    expect(readName(reader)).toBe('b.a')
    expect(reader.offset).toBe(7)
  })

  test.each(['a..b', '.a', 'a'.repeat(64)])('does not write "%s"', text =>
    expect(() => encodeName(text)).toThrow(RangeError))
})

describe('records', () => {
  test('a TXT value of any length is cut into strings of 255 octets and joined again', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 0, maxLength: 700, unit: 'binary-ascii' }), value => {
        const written = textData(value)
        expect(written.kind === 'TXT' && written.strings.every(text => text.length <= 255)).toBe(true)
        expect(textOf(written)).toBe(value)
      }),
    )
  })

  test.each([
    ['2001:db8::1', '2001:db8::1'],
    ['::', '::'],
    ['::1', '::1'],
    ['fe80:0:0:1:0:0:0:1', 'fe80:0:0:1::1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2:3:4:5:6'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['2001:db8::', '2001:db8::'],
  ])('the IPv6 address %s', (address, want) => {
    const answer = {
      name: 'a',
      type: recordTypes.AAAA,
      class: classes.IN,
      ttl: 1,
      data: { kind: 'AAAA', address },
    } as const
    const octets = encodeMessage({ ...queryMessage(1, 'a', 28, false), answers: [answer] })
    expect(decodeMessage(octets).answers[0]?.data).toEqual({ kind: 'AAAA', address: want })
  })
})
