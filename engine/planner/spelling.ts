import { parseDuration } from '../core/duration.ts'
import type { Json } from '../core/json.ts'

/** The one spelling of values that can be written in several, by the schema's `format`. */
const canonical: Readonly<Record<string, (text: string | number) => string>> = {
  duration: text => String(parseDuration(text)),
  // RFC 4343 §3: case has no meaning.
  'dns-name': text => String(text).toLowerCase(),
  ip: text => plainAddress(String(text)),
  cidr: text => {
    const [address = '', prefix = ''] = String(text).split('/')
    return `${plainAddress(address)}/${prefix}`
  },
}

/** A value as it counts: other values stay as they are, and so does what is not of its format after all. */
export function spelling(format: string | undefined, value: Json): Json {
  const read = format === undefined ? undefined : canonical[format]
  if (!read || (typeof value !== 'string' && typeof value !== 'number')) return value
  try {
    return read(value)
  } catch {
    return value
  }
}

/** RFC 5952 for IPv6, as URLs have it. */
function plainAddress(address: string): string {
  return address.includes(':') ? new URL(`http://[${address}]/`).hostname.slice(1, -1) : address
}
