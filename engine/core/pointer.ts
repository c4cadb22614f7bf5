import { isJsonObject, type Json, type JsonObject } from './json.ts'
import type { Pointer } from './resource.ts'

/** RFC 6901 §3: `~` and `/` inside a token. */
export function pointerTo(...tokens: readonly (string | number)[]): Pointer {
  return tokens.map(token => `/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

export function pointerTokens(pointer: Pointer): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map(token => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** The value at a pointer, or undefined where the path ends early. */
export function valueAt(document: Json | undefined, pointer: Pointer): Json | undefined {
  let value: Json | undefined = document
  for (const token of pointerTokens(pointer)) {
    if (Array.isArray(value)) value = (value as readonly Json[])[Number(token)]
    else if (isJsonObject(value) && Object.hasOwn(value, token)) value = value[token]
    else return undefined
  }
  return value
}

/** A copy of the document with another value at an existing pointer; what is not on the way is shared. */
export function withValueAt(document: JsonObject, pointer: Pointer, value: Json): JsonObject {
  return replaceIn(document, pointerTokens(pointer), value) as JsonObject // an object stays an object
}

function replaceIn(node: Json | undefined, tokens: readonly string[], value: Json): Json {
  const [token, ...rest] = tokens
  if (token === undefined) return value
  if (Array.isArray(node)) {
    return (node as readonly Json[]).map((item, index) =>
      String(index) === token ? replaceIn(item, rest, value) : item,
    )
  }
  const object = isJsonObject(node) ? node : {}
  return { ...object, [token]: replaceIn(object[token], rest, value) }
}
