import { expect, test } from 'vitest'
import type { KeySpec } from './keys.ts'
import { type IssueRequest, policyViolations, type RolePolicy } from './role-policy.ts'

const policy: RolePolicy = {
  allowedDomains: ['corp.example'],
  allowSubdomains: true,
  allowBareDomains: true,
  allowWildcards: false,
  allowIpSans: false,
  allowedIpRanges: [],
  allowedUris: [],
  maxTtl: 86_400,
  keyType: 'any',
  requireCn: false,
}
const p256: KeySpec = { type: 'ec', size: 256 }
const none = { dns: [], ip: [], email: [], uri: [] }
const dns = (...names: string[]): Partial<IssueRequest> => ({ names: { ...none, dns: names } })

const cases: [what: string, policy: Partial<RolePolicy>, request: Partial<IssueRequest>, refused: string[]][] = [
  ['a subdomain', {}, dns('www.corp.example'), []],
  ['a deep subdomain', {}, dns('a.b.c.corp.example'), []],
  ['the bare domain', {}, dns('corp.example'), []],
  ['a bare domain that is not allowed', { allowBareDomains: false }, dns('corp.example'), ['corp.example']],
  ['a subdomain that is not allowed', { allowSubdomains: false }, dns('www.corp.example'), ['www.corp.example']],
  ['a name that only ends alike', {}, dns('evilcorp.example'), ['evilcorp.example']],
  ['a name of another domain', {}, dns('corp.example.evil.test'), ['corp.example.evil.test']],
  ['no allowed domain allows nothing', { allowedDomains: [] }, dns('corp.example'), ['corp.example']],
  ['a wildcard', {}, dns('*.corp.example'), ['*.corp.example']],
  ['an allowed wildcard', { allowWildcards: true }, dns('*.corp.example', '*.a.corp.example'), []],
  [
    'a wildcard without subdomains',
    { allowWildcards: true, allowSubdomains: false },
    dns('*.corp.example'),
    ['*.corp.example'],
  ],
  ['a wildcard above the domain', { allowWildcards: true }, dns('*.example'), ['*.example']],
  [
    'a glob covers part of a label',
    { allowedDomains: ['web-*.corp.example'], allowSubdomains: false },
    dns('web-1.corp.example'),
    [],
  ],
  [
    'a glob does not cross a dot',
    { allowedDomains: ['*.corp.example'], allowSubdomains: false },
    dns('a.b.corp.example'),
    ['a.b.corp.example'],
  ],
  ['every refused name is named', {}, dns('a.test', 'www.corp.example', 'b.test'), ['a.test', 'b.test']],
  ['the common name is judged too', {}, { ...dns('www.corp.example'), commonName: 'other.test' }, ['other.test']],
  ['an address', {}, { names: { ...none, ip: ['10.0.0.1'] } }, ['10.0.0.1']],
  [
    'any address once they are allowed',
    { allowIpSans: true },
    { names: { ...none, ip: ['10.0.0.1', '2001:db8::1'] } },
    [],
  ],
  [
    'an address outside the ranges',
    { allowIpSans: true, allowedIpRanges: ['10.20.0.0/16', '2001:db8::/32'] },
    { names: { ...none, ip: ['10.20.255.1', '10.21.0.1', '2001:db8:1::1', '2001:db9::1'] } },
    ['10.21.0.1', '2001:db9::1'],
  ],
  ['a URI', {}, { names: { ...none, uri: ['spiffe://corp.example/web'] } }, ['spiffe://corp.example/web']],
  [
    'an allowed URI',
    { allowedUris: ['spiffe://corp.example/*'] },
    { names: { ...none, uri: ['spiffe://corp.example/web'] } },
    [],
  ],
  [
    'dots of a URI pattern are dots',
    { allowedUris: ['spiffe://corp.example/*'] },
    { names: { ...none, uri: ['spiffe://corpXexample/w'] } },
    ['spiffe://corpXexample/w'],
  ],
  [
    'a mailbox of an allowed domain',
    { allowBareDomains: false },
    { names: { ...none, email: ['a@corp.example'] } },
    [],
  ],
  ['a mailbox elsewhere', {}, { names: { ...none, email: ['a@other.test'] } }, ['a@other.test']],
  ['a lifetime at the limit', {}, { ttl: 86_400 }, []],
  ['a lifetime above the limit is refused, not shortened', {}, { ttl: 172_800 }, ['2d']],
  ['a key of another type', { keyType: 'rsa' }, {}, ['ec with 256 bits']],
  ['a key of another size', { keyType: 'ec', keyBits: 384 }, {}, ['ec with 256 bits']],
  ['a key that fits', { keyType: 'ec', keyBits: 256 }, {}, []],
  ['a missing common name', { requireCn: true }, {}, ['commonName']],
]
test.each(cases)('role: %s', (_what, change, request, refused) => {
  const given: IssueRequest = { names: none, ttl: 3600, key: p256, ...request }
  expect(policyViolations({ ...policy, ...change }, given).map(violation => violation.subject)).toEqual(refused)
})

test('a refusal tells which switch allows the name', () => {
  const [violation] = policyViolations(
    { ...policy, allowSubdomains: false },
    { names: { ...none, dns: ['a.corp.example'] }, ttl: 1, key: p256 },
  )
  expect(violation?.remedy).toBe('set allowSubdomains: true in the role')
})
