import { createHash, timingSafeEqual } from 'node:crypto'
import type { Random } from '../core/ports.ts'
import { Secret } from '../core/secret.ts'

const mark = 'tfk_'
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** 62^43 > 2^256: what 32 octets need in base 62. */
const digits = 43
const shape = new RegExp(`^${mark}[0-9A-Za-z]{${digits}}$`)

/** A new API key: 32 random octets behind `tfk_`, so that secret scanners know one when they see it. */
export function newToken(random: Random): Secret {
  let rest = BigInt(`0x${Buffer.from(random.bytes(32)).toString('hex')}`)
  let text = ''
  for (let digit = 0; digit < digits; digit++) {
    text = alphabet.charAt(Number(rest % 62n)) + text
    rest /= 62n
  }
  return new Secret(mark + text)
}

/** Whether a text can be a key at all; nothing else is looked up. */
export function isToken(text: string): boolean {
  return shape.test(text)
}

/** How a key is stored and found. It needs no salt and no slow hash: its 256 bits cannot be guessed. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** What of a key is kept to recognise it by: 24 of its bits. */
export function tokenPrefix(token: Secret): string {
  return token.reveal().slice(0, mark.length + 4)
}

/** Compares two hashes in a time that does not depend on them. */
export function sameHash(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
