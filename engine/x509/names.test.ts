import { expect, test } from 'vitest'
import { refusal } from './fixtures/refusal.ts'
import { ipOctets, ipText, normaliseIp } from './ip-address.ts'
import {
  formOfName,
  normaliseDnsName,
  normaliseEmail,
  normaliseUri,
  sanOfCommonName,
  splitNames,
  subjectAltNames,
  withCommonName,
} from './names.ts'

const dns: [what: string, name: string, want: string][] = [
  ['lower case', 'WWW.Example.COM', 'www.example.com'],
  ['no trailing dot', 'www.example.com.', 'www.example.com'],
  ['an internationalised name', 'Bücher.example', 'xn--bcher-kva.example'],
  ['an ideographic full stop', 'bücher。example', 'xn--bcher-kva.example'],
  ['an A-label in upper case', 'XN--BCHER-KVA.example', 'xn--bcher-kva.example'],
  ['a sharp s stays itself (IDNA 2008)', 'faß.example', 'xn--fa-hia.example'],
  ['a wildcard over an internationalised name', '*.BÜCHER.example', '*.xn--bcher-kva.example'],
  ['a host of one label', 'localhost', 'localhost'],
  ['labels that begin with digits', '3com.1st.example', '3com.1st.example'],
  ['hyphens inside', 'r3---sn-x.example', 'r3---sn-x.example'],
  ['253 characters', `${'a.'.repeat(123)}example`, `${'a.'.repeat(123)}example`],
  ['a label of 63', `${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`],
]
test.each(dns)('DNS name: %s', (_what, name, want) => {
  expect(normaliseDnsName(name)).toBe(want)
  expect(normaliseDnsName(want)).toBe(want)
})

const badDns: [what: string, name: string, want: RegExp][] = [
  ['nothing', '', /is empty/],
  ['a dot', '.', /is empty/],
  ['a bare wildcard', '*', /whole left-most label/],
  ['a wildcard of nothing', '*.', /is empty/],
  ['a part of a label as wildcard', 'f*.example.com', /whole left-most label/],
  ['a wildcard in the middle', 'a.*.example.com', /whole left-most label/],
  ['two wildcards', '*.*.example.com', /whole left-most label/],
  ['an underscore', 'a_b.example.com', /underscore/],
  ['an underscore beside Unicode', 'a_ü.example.com', /underscore/],
  ['two dots', 'a..example.com', /empty label/],
  ['a leading dot', '.example.com', /empty label/],
  ['two trailing dots', 'example.com..', /empty label/],
  ['a leading hyphen', '-a.example.com', /hyphen/],
  ['a trailing hyphen', 'a-.example.com', /hyphen/],
  ['a label of 64', `${'a'.repeat(64)}.example`, /63/],
  ['254 characters', `${'a.'.repeat(123)}examples`, /has 254 characters/],
  ['a space', 'a b.example', /forbidden character/],
  ['a port', 'a.example:443', /forbidden character/],
  ['a NUL', 'a.example\0.evil.example', /forbidden character/],
  ['percent encoding', '%61.example', /forbidden character/],
  ['percent encoding beside Unicode', '%61ü.example', /internationalised/],
  ['an IPv4 address', '10.0.0.1', /is an IP address/],
  ['an IPv6 address', '2001:db8::1', /is an IP address/],
  ['an IPv4 address with leading zeros', '010.0.0.1', /last label is a number/],
  ['a hexadecimal address', '0x7f.1', /last label is a number/],
  ['a hexadecimal last label', '127.0x1', /last label is a number/],
  ['invalid punycode', 'xn--a.example', /punycode/],
  ['a punycode label of nothing', 'xn--.example', /punycode/],
  ['punycode that decodes to ASCII', 'xn--example-.example', /punycode/],
  ['a lone joiner', '\u200d.example', /internationalised/],
]
test.each(badDns)('DNS name: refuses %s', async (_what, name, want) => {
  expect(await refusal(() => normaliseDnsName(name))).toMatch(want)
  expect(await refusal(() => normaliseDnsName(name))).toMatch(/^name_invalid: /)
})

test('underscores are accepted where the rules say so', () => {
  expect(normaliseDnsName('_service.a_b.example', { underscores: true })).toBe('_service.a_b.example')
})

