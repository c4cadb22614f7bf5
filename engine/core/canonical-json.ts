import type { Json } from './json.ts'

/**
 * One spelling per JSON value, so that equal values have equal digests: keys in code-unit order, no spaces, absent
 * fields left out (RFC 8785 §3.2; numbers are ECMAScript's, as there).
 */
export function canonicalJson(value: Json): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const object = value as { readonly [key: string]: Json | undefined } // neither null nor a list
  let text = ''
  for (const key of Object.keys(object).sort()) {
    const field = object[key]
    if (field === undefined) continue
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(field)}`
  }
  return `{${text}}`
}
