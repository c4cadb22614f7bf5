import { isJsonObject, type Json } from '../core/json.ts'
import { pointerTo } from '../core/pointer.ts'
import type { Pointer } from '../core/resource.ts'

/** A pattern of the catalogue (`/data/*`), split once. */
export type Pattern = readonly string[]

export function patternOf(pointer: string): Pattern {
  return pointer.split('/').slice(1)
}

/** Every value that a pattern reaches; `*` stands for any list item or map key. */
export function* matches(root: Json | undefined, pattern: Pattern): Generator<{ pointer: Pointer; value: Json }> {
  // Nearly all patterns have no wildcard, and this runs for each field of ten thousand resources.
  let value: Json | undefined = root
  for (const [depth, token] of pattern.entries()) {
    if (token === '*') {
      const rest = pattern.slice(depth + 1)
      const head = pointerTo(...pattern.slice(0, depth))
      const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
      for (const [key, item] of entries) {
        for (const found of matches(item as Json | undefined, rest)) {
          yield { pointer: `${head}${pointerTo(key)}${found.pointer}`, value: found.value }
        }
      }
      return
    }
    if (!isJsonObject(value) || !Object.hasOwn(value, token)) return
    value = value[token]
  }
  if (value !== undefined) yield { pointer: pointerTo(...pattern), value }
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
