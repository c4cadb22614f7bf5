import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Change, PlanDocument, PreflightFinding } from '../plan.ts'
import { renderPlanMarkdown } from './markdown.ts'
import { renderPlanText } from './text.ts'
import { shortValue } from './value.ts'

const change = (given: Partial<Change>): Change => ({
  address: 'Certificate/web',
  kind: 'Certificate',
  name: 'web',
  action: 'update',
  reason: 'config',
  diffs: [],
  dependsOn: [],
  ...given,
})

const finding = (given: Partial<PreflightFinding>): PreflightFinding => ({
  address: 'Certificate/web',
  check: 'role-policy',
  level: 'error',
  code: 'role_violation',
  message: 'the role does not allow x',
  remedy: 'ask for another name',
  ...given,
})

function documentOf(given: Partial<PlanDocument>): PlanDocument {
  const changes = given.changes ?? []
  const count = (action: string) => changes.filter(each => each.action === action).length
  return {
    formatVersion: '1.0',
    lineage: '',
    serial: 0,
    configDigest: 'sha256:0',
    createdAt: '2026-11-21T12:00:00.000Z',
    owner: 'cli',
    partial: false,
    offline: false,
    summary: {
      create: count('create'),
      update: count('update'),
      replace: count('replace'),
      delete: count('delete'),
      renew: count('renew'),
      reissue: count('reissue'),
      forget: count('forget'),
      import: count('import'),
      noop: count('no-op'),
      blocked: changes.filter(({ blocked }) => blocked).length,
    },
    changes,
    drift: [],
    preflight: [],
    ...given,
  }
}

const diff = (path: string, before: string | null, after: string | null) => ({
  path,
  before,
  after,
  sensitive: false,
  forcesReplacement: false,
})

describe('text', () => {
  test('errors come before warnings, findings before drift, drift before changes, the count last', () => {
    const text = renderPlanText(
      documentOf({
        changes: [change({ diffs: [diff('/spec/ttl', '30d', '60d')] }), change({ action: 'no-op' })],
        drift: [{ address: 'AcmeAccount/le', diffs: [diff('/status/state', 'valid', 'deactivated')] }],
        preflight: [finding({ level: 'warning', message: 'later' }), finding({ message: 'first' })],
      }),
    )
    const order = ['error: Certificate/web: first', 'warning: Certificate/web: later', 'Changed outside', 'Update (1)']
    const places = [...order, 'Plan: 1 to update; 1 unchanged; 1 error.'].map(part => text.indexOf(part))
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    expect(places).not.toContain(-1)
    expect(text).toContain('~ status.state: valid → deactivated')
  })

  test('unchanged resources are counted, not listed', () => {
    expect(renderPlanText(documentOf({ changes: [change({ action: 'no-op' })] }))).toBe(
      'Plan: nothing to do; 1 unchanged.\n',
    )
  })

  test('a partial and an offline plan say so', () => {
    const text = renderPlanText(documentOf({ partial: true, offline: true }))
    expect(text).toContain('note: this plan leaves a part out')
    expect(text).toContain('note: this plan was made offline')
  })

  const lines: [what: string, diff: ReturnType<typeof diff>, line: string][] = [
    ['an item that comes is told by its value', diff('/spec/domains/1', null, 'a.example'), '+ domains: a.example'],
    ['an item that goes too', diff('/spec/domains/1', 'a.example', null), '- domains: a.example'],
    ['an item of an ordered list has its place', diff('/spec/x/1', 'a', 'b'), '~ x[1]: a → b'],
    ['a secret', diff('/spec/data/key', '(secret)', '(secret)'), '~ data.key: (secret) changed'],
    ['a field below another', diff('/spec/crl/interval', '24h', '12h'), '~ crl.interval: 24h → 12h'],
  ]
  test.each(lines)('%s', (_what, given, line) => {
    expect(renderPlanText(documentOf({ changes: [change({ diffs: [given] })] }))).toContain(`      ${line}\n`)
  })

  test('text from outside cannot forge lines or move the cursor', () => {
    const text = renderPlanText(
      documentOf({ preflight: [finding({ message: 'bad\nPlan: nothing to do.\u001b[2J\u202e' })] }),
    )
    expect(text.split('\n').filter(line => line.startsWith('Plan: '))).toEqual(['Plan: nothing to do; 1 error.'])
    expect([text.includes('\u001b'), text.includes('\u202e')]).toEqual([false, false])
  })
})

