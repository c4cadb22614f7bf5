import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bitString, element, integer, sequence, setOf, tag } from './der.ts'
import { attributeOf, decodeName, encodeSubject, nameText } from './distinguished-name.ts'
import { refusal } from './fixtures/refusal.ts'
import { oidDer, oids } from './oids.ts'

test('from broad to narrow, the country as PrintableString, the rest as UTF8String', () => {
  const der = encodeSubject({
    commonName: 'Ä',
    country: 'DE',
    organization: 'O',
    organizationalUnit: 'U',
    province: 'P',
    locality: 'L',
  })
  expect(
    decodeName(der)
      .flat()
      .map(each => each.type),
  ).toEqual([oids.country, oids.province, oids.locality, oids.organization, oids.organizationalUnit, oids.commonName])
  const hex = Buffer.from(der).toString('hex')
  expect(hex).toContain('060355040613024445')
  expect(hex).toContain('06035504030c02c384')
  expect(nameText(der)).toBe('CN=Ä,OU=U,O=O,L=L,ST=P,C=DE')
})

test('no attribute gives an empty sequence', () => expect(encodeSubject({})).toEqual(Uint8Array.of(0x30, 0)))

test('any text comes back', () => {
  const text = fc
    .string({ minLength: 1, maxLength: 64, unit: 'grapheme' })
    .filter(each => each.trim() !== '' && [...each].length <= 64)
  fc.assert(
    fc.property(text, commonName => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are refused, see below
      fc.pre(!/[\x00-\x1f\x7f]/.test(commonName) && commonName.isWellFormed())
      expect(attributeOf(encodeSubject({ commonName }), oids.commonName)).toBe(commonName)
    }),
  )
})

const refused: [what: string, subject: Parameters<typeof encodeSubject>[0], want: RegExp][] = [
  ['a common name of 65 characters', { commonName: 'x'.repeat(65) }, /commonName has 65 characters, more than 64/],
  ['an organization of 65 characters', { organization: 'x'.repeat(65) }, /organization has 65/],
  ['an empty attribute', { organization: ' ' }, /organization is empty/],
  ['a country by its name', { country: 'Germany' }, /not a country code/],
  ['a country in lower case', { country: 'de' }, /not a country code/],
  ['a control character', { locality: 'a\nb' }, /control character/],
]
test.each(refused)('refuses %s', async (_what, subject, want) => {
  expect(await refusal(() => encodeSubject(subject))).toMatch(want)
})

test('64 characters are counted as characters, not as octets', () => {
  expect(attributeOf(encodeSubject({ commonName: '😀'.repeat(64) }), oids.commonName)).toBe('😀'.repeat(64))
})

const cn = (value: Uint8Array): Uint8Array => sequence(setOf(sequence(oidDer.commonName, value)))
const texts: [what: string, der: Uint8Array, want: string][] = [
  [
    'special characters are escaped',
    encodeSubject({ commonName: ' a,b+c"d\\e<f>g;h ' }),
    'CN=\\ a\\,b\\+c\\"d\\\\e\\<f\\>g\\;h\\ ',
  ],
  ['a leading # is escaped', encodeSubject({ commonName: '#x' }), 'CN=\\#x'],
  ['a BMPString', cn(element(tag.bmpString, Buffer.from('00c40062', 'hex'))), 'CN=Äb'],
  ['a TeletexString', cn(element(tag.teletexString, Buffer.from('Äb', 'latin1'))), 'CN=Äb'],
  ['a value that is no text', cn(bitString(Uint8Array.of(1))), 'CN=\\#03020001'],
  [
    'several attributes in one RDN',
    sequence(setOf(sequence(oidDer.commonName, integer(1)), sequence(oidDer.organization, integer(2)))),
    'CN=\\#020101+O=\\#020102',
  ],
]
test.each(texts)('as text: %s', (_what, der, want) => expect(nameText(der)).toBe(want))
