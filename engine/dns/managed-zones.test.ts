import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Address } from '../core/address.ts'
import { EngineError } from '../core/errors.ts'
import { bestZone, chooseProvider, matchProvider, patternCovers } from './managed-zones.ts'
import { isSameOrSubdomain, isSubdomain } from './names.ts'

const provider = (name: string, managedZones: string[], zones?: string[]) => ({
  address: `DnsProvider/${name}` as Address,
  managedZones,
  ...(zones && { zones }),
})

describe('patterns', () => {
  const cases: [pattern: string, covers: string[], not: string[]][] = [
    ['acme.example', ['acme.example'], ['www.acme.example', 'notacme.example', 'example']],
    ['*.acme.example', ['www.acme.example', 'a.b.acme.example'], ['acme.example', 'wwwacme.example']],
    ['**.acme.example', ['acme.example', 'www.acme.example', 'a.b.acme.example'], ['notacme.example']],
    ['**.Bücher.example', ['xn--bcher-kva.example', 'www.xn--bcher-kva.example'], ['bucher.example']],
    ['ACME.Example.', ['acme.example'], []],
  ]
  test.each(cases)('%s', (pattern, covers, not) => {
    for (const name of covers) expect([name, patternCovers(pattern, name)]).toEqual([name, true])
    for (const name of not) expect([name, patternCovers(pattern, name)]).toEqual([name, false])
  })

  test('** is the exact pattern and * together', () => {
    const name = fc.array(fc.constantFrom('a', 'b', 'ab'), { minLength: 1, maxLength: 4 }).map(parts => parts.join('.'))
    fc.assert(
      fc.property(name, name, (zone, at) => {
        expect(patternCovers(zone, at)).toBe(at === zone)
        expect(patternCovers(`*.${zone}`, at)).toBe(isSubdomain(at, zone))
        expect(patternCovers(`**.${zone}`, at)).toBe(patternCovers(zone, at) || patternCovers(`*.${zone}`, at))
      }),
    )
  })
})

describe('choosing a provider', () => {
  const first = provider('first', ['*.acme.example'])
  const second = provider('second', ['**.acme.example'])
  const discovering = provider('discovering', [], ['beta.example', 'sub.beta.example'])
  const all = [first, second, discovering]

  const cases: [what: string, domain: string, want: string][] = [
    ['the first in order of creation wins', 'www.acme.example', 'DnsProvider/first'],
    ['*.x does not cover x itself', 'acme.example', 'DnsProvider/second'],
    ['the wildcard *.x is challenged at x', '*.acme.example', 'DnsProvider/second'],
    ['a wildcard further down', '*.www.acme.example', 'DnsProvider/first'],
    ['without patterns the discovered zones decide', 'www.beta.example', 'DnsProvider/discovering'],
    ['letters and dots do not matter', 'WWW.Beta.Example.', 'DnsProvider/discovering'],
  ]
  test.each(cases)('%s', (_what, domain, want) => expect(chooseProvider(all, domain).address).toBe(want))

  test('says of each provider why it does not match', () => {
    const error = catchError(() => chooseProvider([first, discovering], '*.acme.example'))
    expect(error.code).toBe('no_dns_provider')
    expect(error.message).toBe(
      'no DNS provider manages acme.example: ' +
        'DnsProvider/first manages *.acme.example, which covers what is below acme.example but not acme.example itself; ' +
        'DnsProvider/discovering discovered only beta.example, sub.beta.example',
    )
    expect(error.remedy).toContain('"**.acme.example"')
  })

  test('says that there is none at all', () => {
    expect(catchError(() => chooseProvider([], 'acme.example')).message).toContain('no DNS provider is declared')
  })

  test('does not look past a provider whose zones are not known', () => {
    const unknown = provider('unknown', [])
    expect(matchProvider([unknown, second], ['acme.example'])).toEqual({ undetermined: unknown })
    expect(matchProvider([second, unknown], ['acme.example'])).toEqual({ match: second })
    expect(catchError(() => chooseProvider([unknown, second], 'acme.example')).message).toContain('not known')
  })
})

describe('the best zone', () => {
  test('is the longest one that holds the name, on a label border', () => {
    const zones = ['example', 'acme.example', 'sub.acme.example', 'b.acme.example'].map(name => ({ name }))
    expect(bestZone(zones, '_acme-challenge.sub.acme.example')?.name).toBe('sub.acme.example')
    expect(bestZone(zones, 'xsub.acme.example')?.name).toBe('acme.example')
    expect(bestZone(zones, 'acme.test')).toBeUndefined()
  })

  test('holds the name, and no other zone that holds it is longer', () => {
    const name = fc.array(fc.constantFrom('a', 'b', 'ab'), { minLength: 1, maxLength: 5 }).map(parts => parts.join('.'))
    fc.assert(
      fc.property(fc.array(name), name, (names, at) => {
        const best = bestZone(
          names.map(each => ({ name: each })),
          at,
        )
        const holding = names.filter(each => isSameOrSubdomain(at, each))
        expect(best?.name.length).toBe(holding.length === 0 ? undefined : Math.max(...holding.map(each => each.length)))
        if (best) expect(isSameOrSubdomain(at, best.name)).toBe(true)
      }),
    )
  })
})

function catchError(work: () => unknown): EngineError {
  try {
    work()
  } catch (error) {
    if (error instanceof EngineError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
