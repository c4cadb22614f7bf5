import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { code, link, prose } from '../../core/markdown.ts'
import { change, diff, documentOf, finding, samplePlan } from '../fixtures/documents.ts'
import type { PlanDocument } from '../plan.ts'
import { impactsOf, issuancesOf } from './impact.ts'
import { renderPlanMarkdown } from './markdown.ts'

const golden = join(import.meta.dirname, 'golden')

test('a plan at a glance', async () => {
  const markdown = renderPlanMarkdown(samplePlan, { source: 'infra' })
  await expect(markdown).toMatchFileSnapshot(join(golden, 'plan.md'))
})

const headlines: [what: string, document: PlanDocument, headline: string][] = [
  ['nothing to do', documentOf({}), '### ✅ Trustform plan: nothing to do'],
  ['one change', documentOf({ changes: [change({})] }), '### 📋 Trustform plan: 1 change'],
  ['a finding', documentOf({ preflight: [finding({})] }), '### ⛔ Trustform plan: cannot be applied'],
  [
    'a warning only',
    documentOf({ preflight: [finding({ level: 'warning' })] }),
    '### ✅ Trustform plan: nothing to do',
  ],
  [
    'a blocked change',
    documentOf({ changes: [change({ blocked: { code: 'plan_blocked', message: 'no', remedy: 'yes', allow: 'it' } })] }),
    '### ⛔ Trustform plan: 1 change, needs approval',
  ],
  [
    'one that no word lets happen',
    documentOf({ changes: [change({ blocked: { code: 'plan_blocked', message: 'protected', remedy: 'edit' } })] }),
    '### ⛔ Trustform plan: 1 change, cannot be applied',
  ],
]
test.each(headlines)('the first line is the verdict: %s', (_what, document, headline) => {
  expect(renderPlanMarkdown(document).split('\n')[0]).toBe(headline)
})

test('what is in the way stands first, then changes, reach, drift, fields', () => {
  const markdown = renderPlanMarkdown(samplePlan)
  const parts = ['In the way', 'Worth a look', '#### Changes', 'Blast radius', 'Changed outside', '<details>']
  const places = parts.map(part => markdown.indexOf(part))
  expect(places).not.toContain(-1)
  expect(places).toEqual(places.toSorted((a, b) => a - b))
})

describe('reach', () => {
  test('counts what stands on a change, not what goes or comes with it', () => {
    const reach = impactsOf(samplePlan).map(({ change: { address }, total }) => [address, total])
    expect(reach).toEqual([
      ['CertificateAuthority/issuing', 5],
      ['Role/web', 4],
    ])
  })
  test('counts what is asked of each issuer', () => {
    expect(issuancesOf(samplePlan)).toEqual([
      { issuer: 'AcmeAccount/letsencrypt', count: 2 },
      { issuer: 'Role/web', count: 1 },
    ])
  })
})