describe('values', () => {
  const partner = join(import.meta.dirname, '../../../examples/quickstart/anchors/partner-root.pem')
  const cases: [what: string, value: Parameters<typeof shortValue>[0], shown: string | RegExp][] = [
    ['a word', 'rsa', 'rsa'],
    ['a text with spaces', 'Acme Root', '"Acme Root"'],
    ['a number', 90, '90'],
    ['nothing', null, '(none)'],
    ['a secret stays a word', '(secret)', '(secret)'],
    ['three items', ['a', 'b', 'c'], '[a, b, c]'],
    ['more items', ['a', 'b', 'c', 'd', 'e'], '[a, b, c and 2 more]'],
    ['a long text', 'x'.repeat(100), `${'x'.repeat(71)}…`],
    ['lines', 'a\nb\n', '(text of 2 lines)'],
    ['an object', { dns: ['a'] }, '{"dns":["a"]}'],
  ]
  test.each(cases)('%s', (_what, value, shown) => expect(shortValue(value)).toBe(shown))

  test('a certificate is shown by the start of the fingerprint that openssl prints', () => {
    const pem = readFileSync(partner, 'utf8')
    const fingerprint = new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase()
    expect(shortValue(pem)).toBe(`(certificate sha256:${fingerprint.slice(0, 16)}…)`)
  })
})

describe('markdown', () => {
  test('what blocks a plan stands above the table, with the remedy', () => {
    const blocked = { code: 'plan_blocked', message: 'no', remedy: 'add --allow X' } as const
    const markdown = renderPlanMarkdown(documentOf({ changes: [change({ blocked, because: 'ttl changed' })] }))
    const parts = ['**blocked** `Certificate/web` `no`', '`add --allow X`', '| `~` update', '`ttl changed`']
    const places = parts.map(part => markdown.indexOf(part))
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    expect(places).not.toContain(-1)
  })

  test('what is new is told by its fields', () => {
    const diffs = [diff('/spec/role', null, 'servers'), diff('/spec/ttl', null, '30d')]
    const markdown = renderPlanMarkdown(documentOf({ changes: [change({ action: 'create', diffs })] }))
    expect(markdown).toContain('| `Certificate/web` | `role=servers ttl=30d` |')
    expect(markdown).toContain('\n+   role=servers\n')
  })

  const hostile = fc.string({
    unit: fc.constantFrom(
      '`',
      '``',
      '|',
      '\\',
      '\n',
      '\r',
      '@all',
      '#1',
      '<b>',
      '](x)',
      '\u001b',
      '\u202e',
      'a',
      ' ',
      '~',
    ),
    maxLength: 12,
  })

  /** What is left of a line when every code span is taken away (CommonMark §6.1). */
  const outsideCode = (line: string) => line.replaceAll(/(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)/g, '')

  test('nothing that a configuration says stands outside code', () => {
    fc.assert(
      fc.property(hostile, hostile, (first, second) => {
        const plain = (message: string) =>
          renderPlanMarkdown(
            documentOf({
              changes: [
                change({
                  because: message,
                  diffs: [diff('/spec/commonName', message, second)],
                  blocked: { code: 'plan_blocked', message: `x${message}`, remedy: second },
                }),
                change({ action: 'renew', because: message }),
              ],
              drift: [{ address: 'AcmeAccount/le', diffs: [diff('/status/x', second, message)] }],
              preflight: [finding({ message, remedy: second })],
            }),
          )
        const structure = (markdown: string) => {
          const fence = /\n(`{3,})diff\n([\s\S]*?)\n\1\n/.exec(markdown)
          expect(fence).not.toBeNull()
          // The block ends where it was meant to: no line inside is a fence as long as the outer one (CommonMark §4.5).
          const inner = (fence?.[2] ?? '').split('\n')
          expect(inner.some(line => line.trimStart().startsWith(fence?.[1] ?? '```'))).toBe(false)
          return markdown
            .replace(fence?.[0] ?? '', '\n')
            .split('\n')
            .map(outsideCode)
        }
        expect(structure(plain(first))).toEqual(structure(plain('harmless')))
      }),
    )
  })

  test('every row of the table has three cells, whatever is in them', () => {
    const markdown = renderPlanMarkdown(documentOf({ changes: [change({ because: 'a | b \\| c' })] }))
    const [row = ''] = markdown.split('\n').filter(line => line.startsWith('| `'))
    expect(row.match(/\|/g)).toHaveLength(4)
  })

  test('a mention stands in code', () => {
    expect(renderPlanMarkdown(documentOf({ preflight: [finding({ message: '@team look' })] }))).toContain(
      '`@team look`',
    )
  })
})
