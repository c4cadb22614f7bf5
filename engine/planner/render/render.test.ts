import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { change, diff, documentOf, finding } from '../fixtures/documents.ts'
import { renderPlanText } from './text.ts'
import { shortValue } from './value.ts'

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