describe('text of others', () => {
  const sentences: [what: string, text: string, markdown: string][] = [
    ['words stay', 'the role does not allow this', 'the role does not allow this'],
    ['names are code', 'no provider manages "b.example"', 'no provider manages `b.example`'],
    [
      'a mark stays outside',
      'does not cover b.example, nor c.example.',
      'does not cover `b.example`, nor `c.example`.',
    ],
    ['a question', 'did you mean "web"? yes', 'did you mean `web`? yes'],
    ['instants', 'due since 2026-11-20T08:00:00.000Z', 'due since `2026-11-20 08:00 UTC`'],
    ['mentions', 'ask @all now', 'ask `@all` now'],
    ['references', 'fixes #1 and GH-1 and !2', 'fixes `#1` and `GH-1` and `!2`'],
    ['links', 'see https://evil.example', 'see `https://evil.example`'],
    ['images', '![x](y)', '`![x](y)`'],
    ['html', '<img src=x>', '`<img src=x>`'],
    ['backticks', 'a `b` c', 'a `` `b` `` c'],
    ['escapes of terminals', 'a\u001b[31mb', '`a\ufffd[31mb`'],
    ['bidirectional marks and tags', 'a\u202eb \u{e0041}', '`a\ufffdb \ufffd`'],
    ['several lines are one', 'a\n/close\n- b', 'a `/close -` b'],
  ]
  test.each(sentences)('%s', (_what, text, markdown) => expect(prose(text)).toBe(markdown))

  test('an address that is none of the web is no link', () => {
    expect(['javascript:alert(1)', 'data:text/html,x', 'x'].map(url => link('a', url))).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(link('a', 'https://x.example/a)b')).toBe('[a](https://x.example/a%29b)')
  })

  const hostile = fc.string({
    unit: fc.constantFrom(
      ...[
        '`',
        '``',
        '```',
        '|',
        '\\',
        '\n',
        '\r',
        '@all',
        '#1',
        '<b>',
        '-->',
        '](x)',
        '![',
        '"',
        '*',
        '_',
        '$',
        '/close',
      ],
      ...[
        '\u001b',
        '\u202e',
        '\u200b',
        '\ud800',
        'a',
        ' ',
        '~',
        'GH-1',
        'https://x.example',
        'www.x.example',
        '1.',
        ':a:',
      ],
    ),
    maxLength: 12,
  })
  /** What is left of a line when code spans (CommonMark §6.1) and plain words are taken away. */
  const skeleton = (line: string) =>
    line
      .replaceAll(/(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)/g, '')
      .replaceAll(/(?<![\w@#!.:/-])\(?[A-Za-z0-9'-]+\)?(?![\w@#!/-])[,;:.?]*/g, '')
      .replaceAll('&nbsp;', ' ')
      .replaceAll(/[,;:.?]/g, '')
      .replaceAll(/ +/g, ' ')

  test('means nothing outside code, wherever it stands', () => {
    const outside = (first: string, second: string) => {
      const markdown = renderPlanMarkdown(
        documentOf({
          changes: [
            change({
              because: first,
              diffs: [diff('/spec/commonName', first, second)],
              blocked: { code: 'plan_blocked', message: `x${first}`, remedy: second },
            }),
            change({ action: 'renew', because: second }),
          ],
          drift: [{ address: 'AcmeAccount/le', diffs: [diff('/status/x', second, first)] }],
          preflight: [finding({ message: first, remedy: second, pointer: `/spec/${first.replaceAll('/', '')}` })],
        }),
        { source: second },
      )
      let rest = markdown
      for (;;) {
        const fence = /\n(`{3,})diff\n([\s\S]*?)\n\1\n/.exec(rest)
        if (!fence) break
        const [whole, marks = '', inner = ''] = fence
        // A line inside that is as long a fence would end the block (CommonMark §4.5).
        expect(inner.split('\n').filter(line => line.trimStart().startsWith(marks))).toEqual([])
        rest = rest.replace(whole, () => '\n')
      }
      // GitLab acts on lines that begin with a slash.
      expect(markdown.split('\n').filter(line => line.startsWith('/'))).toEqual([])
      return rest.split('\n').map(skeleton)
    }
    fc.assert(
      fc.property(hostile, hostile, (a, b) => {
        expect(outside(a, b)).toEqual(outside('harmless', 'words'))
      }),
      {
        numRuns: 300,
      },
    )
  })

  test('a span of code gives its text back', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[`a ]{1,12}$/), text => {
        const [, fence = '', inner = ''] = /^(`+)(.*?)\1$/.exec(code(text)) ?? []
        expect(inner.includes(fence)).toBe(false)
        const read = /^ .*[^ ].* $/.test(inner) ? inner.slice(1, -1) : inner
        expect(read.trim()).toBe(text.replaceAll(/ +/g, ' ').trim())
      }),
    )
  })
})

test('every name of a new certificate is shown', () => {
  const markdown = renderPlanMarkdown(samplePlan)
  for (const name of ['api', 'www', 'a', 'b']) expect(markdown).toContain(`\n+   domains: ${name}.example.com\n`)
})

describe('limits', () => {
  const many = (number: number) =>
    documentOf({
      changes: Array.from({ length: number }, (_, index) =>
        change({ address: `Certificate/c${index}`, name: `c${index}`, diffs: [diff('/spec/ttl', '30d', '60d')] }),
      ),
      preflight: Array.from({ length: number }, (_, index) => finding({ address: `Certificate/c${index}` })),
    })

  test.each([2_000, 10_000, 65_536])('a plan of 2,000 changes fits into %i characters', limit => {
    const markdown = renderPlanMarkdown(many(2000), { limit })
    expect(markdown.length).toBeLessThanOrEqual(limit)
    expect(markdown).toContain('**2000 to update** · 2000 errors')
    expect(markdown).toMatch(/… and \d+ more/)
    expect(markdown).toContain('#### Changes')
  })

  test('what is left out is counted', () => {
    const markdown = renderPlanMarkdown(many(100), { limit: 65_536 })
    const rows = markdown.split('\n').filter(line => line.startsWith('| ✏️&nbsp;'))
    expect(markdown).toContain(`… and ${100 - rows.length} more, folded away below`)
    expect(markdown.match(/^~ Certificate/gm)).toHaveLength(100)
  })
})
