import picocolors from 'picocolors'
import type { Diagnostic, Position } from '../../core/errors.ts'
import { visible } from './visible.ts'

/**
 * Diagnostics for a person: what happened, where, the line with a caret, a remedy and the stable code. Ends with a
 * newline when there is anything to say.
 */
export function formatText(diagnostics: readonly Diagnostic[], options: { readonly color?: boolean } = {}): string {
  const paint = picocolors.createColors(options.color ?? false)
  return diagnostics.map(diagnostic => block(diagnostic, paint)).join('\n')
}

function block(diagnostic: Diagnostic, paint: ReturnType<typeof picocolors.createColors>): string {
  const { severity, code, message, remedy, position } = diagnostic
  const color = severity === 'error' ? paint.red : paint.yellow
  const lines = [`${color(paint.bold(`${severity}:`))} ${visible(message)}`]
  if (position) lines.push(`  ${paint.cyan(placeOf(position))}`, ...frame(position, color))
  if (remedy !== undefined) lines.push(`${paint.bold('hint:')}  ${visible(remedy)}`)
  lines.push(`       ${paint.dim(code)}`)
  return `${lines.join('\n')}\n`
}

function placeOf({ file, line, column }: Position): string {
  return `${visible(file)}:${line}:${column}`
}

function frame({ line, column, sourceLine, length = 1 }: Position, color: (text: string) => string): string[] {
  if (sourceLine === undefined) return []
  const gutter = `   ${line} |`
  const marked = Math.max(1, Math.min(length, sourceLine.length - column + 1))
  return [
    `${gutter} ${visible(sourceLine)}`,
    `${' '.repeat(gutter.length - 1)}| ${' '.repeat(column - 1)}${color('^'.repeat(marked))}`,
  ]
}
