import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contextConstructed, contextPrimitive, element, sequence } from './der.ts'
import { encodeSubject } from './distinguished-name.ts'
import { refusal } from './fixtures/refusal.ts'
import {
  enforceNameConstraints,
  type NameConstraintsInput,
  nameConstraintViolations,
  normaliseNameConstraints,
  rangeOctets,
} from './name-constraints.ts'
import { decodeNameConstraints, encodeNameConstraints } from './name-constraints-der.ts'
import { splitNames } from './names.ts'

const permit = (...values: string[]): NameConstraintsInput => ({ permitted: subtrees(values) })
const exclude = (...values: string[]): NameConstraintsInput => ({ excluded: subtrees(values) })
/** `email .x`, `uri .x`, else a CIDR range or a DNS name. */
const subtrees = (values: string[]) => ({
  dns: values.filter(each => !each.includes(' ') && !each.includes('/')),
  ip: values.filter(each => each.includes('/')),
  email: values.filter(each => each.startsWith('email ')).map(each => each.slice(6)),
  uri: values.filter(each => each.startsWith('uri ')).map(each => each.slice(4)),
})

const cases: [name: string, constraints: NameConstraintsInput, want: 'allowed' | 'forbidden'][] = [
  ['corp.example', permit('corp.example'), 'allowed'],
  ['www.corp.example', permit('corp.example'), 'allowed'],
  ['a.b.corp.example', permit('corp.example'), 'allowed'],
  ['evilcorp.example', permit('corp.example'), 'forbidden'],
  ['corp.example.evil.test', permit('corp.example'), 'forbidden'],
  ['*.corp.example', permit('corp.example'), 'allowed'],
  ['*.corp.example', permit('www.corp.example'), 'forbidden'],
  ['*.example', permit('corp.example'), 'forbidden'],
  ['10.0.0.1', permit('corp.example'), 'allowed'],
  ['www.corp.example', exclude('corp.example'), 'forbidden'],
  ['corp.test', exclude('corp.example'), 'allowed'],
  ['*.corp.example', exclude('db.corp.example'), 'forbidden'],
  ['*.corp.example', exclude('corp.example'), 'forbidden'],
  ['*.corp.example', exclude('a.db.corp.example'), 'allowed'],
  ['*.www.corp.example', exclude('db.corp.example'), 'allowed'],
  ['db.corp.example', { ...permit('corp.example'), ...exclude('db.corp.example') }, 'forbidden'],
  ['web.corp.example', { ...permit('corp.example'), ...exclude('db.corp.example') }, 'allowed'],
  ['10.1.2.3', permit('10.0.0.0/8'), 'allowed'],
  ['11.0.0.0', permit('10.0.0.0/8'), 'forbidden'],
  ['2001:db8::1', permit('10.0.0.0/8'), 'forbidden'],
  ['::ffff:10.0.0.1', permit('10.0.0.0/8'), 'allowed'],
  ['2001:db8:0:ffff::1', permit('2001:db8::/48'), 'allowed'],
  ['2001:db8:1::1', permit('2001:db8::/48'), 'forbidden'],
  ['10.0.0.129', exclude('10.0.0.128/25'), 'forbidden'],
  ['10.0.0.127', exclude('10.0.0.128/25'), 'allowed'],
  ['10.0.0.1', exclude('0.0.0.0/0'), 'forbidden'],
  ['2001:db8::1', exclude('0.0.0.0/0'), 'allowed'],
  ['10.0.0.2', permit('10.0.0.1/32'), 'forbidden'],
  ['a@corp.example', permit('email corp.example'), 'allowed'],
  ['a@sub.corp.example', permit('email corp.example'), 'forbidden'],
  ['a@sub.corp.example', permit('email .corp.example'), 'allowed'],
  ['a@corp.example', permit('email .corp.example'), 'forbidden'],
  ['a@corp.example', permit('email a@corp.example'), 'allowed'],
  ['A@corp.example', permit('email a@corp.example'), 'forbidden'],
  ['A@corp.example', exclude('email a@corp.example'), 'forbidden'],
  ['spiffe://corp.example/web', permit('uri corp.example'), 'allowed'],
  ['https://user@CORP.example:8443/x', permit('uri corp.example'), 'allowed'],
  ['https://corp.example@evil.test/', permit('uri corp.example'), 'forbidden'],
  ['https://evil.test/?@corp.example', permit('uri corp.example'), 'forbidden'],
  ['spiffe://sub.corp.example/web', permit('uri corp.example'), 'forbidden'],
  ['spiffe://sub.corp.example/web', permit('uri .corp.example'), 'allowed'],
  ['spiffe://corp.example/web', permit('uri .corp.example'), 'forbidden'],
  ['urn:x:y', permit('uri corp.example'), 'forbidden'],
  ['urn:x:y', exclude('uri corp.example'), 'forbidden'],
  ['https://10.0.0.1/', permit('uri corp.example'), 'forbidden'],
  ['https://[::1]/', exclude('uri corp.example'), 'forbidden'],
]
test.each(cases)('%s under %j is %s', (name, input, want) => {
  const constraints = normaliseNameConstraints(input)
  const encoded = encodeNameConstraints(constraints) ?? new Uint8Array()
  for (const each of [constraints, decodeNameConstraints(encoded)]) {
    expect(nameConstraintViolations(splitNames([name]), [each]).length === 0 ? 'allowed' : 'forbidden').toBe(want)
  }
})

