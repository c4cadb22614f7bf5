import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EngineError } from '../core/errors.ts'
import { refusal } from './fixtures/refusal.ts'
import { fromPem, toPem } from './pem.ts'

const block = toPem('CERTIFICATE', Uint8Array.of(1, 2, 3))

test('what is written can be read back, in order', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { minLength: 1, maxLength: 4 }), ders => {
      expect(fromPem(ders.map(der => toPem('X', der)).join('text\n'), 'X')).toEqual(ders)
    }),
  )
})

test('lines have 64 characters', () => {
  const lines = toPem('X', new Uint8Array(100)).split('\n').slice(1, -2)
  expect(lines.map(line => line.length)).toEqual([64, 64, 8])
})

const accepted: [what: string, text: string][] = [
  ['text around it', `subject: x\n${block}\nthe end`],
  ['Windows line ends', block.replaceAll('\n', '\r\n')],
  ['indented lines, as YAML folds them', block.replaceAll('\n', '\n   ')],
  ['another block before it', `${toPem('EC PARAMETERS', Uint8Array.of(9))}${block}`],
  ['no line feed at the end', block.trimEnd()],
]
test.each(accepted)('reads a block with %s', (_what, text) => {
  expect(fromPem(text, 'CERTIFICATE')).toEqual([Uint8Array.of(1, 2, 3)])
})

test("reads OpenSSL's older label of a request", () => {
  expect(fromPem(toPem('NEW CERTIFICATE REQUEST', Uint8Array.of(1)), 'CERTIFICATE REQUEST')).toHaveLength(1)
})

const refused: [what: string, text: string, label: string, want: RegExp][] = [
  ['nothing', '', 'CERTIFICATE', /^certificate_invalid: .*no PEM block at all/],
  ['another label', toPem('PRIVATE KEY', Uint8Array.of(1)), 'CERTIFICATE', /there is only PRIVATE KEY/],
  ['no end', block.replace(/-----END.*/, ''), 'CERTIFICATE', /has no end at line 1/],
  ['a second begin', `-----BEGIN CERTIFICATE-----\n${block}`, 'CERTIFICATE', /begins at line 1 has no end at line 2/],
  ['an end without begin', `x\n-----END CERTIFICATE-----\n${block}`, 'CERTIFICATE', /did not begin at line 2/],
  ['other characters', block.replace('AQID', 'AQ!D'), 'CERTIFICATE', /not base64 at line 2/],
  ['a character too few', block.replace('AQID', 'AQI'), 'CERTIFICATE', /cut short at line 1/],
  ['nothing inside', block.replace('AQID\n', ''), 'CERTIFICATE', /cut short at line 1/],
  ['an encrypted key header', '-----BEGIN PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n', 'PRIVATE KEY', /^key_refused: /],
  ['no request', 'x', 'CERTIFICATE REQUEST', /^csr_invalid: /],
]
test.each(refused)('refuses %s', async (_what, text, label, want) => {
  expect(await refusal(() => fromPem(text, label))).toMatch(want)
})

test('an error carries the position when the file is known, and nothing of the content', () => {
  try {
    fromPem('\n\n-----BEGIN PRIVATE KEY-----\ncanary!\n', 'PRIVATE KEY', 'keys/web.pem')
    expect.unreachable()
  } catch (error) {
    expect(error instanceof EngineError && error.position).toEqual({ file: 'keys/web.pem', line: 4, column: 1 })
    expect(JSON.stringify(error instanceof EngineError && error.toDiagnostic())).not.toContain('canary')
  }
})
