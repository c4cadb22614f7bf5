import { describe, expect, test } from 'vitest'
import type { Diagnostic } from '../../core/errors.ts'
import { formatGithub } from './github.ts'
import { formatJson } from './json.ts'
import { formatSarif } from './sarif.ts'
import { formatText } from './text.ts'

const unknownRole: Diagnostic = {
  severity: 'error',
  code: 'reference_unknown',
  message: 'Certificate "web" does not name a known role: "webb"',
  remedy: 'did you mean "web"? Roles in this configuration: api, web',
  address: 'Certificate/web',
  position: { file: 'certificates/web.yaml', line: 7, column: 9, sourceLine: '  role: webb', length: 4 },
}
const warning: Diagnostic = { severity: 'warning', code: 'literal_secret', message: 'a secret in clear' }

describe('text', () => {
  test('the code frame, the hint and the code', () => {
    expect(formatText([unknownRole])).toBe(`error: Certificate "web" does not name a known role: "webb"
  certificates/web.yaml:7:9
   7 |   role: webb
     |         ^^^^
hint:  did you mean "web"? Roles in this configuration: api, web
       reference_unknown
`)
  })

  test('several, without place or hint', () => {
    expect(formatText([warning, warning])).toBe(
      'warning: a secret in clear\n       literal_secret\n\nwarning: a secret in clear\n       literal_secret\n',
    )
    expect(formatText([])).toBe('')
  })

  test('what a file says cannot steer the terminal, forge lines or reorder text', () => {
    const hostile = '\u001b[2J\u009b31m\rerror:\n\u202etxt\u2066\u200b\u0007'
    const position = {
      file: `a\u001b]0;x\u0007.yaml`,
      line: 1,
      column: 10,
      sourceLine: `\tname: ${hostile} x`,
      length: 3,
    }
    const text = formatText([{ ...unknownRole, message: hostile, remedy: hostile, position }])
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b\u202e\u2066]/)
    expect(text.split('\n')).toHaveLength(7)
  })

  test('a tab keeps the caret in place', () => {
    const position = { file: 'a.yaml', line: 12, column: 7, sourceLine: '\tkey:\tvalue', length: 5 }
    expect(
      formatText([{ ...warning, position }])
        .split('\n')
        .slice(2, 4),
    ).toEqual(['   12 |  key: value', '      |       ^^^^^'])
  })

  test('colour only when asked', () => {
    expect(formatText([warning], { color: true })).toContain('\u001b[33m')
  })
})

test('json is one document with counts', () => {
  const document = JSON.parse(formatJson([unknownRole, warning]))
  expect(document).toEqual({
    formatVersion: '1.0',
    summary: { errors: 1, warnings: 1 },
    diagnostics: [unknownRole, warning],
  })
})

test('sarif names the rule, the place and the text', () => {
  const log = JSON.parse(
    formatSarif([unknownRole, { ...warning, position: { file: 'a b/ü#.yaml', line: 1, column: 1 } }]),
  )
  expect(log.version).toBe('2.1.0')
  const [run] = log.runs
  expect(run.tool.driver.rules.map((rule: { id: string }) => rule.id)).toEqual(['literal_secret', 'reference_unknown'])
  expect(run.results[0]).toEqual({
    ruleId: 'reference_unknown',
    ruleIndex: 1,
    level: 'error',
    message: { text: `${unknownRole.message}. Hint: ${unknownRole.remedy}` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: 'certificates/web.yaml' },
          region: { startLine: 7, startColumn: 9, endColumn: 13, snippet: { text: '  role: webb' } },
        },
      },
    ],
    properties: { address: 'Certificate/web' },
  })
  expect(run.results[1].locations[0].physicalLocation.artifactLocation.uri).toBe('a%20b/%C3%BC%23.yaml')
})

test('github commands are escaped, one line each', () => {
  const position = { file: 'a,b:c.yaml', line: 3, column: 5, length: 2 }
  expect(formatGithub([{ ...unknownRole, message: '100% of\nlines', remedy: 'x', position }, warning])).toBe(
    '::error file=a%2Cb%3Ac.yaml,line=3,col=5,endColumn=7,title=reference_unknown::100%25 of%0Alines%0Ahint: x\n::warning title=literal_secret::a secret in clear\n',
  )
})
