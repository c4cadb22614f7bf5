import type { Diagnostic, Position } from '../../core/errors.ts'
import { code, fenced, prose } from '../../core/markdown.ts'

/** More than this nobody mends at once. */
const most = 30

/** Diagnostics for a comment: errors first, each with its place, its line and a remedy. Ends with a newline. */
export function formatMarkdown(
  diagnostics: readonly Diagnostic[],
  { limit = Number.POSITIVE_INFINITY }: { readonly limit?: number } = {},
): string {
  const sorted = (['error', 'warning'] as const).flatMap(level =>
    diagnostics.filter(({ severity }) => severity === level),
  )
  const blocks: string[] = []
  let left = limit - 40
  for (const block of sorted.slice(0, most).map(blockOf)) {
    left -= block.length + 2
    if (left < 0) break
    blocks.push(block)
  }
  const missing = sorted.length - blocks.length
  return `${[...blocks, ...(missing > 0 ? [`… and ${missing} more`] : [])].join('\n\n')}\n`
}

function blockOf({ severity, code: name, message, remedy, address, position }: Diagnostic): string {
  const sign = severity === 'error' ? '❌' : '⚠️'
  const where = position
    ? ` ${code(`${position.file}:${position.line}:${position.column}`)}`
    : address
      ? ` ${code(address)}`
      : ''
  // Two blanks break the line also where a comment's line ends do not (GitLab).
  const lines = [`${sign}${where} ${prose(message)}  `]
  if (position?.sourceLine !== undefined) lines.push('', frame(position, position.sourceLine), '')
  const tail = [...(remedy === undefined ? [] : [`💡 ${prose(remedy)}`]), code(name)]
  lines.push(tail.join(' · '))
  return lines.join('\n')
}

function frame({ line, column, length = 1 }: Position, source: string): string {
  const gutter = `${line} | `
  const marked = Math.max(1, Math.min(length, source.length - column + 1))
  return fenced(
    [`${gutter}${source}`, `${' '.repeat(gutter.length - 2)}| ${' '.repeat(column - 1)}${'^'.repeat(marked)}`],
    'yaml',
  )
}