const ips: [what: string, text: string, want: string, octets: number][] = [
  ['IPv4', '10.0.0.1', '10.0.0.1', 4],
  ['IPv6 shortened', '2001:0DB8:0:0::1', '2001:db8::1', 16],
  ['the longest run of zeros is what is left out', '2001:db8:0:1:0:0:0:1', '2001:db8:0:1::1', 16],
  ['a single zero group is not left out (RFC 5952)', '2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1', 16],
  ['an IPv4-mapped address is IPv4', '::ffff:10.0.0.1', '10.0.0.1', 4],
  ['an IPv4-mapped address in groups', '::ffff:a00:1', '10.0.0.1', 4],
  ['an IPv4-compatible address is IPv6', '::1.2.3.4', '::102:304', 16],
  ['NAT64', '64:ff9b::1.2.3.4', '64:ff9b::102:304', 16],
  ['loopback', '::1', '::1', 16],
]
test.each(ips)('IP address: %s', (_what, text, want, octets) => {
  expect(normaliseIp(text)).toBe(want)
  expect(ipOctets(text)).toHaveLength(octets)
  expect(ipText(ipOctets(text))).toBe(want)
})

test.each([
  '010.0.0.1',
  '10.1',
  '0x0a.0.0.1',
  '10.0.0.256',
  '10.0.0.1/32',
  '[::1]',
  'fe80::1%eth0',
  '::ffff:010.0.0.1',
  '1::2::3',
  '',
  'x',
])('IP address: refuses %j', async text =>
  expect(await refusal(() => normaliseIp(text))).toMatch(/^name_invalid: .*not an IP address/))

const mails: [text: string, want: string][] = [
  ['Ops.Team@Example.COM', 'Ops.Team@example.com'],
  ['a+b@bücher.example', 'a+b@xn--bcher-kva.example'],
  ['a@b@example.com', 'refused'],
  ['@example.com', 'refused'],
  ['ops', 'refused'],
  ['ops@', 'refused'],
  ['ö@example.com', 'refused'],
  ['a..b@example.com', 'refused'],
  ['a@*.example.com', 'refused'],
  ['a\r\nb@example.com', 'refused'],
]
test.each(mails)('mailbox %j: %s', async (text, want) => {
  if (want === 'refused') expect(await refusal(() => normaliseEmail(text))).toMatch(/^name_invalid: /)
  else expect(normaliseEmail(text)).toBe(want)
})

test.each([
  'spiffe://corp.example/ns/web',
  'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
  'https://corp.example:8443/a?b=%20',
])('URI %j is kept as written', text => expect(normaliseUri(text)).toBe(text))
test.each([
  '/relative',
  'corp.example',
  'https://corp.example/ä',
  'https://a b/',
  'https://',
  'https://corp.example/"x"',
  'spiffe:',
])('URI: refuses %j', async text =>
  expect(await refusal(() => normaliseUri(text))).toMatch(/^name_invalid: .*absolute URI/))

test('duplicates of any spelling are one name', () => {
  expect(
    subjectAltNames({ dns: ['A.example', 'a.example.', 'b.example'], ip: ['::ffff:10.0.0.1', '10.0.0.1'] }),
  ).toEqual({
    dns: ['a.example', 'b.example'],
    ip: ['10.0.0.1'],
    email: [],
    uri: [],
  })
})

const forms: [text: string, form: string, value: string][] = [
  ['www.example.com', 'dns', 'www.example.com'],
  ['10.0.0.1', 'ip', '10.0.0.1'],
  ['::1', 'ip', '::1'],
  ['ops@example.com', 'email', 'ops@example.com'],
  ['spiffe://a.example/b', 'uri', 'spiffe://a.example/b'],
  ['https://user@a.example/', 'uri', 'https://user@a.example/'],
  ['urn:x:y', 'uri', 'urn:x:y'],
  ['DNS:a.example', 'dns', 'a.example'],
  ['ip:10.0.0.1', 'ip', '10.0.0.1'],
  ['email:a@b.example', 'email', 'a@b.example'],
  ['URI:tag:x', 'uri', 'tag:x'],
  ['host.example:8080', 'dns', 'host.example:8080'],
]
test.each(forms)('%s of a mixed list is of the form %s', (text, form, value) => {
  expect(formOfName(text)).toEqual({ form, value })
})

test('a mixed list is sorted by form; a name that fits none is refused', async () => {
  expect(splitNames(['B.example', '10.0.0.1', 'a@b.example', 'DNS:b.example'])).toEqual({
    dns: ['b.example'],
    ip: ['10.0.0.1'],
    email: ['a@b.example'],
    uri: [],
  })
  expect(await refusal(() => splitNames(['010.0.0.1']))).toMatch(/last label is a number/)
  expect(await refusal(() => splitNames(['host.example:8080']))).toMatch(/forbidden character/)
})

test('a common name joins the names once, in their spelling', () => {
  const names = subjectAltNames({ dns: ['a.example', 'b.example'] })
  expect(withCommonName(names, 'B.example').dns).toEqual(['b.example', 'a.example'])
  expect(withCommonName(names, '::1').ip).toEqual(['::1'])
  expect(sanOfCommonName(names, 'B.EXAMPLE.')).toBe('b.example')
  expect(sanOfCommonName(names, 'c.example')).toBeUndefined()
  expect(sanOfCommonName(names, '10.0.0.1')).toBeUndefined()
})
