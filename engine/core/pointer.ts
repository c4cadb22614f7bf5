import { isJsonObject, type Json } from './json.ts'
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
