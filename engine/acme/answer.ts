import { EngineError } from '../core/errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'

/** What an ACME server answered, before anything of it is believed. */
export interface Answer {
  readonly url: string
  readonly status: number
  /** The first value of a header by lower-case name. */
  header(name: string): string | undefined
  headers(name: string): readonly string[]
  readonly body: Uint8Array
}

/** A body read as text for an error message: no markup, no control characters, one line, at most 200 characters. */
export function excerpt(body: Uint8Array | string): string {
  const text = typeof body === 'string' ? body : new TextDecoder().decode(body.subarray(0, 8192))
  const line = text
    .replace(/<(style|script)[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim()
  return line.length > 200 ? `${line.slice(0, 199)}…` : line
}

/** The error for an answer that RFC 8555 does not allow. */
export function malformed(answer: Answer, what: string, cause?: unknown): EngineError {
  const words = excerpt(answer.body)
  return new EngineError('acme_malformed', `${answer.url} ${what}${words === '' ? '' : `: "${words}"`}`, {
    remedy: 'check that the directory URL is an ACME server and that no proxy answers in its place',
    details: { url: answer.url, status: answer.status },
    cause,
  })
}

/** The JSON object of a body. Throws `acme_malformed`. */
export function jsonObject(answer: Answer): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(answer.body))
  } catch (cause) {
    throw malformed(answer, `answered ${answer.status} with something that is not JSON`, cause)
  }
  if (!isJsonObject(value)) throw malformed(answer, 'answered with JSON that is not an object')
  return value
}

/** Reads the fields of one JSON object; every complaint names the field and the URL. */
export interface Fields {
  string(name: string): string
  optionalString(name: string): string | undefined
  url(name: string): string
  optionalUrl(name: string): string | undefined
  boolean(name: string): boolean
  objects(name: string): readonly JsonObject[]
  strings(name: string): readonly string[]
  object(name: string): JsonObject
  optionalObject(name: string): JsonObject | undefined
  instant(name: string): Date
  optionalInstant(name: string): Date | undefined
}

export function fieldsOf(object: JsonObject, answer: Answer): Fields {
  const wrong = (name: string, want: string) => malformed(answer, `answered without ${want} in "${name}"`)
  function required<T>(name: string, want: string, value: T | undefined): T {
    if (value === undefined) throw wrong(name, want)
    return value
  }
  /** A JSON null stands for absence; several servers write it so. */
  const raw = (name: string): Json | undefined =>
    Object.hasOwn(object, name) ? (object[name] ?? undefined) : undefined
  const fields: Fields = {
    string: name => required(name, 'a text', fields.optionalString(name)),
    optionalString(name) {
      const value = raw(name)
      if (value !== undefined && typeof value !== 'string') throw wrong(name, 'a text')
      return value
    },
    url: name => required(name, 'a URL', fields.optionalUrl(name)),
    optionalUrl(name) {
      const value = fields.optionalString(name)
      if (value === undefined || value === '') return undefined
      if (!isServerUrl(value)) throw wrong(name, 'an https URL')
      return value
    },
    boolean: name => raw(name) === true,
    objects(name) {
      const value = raw(name)
      if (!Array.isArray(value) || !value.every(isJsonObject)) throw wrong(name, 'a list of objects')
      return value
    },
    strings(name) {
      const value = raw(name)
      if (!Array.isArray(value) || !value.every(each => typeof each === 'string')) throw wrong(name, 'a list of texts')
      return value
    },
    object: name => required(name, 'an object', fields.optionalObject(name)),
    optionalObject(name) {
      const value = raw(name)
      if (value !== undefined && !isJsonObject(value)) throw wrong(name, 'an object')
      return value
    },
    instant: name => required(name, 'an instant', fields.optionalInstant(name)),
    optionalInstant(name) {
      const value = fields.optionalString(name)
      if (value === undefined) return undefined
      const instant = new Date(value)
      if (!/^\d{4}-\d\d-\d\d[Tt]/.test(value) || Number.isNaN(instant.getTime()))
        throw wrong(name, 'an RFC 3339 instant')
      return instant
    },
  }
  return fields
}

/** RFC 8555 §6.1 wants HTTPS; plain HTTP is let through only on this machine's loopback. */
export function isServerUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  if (protocol === 'https:') return true
  return (
    protocol === 'http:' && (hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname))
  )
}
