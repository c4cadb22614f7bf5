import type { Diagnostic, Position } from '../../core/errors.ts'
import { visible } from '../../core/visible.ts'

type Paint = Readonly<Record<'red' | 'yellow' | 'cyan' | 'bold' | 'dim', (text: string) => string>>

/** SGR codes (ECMA-48 §8.3.117) by hand: a library for five of them takes 2 ms of every start. */
const sgr = (on: number, off: number) => (text: string) => `\u001b[${on}m${text}\u001b[${off}m`
const colored: Paint = { red: sgr(31, 39), yellow: sgr(33, 39), cyan: sgr(36, 39), bold: sgr(1, 22), dim: sgr(2, 22) }
const same = (text: string) => text
const plain: Paint = { red: same, yellow: same, cyan: same, bold: same, dim: same }

/**
 * Diagnostics for a person: what happened, where, the line with a caret, a remedy and the stable code. Ends with a
 * newline when there is anything to say.
 */
export function formatText(diagnostics: readonly Diagnostic[], options: { readonly color?: boolean } = {}): string {
  const paint = options.color ? colored : plain
  return diagnostics.map(diagnostic => block(diagnostic, paint)).join('\n')
}

function block(diagnostic: Diagnostic, paint: Paint): string {
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
