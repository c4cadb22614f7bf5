import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json } from '../core/json.ts'
import { pointerTo } from '../core/pointer.ts'
import { SourceText } from './source-text.ts'
import { parseYaml } from './yaml.ts'
import { yamlLimits } from './yaml-builder.ts'

const values = (text: string) => parseYaml(text).documents.map(({ value }) => value)
const told = (text: string) =>
  parseYaml(text).problems.map(
    ({ code, message, range }) => `${code} ${message} at ${text.slice(range.start, range.end)}`,
  )

const scalars: [what: string, text: string, value: Json][] = [
  ['null', '~', null],
  ['nothing', '', null],
  ['true', 'true', true],
  ['YAML 1.1 truth is a word', 'yes', 'yes'],
  ['the country code of Norway', 'NO', 'NO'],
  ['an integer', '-12', -12],
  ['a leading zero is decimal', '010', 10],
  ['octal', '0o17', 15],
  ['hexadecimal', '0xFF', 255],
  ['a float', '1.5e3', 1500],
  ['sexagesimal is a word', '12:30', '12:30'],
  ['a date is a word', '2026-11-21', '2026-11-21'],
  ['an address is a word', '10.0.0.1', '10.0.0.1'],
  ['quoted is always text', '"1"', '1'],
  ['!!str makes text', '!!str 1', '1'],
  ['a literal block', '|\n  a\n  b\n', 'a\nb\n'],
]

describe('YAML', () => {
  test.each(scalars)('%s', (_what, text, value) => expect(values(`k: ${text}`)).toEqual([{ k: value }]))

  test('empty documents are left out', () => expect(values('---\n---\na: 1\n---\n# c\n')).toEqual([{ a: 1 }]))

  test('an alias is a copy', () => {
    const [document] = values('a: &x [1]\nb: *x\n') as { a: Json[]; b: Json[] }[]
    expect(document?.b).toEqual([1])
    expect(document?.b).not.toBe(document?.a)
  })

  test('a later anchor of the same name wins', () => {
    expect(values('a: &x 1\nb: &x 2\nc: *x\n')).toEqual([{ a: 1, b: 2, c: 2 }])
  })
})

const bomb = [
  'a: &a [x, x, x, x, x, x, x, x, x, x]',
  ...'bcdefg'.split('').map((name, index) => `${name}: &${name} [${Array(10).fill(`*${'abcdef'[index]}`).join(', ')}]`),
].join('\n')

const refused: [what: string, text: string, told: string[]][] = [
  ['duplicate keys', 'a: 1\nb: {c: 1, c: 2}\n', ['yaml_refused the key "c" is given twice at c']],
  ['merge keys', 'a: &a {b: 1}\nc:\n  <<: *a\n', ['yaml_refused merge keys (<<) are not accepted at <<']],
  ['custom tags', 'a: !env X\n', ['yaml_refused the tag !env is not accepted at !env']],
  ['binary', 'a: !!binary AAAA\n', ['yaml_refused the tag !!binary is not accepted at !!binary']],
  ['redefined tags', '%TAG !! tag:x,2026:\n---\na: !!str 1\n', ['yaml_refused a %TAG directive is not accepted at %']],
  ['__proto__', '__proto__: {a: 1}\n', ['yaml_refused the key "__proto__" is not accepted at __proto__']],
  [
    'constructor, quoted',
    'a: {"constructor": 1}\n',
    ['yaml_refused the key "constructor" is not accepted at "constructor"'],
  ],
  [
    'keys that are not text',
    '1: a\n? [b]\n: c\n',
    ['yaml_refused a key must be a string at 1', 'yaml_refused a key must be a string at ['],
  ],
  ['numbers without end', 'a: .inf\n', ['yaml_refused .inf is not a number that JSON can hold at .inf']],
  ['an alias without anchor', 'a: *x\n', ['yaml_refused the alias *x has no anchor at *x']],
  ['an alias in itself', 'a: &x [*x]\n', ['yaml_refused the alias *x contains itself at *x']],
  [
    'an alias bomb',
    bomb,
    [expect.stringMatching(/^yaml_refused aliases stand for more than 10000 values/) as unknown as string],
  ],
  [
    'long texts behind aliases',
    `a: &x "${'x'.repeat(200_000)}"\nb: [*x, *x, *x, *x, *x, *x]\n`,
    [expect.stringMatching(/^yaml_refused aliases stand for more/) as unknown as string],
  ],
  ['deep nesting', '['.repeat(100_000), ['yaml_refused nested deeper than 64 levels at [']],
  [
    'deep nesting in blocks',
    `${Array.from({ length: 70 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join('')}`,
    [expect.stringMatching(/^yaml_refused nested deeper than 64 levels/) as unknown as string],
  ],
  [
    'too many documents',
    '--- 1\n'.repeat(yamlLimits.documents + 1),
    ['input_too_large more than 100000 documents at -'],
  ],
  [
    'a document of a million values',
    `a: [${'[],'.repeat(1_000_000)}]\n`,
    ['input_too_large a document is larger than 512 KiB at a'],
  ],
  [
    'a large document among small ones',
    `# nothing\n--- [${'1,'.repeat(400_000)}]\n`,
    ['input_too_large a document is larger than 512 KiB at -'],
  ],
  ['a control character', 'a: "\u0007"\n', [expect.stringMatching(/^yaml_syntax not valid YAML/) as unknown as string]],
]

describe('YAML is refused for', () => {
  test.each(refused)('%s', (_what, text, want) => {
    expect(told(text)).toEqual(want)
    expect(values(text)).toEqual([])
  })

  test('a problem of one document does not hide the others', () => {
    expect(values('a: 1\n---\nb: !x 1\n---\nc: 1\n')).toEqual([{ a: 1 }, { c: 1 }])
  })
})

/** JSON is YAML, so any JSON stream must come back as it was; keys that we refuse are left out. */
const json = fc
  .jsonValue({ maxDepth: 4 })
  .map(value => JSON.parse(JSON.stringify(value)) as Json)
  .filter(
    value =>
      !/"(__proto__|constructor|prototype)"/.test(JSON.stringify(value)) && !JSON.stringify(value).includes('\\u'),
  )

test('a stream longer than a piece is cut without a trace', () => {
  fc.assert(
    fc.property(fc.array(json, { minLength: 3, maxLength: 12 }), documents => {
      const padded = documents.map(value => ({ value, padding: 'x'.repeat(30_000), end: '---' }))
      const text = padded.map(document => `---\n${JSON.stringify(document, null, 1)}\n`).join('')
      expect(values(text)).toEqual(padded)
    }),
    { numRuns: 30 },
  )
})

test('every scalar is found where it stands', () => {
  fc.assert(
    fc.property(fc.array(json, { minLength: 1, maxLength: 4 }), documents => {
      const text = documents.map(value => `---\n${JSON.stringify({ value }, null, 2)}\n`).join('')
      const source = new SourceText('a.yaml', text)
      for (const document of parseYaml(text).documents) {
        const visit = (value: Json, path: readonly (string | number)[]): void => {
          if (typeof value === 'object' && value !== null) {
            for (const [key, child] of Object.entries(value)) visit(child as Json, [...path, key])
            return
          }
          const range = source.find(document, pointerTo(...path), 'value')
          expect(range && JSON.parse(text.slice(range.start, range.end))).toEqual(value)
        }
        visit(document.value, [])
      }
    }),
    { numRuns: 200 },
  )
})
