import type { Diagnostic } from '../../core/errors.ts'

/** Diagnostics as GitHub workflow commands, which annotate the changed lines of a pull request. */
export function formatGithub(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map(line).join('')
}

function line({ severity, code, message, remedy, position }: Diagnostic): string {
  const properties = [
    ...(position
      ? [
          `file=${property(position.file)}`,
          `line=${position.line}`,
          `col=${position.column}`,
          `endColumn=${position.column + (position.length ?? 1)}`,
        ]
      : []),
    `title=${property(code)}`,
  ]
  const text = remedy === undefined ? message : `${message}\nhint: ${remedy}`
  return `::${severity} ${properties.join(',')}::${data(text)}\n`
}

// A runner ends a command at the line and a property at the comma (actions/toolkit, command.ts).
function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
