import { type DraftValue, type Json, notYetKnown, Secret } from '../../engine/index.ts'
import { type Properties, SecretValue, unknown, type Value } from '../ports.ts'

/** A value without its marks of secrecy. */
export function bare(value: Value | undefined): Value | undefined {
  if (value instanceof SecretValue) return bare(value.value)
  if (typeof value !== 'object' || value === null) return value
  if (isList(value)) return value.map(item => bare(item) ?? null)
  return mapped(value, item => bare(item) ?? null)
}

/** As the engine reads declarations: every text below a secret is one, because SDKs mark whole properties only. */
export function toDraft(value: Value, isSecret = false): DraftValue {
  if (value === unknown) return notYetKnown
  if (value instanceof SecretValue) return toDraft(value.value, true)
  if (typeof value === 'string') return isSecret ? new Secret(value) : value
  if (typeof value !== 'object' || value === null) return value
  if (isList(value)) return value.map(item => toDraft(item, isSecret))
  return mapped(value, item => toDraft(item, isSecret))
}

/** The way back; secrets stay marked where they are. */
export function fromDraft(draft: DraftValue | Json): Value {
  if (draft === notYetKnown) return unknown
  if (draft instanceof Secret) return new SecretValue(draft.reveal())
  if (typeof draft !== 'object' || draft === null) return typeof draft === 'symbol' ? unknown : draft
  if (Array.isArray(draft)) return (draft as readonly DraftValue[]).map(fromDraft)
  const fields = Object.entries(draft as { readonly [field: string]: DraftValue | undefined })
  return Object.fromEntries(fields.flatMap(([name, item]) => (item === undefined ? [] : [[name, fromDraft(item)]])))
}

/** A value in the wrapping that another one came in. */
export function wrappedLike(value: Value, given: Value | undefined): Value {
  return given instanceof SecretValue ? new SecretValue(bare(value) ?? null) : value
}

export function textOf(value: Value | undefined): string | undefined {
  const plain = bare(value)
  return typeof plain === 'string' ? plain : undefined
}

export function isTrue(value: Value | undefined): boolean {
  return bare(value) === true
}

/** In a preview what is not known yet may be. */
export function mayBeTrue(value: Value | undefined): boolean {
  return isTrue(value) || bare(value) === unknown
}

/** Whether two values mean the same, whatever is marked as a secret. Unknown is equal to nothing. */
export function isSame(a: Value | undefined, b: Value | undefined): boolean {
  const [left, right] = [bare(a) ?? null, bare(b) ?? null]
  if (left === unknown || right === unknown) return false
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return left === right
  if (isList(left) !== isList(right)) return false
  const names = new Set([...Object.keys(left), ...Object.keys(right)])
  return [...names].every(name => isSame(field(left, name), field(right, name)))
}

/** What is at a path of names and places, below any mark of secrecy. */
export function valueAtTokens(root: Value | undefined, tokens: readonly string[]): Value | undefined {
  let value = bare(root)
  for (const token of tokens) {
    if (typeof value !== 'object' || value === null) return undefined
    value = field(value, token)
  }
  return value
}

export function isList(value: object): value is readonly Value[] {
  return Array.isArray(value)
}

function field(value: object, name: string): Value | undefined {
  // Lists and maps of values alike; both hold nothing else.
  return Object.hasOwn(value, name) ? (value as Readonly<Record<string, Value>>)[name] : undefined
}

function mapped<T>(value: object, change: (item: Value) => T): { [name: string]: T } {
  // What is no list here is a map of values.
  return Object.fromEntries(Object.entries(value as Properties).map(([name, item]) => [name, change(item)]))
}
