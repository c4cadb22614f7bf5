import { expect, test } from 'vitest'
import { identifiersOf, namesOf, orderedName, sameNames } from './identifier.ts'

const cases: [what: string, dns: string[], ip: string[], want: string[]][] = [
  [
    'names are lower-case A-labels without a trailing dot, once each',
    ['Bücher.example.', 'BÜCHER.example', 'a.example'],
    [],
    ['dns:xn--bcher-kva.example', 'dns:a.example'],
  ],
  ['wildcard and apex are two', ['a.example', '*.a.example'], [], ['dns:a.example', 'dns:*.a.example']],
  ['addresses are canonical', [], ['2001:DB8:0::1', '::ffff:10.0.0.1', '10.0.0.1'], ['ip:2001:db8::1', 'ip:10.0.0.1']],
]
test.each(cases)('%s', (_what, dns, ip, want) => {
  expect(identifiersOf(dns, ip).map(each => `${each.type}:${each.value}`)).toEqual(want)
})

test('a name that is none is refused', () => {
  expect(() => identifiersOf(['a_b.example'])).toThrow('underscore')
})

test('the wildcard flag tells two authorizations of one name apart', () => {
  const identifier = { type: 'dns', value: 'a.example' } as const
  expect([orderedName(identifier, false), orderedName(identifier, true)]).toEqual(['a.example', '*.a.example'])
})

test('names are compared as a set', () => {
  const one = namesOf(identifiersOf(['a.example', 'b.example'], ['10.0.0.1']))
  expect(sameNames(one, { dns: ['b.example', 'a.example'], ip: ['10.0.0.1'], email: [], uri: [] })).toBe(true)
  expect(sameNames(one, { dns: ['a.example'], ip: ['10.0.0.1'], email: [], uri: [] })).toBe(false)
})
