import type { Json } from '../core/json.ts'

const integer = /^[-+]?[0-9]+$/
const octal = /^0o[0-7]+$/
const hexadecimal = /^0x[0-9a-fA-F]+$/
const float = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/
const notFinite = /^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$/
const words: ReadonlyMap<string, boolean | null> = new Map([
  ...['', '~', 'null', 'Null', 'NULL'].map(word => [word, null] as const),
  ...['true', 'True', 'TRUE'].map(word => [word, true] as const),
  ...['false', 'False', 'FALSE'].map(word => [word, false] as const),
])

/**
 * A plain scalar by the core schema (YAML 1.2.2 §10.3.2). Undefined for `.inf` and `.nan`, and for numbers beyond
 * the range of a double: JSON has no such value.
 */
export function resolvePlainScalar(text: string): Json | undefined {
  const word = words.get(text)
  if (word !== undefined) return word
  const first = text.charCodeAt(0)
  // Only digits, signs and dots begin a number; most scalars end here.
  if (first > 0x39 || first < 0x2b || first === 0x2c || first === 0x2f) return text
  if (integer.test(text)) return Number(text)
  if (octal.test(text)) return Number.parseInt(text.slice(2), 8)
  if (hexadecimal.test(text)) return Number.parseInt(text.slice(2), 16)
  if (float.test(text)) return Number.isFinite(Number(text)) ? Number(text) : undefined
  if (notFinite.test(text)) return undefined
  return text
}
