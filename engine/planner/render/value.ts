import { createHash } from 'node:crypto'
import { isJsonObject, type Json } from '../../core/json.ts'
import { visible } from '../../core/visible.ts'

/** Longest value that stands in a line of a plan. */
const longest = 72

/** A field's value in one short line: PEM by its digest, long texts cut, control characters replaced. */
export function shortValue(value: Json | undefined): string {
  if (value === undefined || value === null) return '(none)'
  if (typeof value === 'string') return text(value)
  if (Array.isArray(value)) return list(value as readonly Json[])
  if (isJsonObject(value)) return cut(visible(JSON.stringify(value)))
  return String(value)
}

function text(value: string): string {
  if (value === '(secret)' || value === '(unknown)') return value
  const pem = /^-----BEGIN ([A-Z ]+)-----\s([\s\S]+?)-----END/.exec(value)
  if (pem) return `(${(pem[1] ?? '').toLowerCase()} sha256:${digest(pem[2] ?? '')}…)`
  if (value.includes('\n')) return `(text of ${value.trimEnd().split('\n').length} lines)`
  const plain = /^[\w.*/:@+-]+$/.test(value)
  return cut(plain ? value : JSON.stringify(visible(value)))
}

function list(values: readonly Json[]): string {
  const shown = values.slice(0, 3).map(shortValue)
  const more = values.length - shown.length
  return `[${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}]`
}

/** The first digits of the fingerprint that `openssl x509 -fingerprint -sha256` shows in full. */
function digest(base64: string): string {
  return createHash('sha256').update(Buffer.from(base64, 'base64')).digest('hex').slice(0, 16)
}

function cut(value: string): string {
  return value.length <= longest ? value : `${value.slice(0, longest - 1)}…`
}