test('no name passes that one of several issuers forbids, and all are named with their constraint', async () => {
  const chain = [permit('corp.example'), exclude('db.corp.example')].map(normaliseNameConstraints)
  const names = splitNames(['db.corp.example', 'www.corp.test', 'www.corp.example'])
  expect(await refusal(() => enforceNameConstraints(names, encodeSubject({}), chain))).toBe(
    "name_constraint_violation: the issuer's name constraints forbid it: www.corp.test is not within corp.example; db.corp.example is excluded by db.corp.example",
  )
})

test('an excluded name is excluded, whatever is permitted', () => {
  const label = fc.stringMatching(/^[a-z]{1,5}$/)
  fc.assert(
    fc.property(fc.array(label, { minLength: 1, maxLength: 4 }), label, (labels, top) => {
      const name = [...labels, top].join('.')
      const constraints = normaliseNameConstraints({ permitted: { dns: [top, name] }, excluded: { dns: [name] } })
      expect(nameConstraintViolations(splitNames([`DNS:${name}`]), [constraints])).toHaveLength(1)
    }),
  )
})

const refused: [what: string, input: NameConstraintsInput, want: RegExp][] = [
  ['a DNS constraint with a leading dot', { permitted: { dns: ['.corp.example'] } }, /no leading dot/],
  ['a DNS constraint with a wildcard', { permitted: { dns: ['*.corp.example'] } }, /no wildcard/],
  ['a range that does not begin at its start', { permitted: { ip: ['10.0.0.1/8'] } }, /inside the range/],
  ['a range with too many bits', { permitted: { ip: ['10.0.0.0/33'] } }, /no CIDR range/],
  ['a range with a mask', { permitted: { ip: ['10.0.0.0/255.0.0.0'] } }, /no CIDR range/],
  ['an IPv4-mapped range', { permitted: { ip: ['::ffff:10.0.0.0/104'] } }, /no CIDR range/],
  ['a range of no address', { permitted: { ip: ['corp/8'] } }, /not an IP address/],
  ['a URI in place of a host', { excluded: { uri: ['https://corp.example'] } }, /forbidden character/],
]
test.each(refused)('a manifest may not have %s', async (_what, input, want) => {
  expect(await refusal(() => normaliseNameConstraints(input))).toMatch(want)
})

test('a range is its address and mask', () => {
  const hex = (range: string): string => Buffer.from(rangeOctets(range)).toString('hex')
  expect(hex('10.0.0.0/8')).toBe('0a000000ff000000')
  expect(hex('10.0.0.1')).toBe('0a000001ffffffff')
  expect(hex('10.128.0.0/9')).toBe('0a800000ff800000')
  expect(hex('2001:db8::/33')).toBe(`20010db8${'0'.repeat(24)}ffffffff80${'0'.repeat(22)}`)
})

test('no constraint needs no extension', () => {
  expect(encodeNameConstraints(normaliseNameConstraints({}))).toBeUndefined()
})

describe('what foreign CAs have', () => {
  const foreign = (side: number, base: Uint8Array) =>
    decodeNameConstraints(sequence(element(contextConstructed(side), sequence(base))))
  const ascii = (number: number, text: string): Uint8Array => element(contextPrimitive(number), Buffer.from(text))
  const forbidden = (name: string, constraints: ReturnType<typeof foreign>): boolean =>
    nameConstraintViolations(splitNames([name]), [constraints]).length > 0

  test('a DNS constraint with a leading dot means subdomains only', () => {
    const constraints = foreign(0, ascii(2, '.corp.example'))
    expect([forbidden('www.corp.example', constraints), forbidden('corp.example', constraints)]).toEqual([false, true])
  })
  test('an empty DNS constraint means every name', () => {
    expect(forbidden('corp.example', foreign(1, ascii(2, '')))).toBe(true)
    expect(forbidden('corp.example', foreign(0, ascii(2, '')))).toBe(false)
  })
  test('an IP mask with holes is honoured', () => {
    const constraints = foreign(0, element(contextPrimitive(7), Buffer.from('0a000001ff0000ff', 'hex')))
    expect([forbidden('10.9.9.1', constraints), forbidden('10.9.9.2', constraints)]).toEqual([false, true])
  })
  test('an upper-case DNS constraint', () => {
    expect(forbidden('www.corp.example', foreign(1, ascii(2, 'CORP.example')))).toBe(true)
  })
  test('constraints on subject names hold, whatever case and spacing', async () => {
    const base = (organization: string): Uint8Array => element(contextConstructed(4), encodeSubject({ organization }))
    const check = (side: number, organization: string) =>
      refusal(() =>
        enforceNameConstraints(splitNames([]), encodeSubject({ organization, commonName: 'x' }), [
          foreign(side, base('Corp  Inc')),
        ]),
      )
    expect(await check(0, 'corp inc')).toBe('accepted')
    expect(await check(0, 'Other')).toMatch(/not within the permitted subject names/)
    expect(await check(1, 'CORP INC')).toMatch(/excluded by a constraint on subject names/)
    expect(await check(1, 'Other')).toBe('accepted')
  })
})
