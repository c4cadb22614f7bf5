import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson } from './canonical-json.ts'
import type { Json, JsonObject } from './json.ts'

const cases: [what: string, value: Json, want: string][] = [
  ['keys are sorted at every depth', { b: 1, a: { d: [], c: null } }, '{"a":{"c":null,"d":[]},"b":1}'],
  ['an absent field is as if never named', { a: undefined, b: 1 }, '{"b":1}'],
  ['lists keep their order', [3, 1, 'é', true], '[3,1,"é",true]'],
  ['keys are escaped', { 'a"b': 0 }, '{"a\\"b":0}'],
]

describe('canonical JSON', () => {
  test.each(cases)('%s', (_what, value, want) => expect(canonicalJson(value)).toBe(want))

  test('means the same value, whatever the order of its keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fields => {
        const value = fields as JsonObject // jsonValue makes JSON
        const reversed = Object.fromEntries(Object.entries(value).reverse())
        expect(canonicalJson(reversed)).toBe(canonicalJson(value))
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })
})
