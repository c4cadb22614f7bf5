import type { Random } from './ports.ts'

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/** A random identity with a kind's prefix: `cert_` and 100 bits in Crockford's base 32. */
export function newId(prefix: string, random: Random): string {
  let text = ''
  for (const octet of random.bytes(20)) text += alphabet[octet & 31]
  return `${prefix}_${text}`
}
