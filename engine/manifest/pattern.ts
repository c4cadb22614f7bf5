import { isJsonObject, type Json } from '../core/json.ts'
import { pointerTo } from '../core/pointer.ts'
import type { Pointer } from '../core/resource.ts'

/** A pattern of the catalogue (`/data/*`), split once. */
export type Pattern = readonly string[]

export function patternOf(pointer: string): Pattern {
  return pointer.split('/').slice(1)
}

/** A value that a pattern reaches. */
export interface Match {
  readonly pointer: Pointer
  readonly value: Json
}

const none: readonly Match[] = []

/** Every value that a pattern reaches; `*` stands for any list item or map key. */
export function matches(root: Json | undefined, pattern: Pattern): readonly Match[] {
  // Most fields are absent in most resources, and this runs for each field of ten thousand of them.
  let value: Json | undefined = root
  for (const [depth, token] of pattern.entries()) {
    if (token === '*') return wildcard(value, pattern, depth)
    if (!isJsonObject(value)) return none
    value = value[token]
    if (value === undefined) return none
  }
  return value === undefined ? none : [{ pointer: pointerTo(...pattern), value }]
}

function wildcard(value: Json | undefined, pattern: Pattern, depth: number): readonly Match[] {
  if (typeof value !== 'object' || value === null) return none
  const head = pointerTo(...pattern.slice(0, depth))
  const rest = pattern.slice(depth + 1)
  return Object.entries(value).flatMap(([key, item]) =>
    matches(item as Json | undefined, rest).map(found => ({
      pointer: `${head}${pointerTo(key)}${found.pointer}`,
      value: found.value,
    })),
  )
}

/** Whether a path is what a pattern names, or lies below it. */
export function covers(pattern: Pattern, path: readonly string[]): boolean {
  return pattern.length <= path.length && pattern.every((token, index) => token === '*' || token === path[index])
}

/** The spec with another value at an existing pointer; nothing else is copied. */
export function replaced(root: Json, tokens: readonly string[], value: Json | undefined): Json {
  const [token, ...rest] = tokens
  if (token === undefined) return value ?? null
  if (Array.isArray(root)) {
    const list = [...(root as readonly Json[])]
    list[Number(token)] = replaced(list[Number(token)] ?? null, rest, value)
    return list
  }
  const object: { [key: string]: Json | undefined } = isJsonObject(root) ? { ...root } : {}
  if (rest.length > 0) object[token] = replaced(object[token] ?? {}, rest, value)
  else if (value === undefined) delete object[token]
  else object[token] = value
  return object
}
