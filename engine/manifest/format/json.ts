import type { Diagnostic } from '../../core/errors.ts'

/** Diagnostics as one JSON document. */
export function formatJson(diagnostics: readonly Diagnostic[]): string {
  const count = (severity: Diagnostic['severity']) =>
    diagnostics.filter(diagnostic => diagnostic.severity === severity).length
  const summary = { errors: count('error'), warnings: count('warning') }
  return `${JSON.stringify({ formatVersion: '1.0', summary, diagnostics }, null, 2)}\n`
}
