import { expect, test } from 'vitest'
import { formatEndpoint, parseEndpoint } from './endpoint.ts'

test.each([
  ['192.0.2.53:5300', { host: '192.0.2.53', port: 5300 }, '192.0.2.53:5300'],
  ['192.0.2.53', { host: '192.0.2.53', port: 53 }, '192.0.2.53:53'],
  ['ns1.acme.example:53', { host: 'ns1.acme.example', port: 53 }, 'ns1.acme.example:53'],
  ['[2001:db8::53]:5300', { host: '2001:db8::53', port: 5300 }, '[2001:db8::53]:5300'],
  ['2001:db8::53', { host: '2001:db8::53', port: 53 }, '[2001:db8::53]:53'],
])('reads %s', (text, want, written) => {
  expect(parseEndpoint(text)).toEqual(want)
  expect(formatEndpoint(parseEndpoint(text))).toBe(written)
})

test.each([
  '',
  ':53',
  'host:0',
  'host:65536',
  'host:53:53',
  '[host]:53',
  'a b:53',
  '[2001:db8::53',
])('refuses "%s"', text => {
  expect(() => parseEndpoint(text)).toThrow(expect.objectContaining({ code: 'schema_violation' }))
})
