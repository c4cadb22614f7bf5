import { expect, test } from 'vitest'
import { linksOf } from './link-header.ts'

const base = 'https://ca.example/cert/1'
const cases: [what: string, headers: string[], want: string[]][] = [
  ['one link', ['<https://ca.example/alt/1>;rel="alternate"'], ['https://ca.example/alt/1']],
  ['a relation without quotes', ['<https://ca.example/alt/1>; rel=alternate'], ['https://ca.example/alt/1']],
  [
    'several headers',
    ['<x1>;rel="alternate"', '<x2>;rel="alternate"'],
    ['https://ca.example/cert/x1', 'https://ca.example/cert/x2'],
  ],
  [
    'several links in one header',
    ['<a>;rel="index", <b>;rel="alternate", <c>;rel="alternate"'],
    ['https://ca.example/cert/b', 'https://ca.example/cert/c'],
  ],
  ['other parameters first', ['<b>; title="x, y; z"; rel="alternate"'], ['https://ca.example/cert/b']],
  ['a comma inside the target', ['<b?x=1,2>;rel="alternate"'], ['https://ca.example/cert/b?x=1,2']],
  ['several relations at once', ['<b>;rel="up alternate"'], ['https://ca.example/cert/b']],
  ['another relation', ['<b>;rel="up"'], []],
  ['no relation', ['<b>'], []],
  ['nonsense', ['alternate'], []],
]
test.each(cases)('%s', (_what, headers, want) => {
  expect(linksOf(headers, 'alternate', base)).toEqual(want)
})
