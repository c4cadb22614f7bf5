import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readSchemas } from '../../scripts/generate/schema-files.ts'
import { textPattern } from './text-pattern.ts'

/** Every pattern of every schema, wherever it stands. */
function patternsIn(node: unknown, found = new Set<string>()): ReadonlySet<string> {
  if (typeof node !== 'object' || node === null) return found
  for (const [key, value] of Object.entries(node)) {
    if (key === 'pattern' && typeof value === 'string') found.add(value)
    else patternsIn(value, found)
  }
  return found
}

const patterns = [...patternsIn(readSchemas(join(import.meta.dirname, '../../schemas')))]

test('the schemas have patterns with Unicode classes', () => {
  expect(patterns.filter(pattern => pattern.includes('\\p{')).length).toBeGreaterThan(5)
})

describe('the smaller expression answers the same', () => {
  const character = fc.constantFrom(...'abzAZ09.-_*@:/+ \t\n\u0000\u007f\u0080\u009fé中٣\u0301😀')
  test.each(patterns)('%s', pattern => {
    const given = textPattern(pattern, 'u')
    const plain = new RegExp(pattern, 'u')
    fc.assert(
      fc.property(fc.string({ unit: character, maxLength: 12 }), text => {
        expect(given.test(text)).toBe(plain.test(text))
      }),
      { numRuns: 300 },
    )
  })
})

test('two patterns have different names: ajv keeps one validator of each', () => {
  expect(String(textPattern('a', 'u'))).not.toBe(String(textPattern('b', 'u')))
})
