import type { Diagnostic } from '../../core/errors.ts'

/** Diagnostics as a SARIF 2.1.0 log (OASIS), for code scanning. */
export function formatSarif(diagnostics: readonly Diagnostic[]): string {
  const codes = [...new Set(diagnostics.map(({ code }) => code))].sort()
  const rules = codes.map(id => ({ id, name: id, shortDescription: { text: id.replaceAll('_', ' ') } }))
  const run = {
    tool: { driver: { name: 'trustform', rules } },
    columnKind: 'utf16CodeUnits',
    results: diagnostics.map(diagnostic => resultOf(diagnostic, codes.indexOf(diagnostic.code))),
  }
  const log = {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [run],
  }
  return `${JSON.stringify(log, null, 2)}\n`
}

function resultOf({ code, severity, message, remedy, position, address }: Diagnostic, ruleIndex: number) {
  const region = position && {
    startLine: position.line,
    startColumn: position.column,
    endColumn: position.column + (position.length ?? 1),
    ...(position.sourceLine !== undefined && { snippet: { text: position.sourceLine } }),
  }
  return {
    ruleId: code,
    ruleIndex,
    level: severity,
    message: { text: remedy === undefined ? message : `${message}. Hint: ${remedy}` },
    ...(position && { locations: [{ physicalLocation: { artifactLocation: { uri: uriOf(position.file) }, region } }] }),
    ...(address !== undefined && { properties: { address } }),
  }
}

/** SARIF §3.4.3: a URI reference, with slashes. */
function uriOf(file: string): string {
  return file.split(/[\\/]/).map(encodeURIComponent).join('/')
}
