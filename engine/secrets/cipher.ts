import { createCipheriv, createDecipheriv } from 'node:crypto'

/** NIST SP 800-38D §5.2.1.1: 96-bit nonces are used as they are; the tag has its full 128 bits. */
const algorithm = 'aes-256-gcm'
export const nonceLength = 12
const tagLength = 16

/** Ciphertext followed by the tag. Random nonces: keep one key below 2^32 messages (SP 800-38D §8.3). */
export function encrypt(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagLength }).setAAD(associated)
  const body = cipher.update(plaintext)
  const rest = cipher.final()
  return Buffer.concat([body, rest, cipher.getAuthTag()])
}

/** Undefined when key, nonce, associated data and ciphertext do not belong together. */
export function decrypt(
  key: Uint8Array,
  nonce: Uint8Array,
  associated: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array | undefined {
  if (ciphertext.length < tagLength || nonce.length !== nonceLength) return undefined
  const end = ciphertext.length - tagLength
  const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagLength })
    .setAAD(associated)
    .setAuthTag(ciphertext.subarray(end))
  try {
    return Buffer.concat([decipher.update(ciphertext.subarray(0, end)), decipher.final()])
  } catch {
    return undefined
  }
}

/** Associated data of several parts; JSON keeps `["a","bc"]` apart from `["ab","c"]`. */
export function associate(...parts: readonly (string | number)[]): Uint8Array {
  return Buffer.from(JSON.stringify(parts))
}
