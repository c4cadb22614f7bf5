import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatPath, type PropertyPath, parsePath, topLevel } from './property-path.ts'

const cases: [path: PropertyPath, text: string][] = [
  [['tags', 'env'], 'tags.env'],
  [['names', 1], 'names[1]'],
  [['tags', 'dotted.key'], 'tags["dotted.key"]'],
  [['a.b', 'c'], '["a.b"].c'],
  [['quoted"key'], '["quoted\\"key"]'],
  [['rules', 0, 'domains', 12], 'rules[0].domains[12]'],
  [[''], '[""]'],
  [[], ''],
]
test.each(cases)('%j is written %s', (path, text) => {
  expect(formatPath(path)).toBe(text)
  expect(parsePath(text)).toEqual(path)
})

test('any path can be read again', () => {
  // Pulumi's paths cannot tell a backslash before a quote from one that escapes it.
  const key = fc.oneof(fc.string(), fc.constantFrom('.', '"', '[0]')).filter(key => !key.includes('\\'))
  const step = fc.oneof(key, fc.nat())
  fc.assert(
    fc.property(fc.array(step), path => {
      expect(parsePath(formatPath(path))).toEqual(path)
    }),
  )
})

test.each(['.a', 'a..b', 'a[', 'a[x]', 'a]', '[0', '["a'])('%s is no path', text => {
  expect(parsePath(text)).toBeUndefined()
  expect(topLevel(text)).toBe(text)
})

test.each([
  ['tags.env', 'tags'],
  ['["a.b"].c', 'a.b'],
  ['domains[3]', 'domains'],
])('%s begins in %s', (path, name) => expect(topLevel(path)).toBe(name))
