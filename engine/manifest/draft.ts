import { isJsonObject, type Json } from '../core/json.ts'
import { pointerTo } from '../core/pointer.ts'
import type { Pointer } from '../core/resource.ts'
import { Secret } from '../core/secret.ts'

/** Stands for a value that only the apply will know: what another resource has yet to answer. */
export const notYetKnown: unique symbol = Symbol('not yet known')

/** A value of a resource that a program declares: JSON, where secrets are wrapped and values may be missing yet. */
export type DraftValue =
  | null
  | boolean
  | number
  | string
  | Secret
  | typeof notYetKnown
  | readonly DraftValue[]
  | { readonly [field: string]: DraftValue | undefined }

/** A draft as plain JSON, with what was special about it beside it; pointers are into the draft. */
export interface Plain {
  readonly value: Json
  /** Places whose value is not known yet; a stand-in of its own holds each. */
  readonly unknown: readonly Pointer[]
  /** Places whose value was given as a secret. */
  readonly secret: readonly Pointer[]
}

/** Fields that are undefined or null are left out: programs say so where they mean "not given". */
export function plainOf(draft: DraftValue, root: Pointer = ''): Plain {
  const unknown: Pointer[] = []
  const secret: Pointer[] = []
  return { value: walk(draft, root), unknown, secret }

  function walk(value: DraftValue, at: Pointer): Json {
    if (value === notYetKnown) {
      unknown.push(at)
      // Each another one, so that two of them in a list are no duplicates.
      return `unknown-${unknown.length}`
    }
    if (value instanceof Secret) {
      secret.push(at)
      return value.reveal()
    }
    if (typeof value !== 'object' || value === null) return value
    if (isList(value)) return value.map((item, index) => walk(item, at + pointerTo(index)))
    const plain: { [field: string]: Json } = {}
    for (const [field, item] of Object.entries(value)) {
      if (item !== undefined && item !== null) plain[field] = walk(item, at + pointerTo(field))
    }
    return plain
  }
}

/** Array.isArray does not know of read-only lists. */
function isList(value: object): value is readonly DraftValue[] {
  return Array.isArray(value)
}

/** Whether one place is the other, or lies below it. */
export function isWithin(pointer: Pointer, place: Pointer): boolean {
  return pointer === place || pointer.startsWith(`${place}/`)
}

/** Field names that a rule of a schema looks at directly. */
export function fieldsOfRule(rule: Json | undefined): Set<string> {
  const fields = new Set<string>()
  collect(rule)
  return fields

  function collect(node: Json | undefined): void {
    if (Array.isArray(node)) {
      for (const each of node as readonly Json[]) collect(each)
      return
    }
    if (!isJsonObject(node)) return
    for (const [keyword, value] of Object.entries(node)) {
      if (keyword === 'required' && Array.isArray(value)) for (const each of value) fields.add(String(each))
      else if (keyword === 'properties' && isJsonObject(value)) {
        for (const [field, schema] of Object.entries(value)) {
          fields.add(field)
          collect(schema as Json)
        }
      } else if (value !== undefined) collect(value)
    }
  }
}
