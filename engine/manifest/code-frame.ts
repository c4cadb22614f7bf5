import { dnsProviderCatalogue, kindCatalogue } from '../../schemas/generated/catalogue.ts'
import type { Range } from './yaml-range.ts'

/** Longest source line that a frame shows. */
const longestLine = 200

/** Keys whose values, and everything below them, are never shown: those of the schemas, and what people call secrets. */
const confidentialKeys: ReadonlySet<string> = new Set([
  'credentials',
  'data',
  'literal',
  ...[...Object.values(kindCatalogue), ...Object.values(dnsProviderCatalogue)]
    .flatMap(facts => facts.secrets)
    .map(pointer => pointer.slice(pointer.lastIndexOf('/') + 1))
    .filter(name => name !== '*'),
])
const confidentialWord = /secret|passw|token|private[-_]?key$|credential|(api|access|hmac|mac|account)[-_]?key/i
/** A line of a PEM body or another encoded value; syntax errors in a file that is no manifest may point into a key. */
const encodedLine = /^\s*[A-Za-z0-9+/=_-]{40,}\s*$/
const keyOnLine = /(?:^|[\s{,"'-])([A-Za-z0-9_.-]+)["']?\s*:(?=\s|$)/g

/**
 * The line as a code frame may show it, or undefined when it would show a secret. Syntax errors have no schema to
 * ask, so keys on the line and the keys that it is indented under decide; a field that is known to be `confidential`
 * is shown up to its colon.
 */
export function frameLine(text: string, line: Range, at: number, confidential: boolean): string | undefined {
  const source = text.slice(line.start, line.end)
  const column = at - line.start
  if (encodedLine.test(source)) return undefined
  const key = firstConfidentialKey(source)
  const hidden = key ?? (confidential || belowConfidentialKey(text, line.start) ? firstColon(source) : undefined)
  if (hidden !== undefined) {
    // A frame that cannot show what it points at says nothing.
    if (column >= hidden) return undefined
    const rest = source.slice(hidden).trim()
    return rest === '' ? source : `${source.slice(0, hidden)} (secret)`
  }
  if (source.length > longestLine) return column < longestLine ? `${source.slice(0, longestLine)}…` : undefined
  return source
}

/** Where the value after the line's first confidential key begins. */
function firstConfidentialKey(source: string): number | undefined {
  for (const match of source.matchAll(keyOnLine)) {
    const [whole, name = ''] = match
    if (confidentialKeys.has(name) || confidentialWord.test(name)) return match.index + whole.length
  }
  return undefined
}

function firstColon(source: string): number {
  const colon = source.search(/:(?=\s|$)/)
  return colon === -1 ? 0 : colon + 1
}

/** Whether a line that is less indented, without another in between, opens a confidential map or text. */
function belowConfidentialKey(text: string, lineStart: number): boolean {
  let indent = indentOf(text, lineStart)
  let end = lineStart
  while (end > 0 && indent > 0) {
    const start = text.lastIndexOf('\n', end - 2) + 1
    const line = text.slice(start, end - 1)
    end = start
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue
    const outer = indentOf(text, start)
    if (outer >= indent) continue
    indent = outer
    if (firstConfidentialKey(line) !== undefined) return true
  }
  return false
}

function indentOf(text: string, lineStart: number): number {
  let at = lineStart
  while (text.charCodeAt(at) === 0x20 || text.charCodeAt(at) === 0x09) at++
  return at - lineStart
}
