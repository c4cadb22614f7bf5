import { expect, test } from 'vitest'
import type { JsonObject } from '../core/json.ts'
import { diffAgainstNothing, diffMetadata, diffSpecs } from './diff.ts'

const facts = {
  replace: ['/commonName', '/subject'],
  reissue: ['/domains'],
  secrets: ['/credentials/*'],
  sets: ['/domains'],
  formats: [
    { pointer: '/ttl', format: 'duration' },
    { pointer: '/domains/*', format: 'dns-name' },
    { pointer: '/address', format: 'ip' },
    { pointer: '/ranges/*', format: 'cidr' },
    { pointer: '/site', format: 'uri' },
  ],
}

const cases: [what: string, before: JsonObject, after: JsonObject, want: string[]][] = [
  ['equal specs', { a: 1, b: { c: [1] } }, { b: { c: [1] }, a: 1 }, []],
  ['null is absence', { a: null }, {}, []],
  ['a changed value', { ttl: '30d' }, { ttl: '60d' }, ['/spec/ttl "30d" -> "60d" update']],
  ['a field of the identity', { commonName: 'A' }, { commonName: 'B' }, ['/spec/commonName "A" -> "B" replace']],
  [
    'below a field of the identity',
    { subject: {} },
    { subject: { country: 'DE' } },
    ['/spec/subject/country null -> "DE" replace'],
  ],
  ['the order of a set is no difference', { domains: ['a', 'b'] }, { domains: ['b', 'a'] }, []],
  ['a name joined a set', { domains: ['a'] }, { domains: ['b', 'a'] }, ['/spec/domains/0 null -> "b" reissue']],
  ['a name left a set', { domains: ['a', 'b'] }, { domains: ['b'] }, ['/spec/domains/0 "a" -> null reissue']],
  [
    'lists are compared in order',
    { zones: ['a', 'b'] },
    { zones: ['b', 'a'] },
    ['/spec/zones/0 "a" -> "b" update', '/spec/zones/1 "b" -> "a" update'],
  ],
  ['a duration in other words', { ttl: '24h' }, { ttl: '1d' }, []],
  ['a duration as a number of seconds', { ttl: '1h' }, { ttl: 3600 }, []],
  ['no duration after all', { ttl: 'soon' }, { ttl: 'later' }, ['/spec/ttl "soon" -> "later" update']],
  ['names in another case', { domains: ['WWW.a', 'b'] }, { domains: ['B', 'www.a'] }, []],
  [
    'another name beside one in another case',
    { domains: ['A'] },
    { domains: ['a', 'b'] },
    ['/spec/domains/1 null -> "b" reissue'],
  ],
  ['an IPv6 address in other words', { address: '2001:DB8:0::7' }, { address: '2001:db8::7' }, []],
  ['a range in other words', { ranges: ['2001:DB8::/32'] }, { ranges: ['2001:db8:0::/32'] }, []],
  ['the case of a URI', { site: 'a:B' }, { site: 'a:b' }, ['/spec/site "a:B" -> "a:b" update']],
  ['a key with a slash', { data: { 'a/b': 1 } }, { data: { 'a/b': 2 } }, ['/spec/data/a~1b 1 -> 2 update']],
  ['an equal secret', { credentials: { key: { $secret: 'h1' } } }, { credentials: { key: { $secret: 'h1' } } }, []],
  [
    'a changed secret shows neither value nor fingerprint',
    { credentials: { key: { $secret: 'h1' } } },
    { credentials: { key: { $secret: 'h2' } } },
    ['/spec/credentials/key "(secret)" -> "(secret)" update sensitive'],
  ],
  [
    'an unresolved secret is taken as unchanged',
    { credentials: { key: { $secret: 'h1' } } },
    { credentials: { key: { $secret: 'unknown' } } },
    [],
  ],
  [
    'a new unresolved secret',
    {},
    { credentials: { key: { $secret: 'unknown' } } },
    ['/spec/credentials/key null -> "(unknown)" update sensitive'],
  ],
]
test.each(cases)('diff: %s', (_what, before, after, want) => {
  const got = diffSpecs(before, after, facts).map(
    d =>
      `${d.path} ${JSON.stringify(d.before)} -> ${JSON.stringify(d.after)} ${d.forces}${d.sensitive ? ' sensitive' : ''}`,
  )
  expect(got).toEqual(want)
})

test('a new resource shows its secrets as (secret)', () => {
  const diffs = diffAgainstNothing({ credentials: { key: { $secret: 'h' } }, ttl: 60 }, facts, 'after')
  expect(JSON.stringify(diffs)).not.toContain('"h"')
  expect(diffs.map(d => [d.path, d.after])).toEqual([
    ['/spec/credentials/key', '(secret)'],
    ['/spec/ttl', 60],
  ])
})

test('labels and lifecycle stand under their own paths', () => {
  const diffs = diffMetadata(
    { labels: { team: 'a' }, lifecycle: {} },
    { labels: { team: 'b' }, lifecycle: { protect: true } },
  )
  expect(diffs.map(d => d.path)).toEqual(['/metadata/labels/team', '/lifecycle/protect'])
})
