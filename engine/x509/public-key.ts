import { EngineError } from '../core/errors.ts'
import { tag } from './der.ts'
import { DerError, DerReader } from './der-reader.ts'
import { oids } from './oids.ts'

/** What kinds of key Trustform makes and certifies. */
export type KeySpec =
  | { readonly type: 'rsa'; readonly size: 2048 | 3072 | 4096 }
  | { readonly type: 'ec'; readonly size: 256 | 384 }
  | { readonly type: 'ed25519' }

/** A SubjectPublicKeyInfo taken apart. */
export interface PublicKeyFacts {
  readonly spec: KeySpec
  /** Contents of the subjectPublicKey BIT STRING: what key identifiers hash (RFC 5280 §4.2.1.2). */
  readonly bits: Uint8Array
  /** RSA only, big-endian with the leading 00. */
  readonly modulus?: Uint8Array
}

export const rsaSizes = [2048, 3072, 4096] as const

const refuse = (what: string, cause?: unknown): EngineError =>
  new EngineError('key_refused', what, {
    remedy: 'use an RSA key of 2048, 3072 or 4096 bits, an EC key on P-256 or P-384, or Ed25519',
    cause,
  })

/** SubjectPublicKeyInfo of P-256 up to the uncompressed point: the one that nearly every leaf has. */
const p256Prefix = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex')
const p256: KeySpec = { type: 'ec', size: 256 }

/**
 * Takes a SubjectPublicKeyInfo (DER) apart and refuses what must not be certified: other algorithms and curves,
 * explicit curve parameters, RSA below 2048 bits, of odd sizes, with an even modulus or a bad exponent. Throws
 * `key_refused`. It looks at the encoding only; that a point is on its curve shows when the key is loaded.
 */
export function inspectPublicKey(spki: Uint8Array): PublicKeyFacts {
  if (spki.length === 91 && p256Prefix.compare(spki, 0, p256Prefix.length) === 0) {
    return { spec: p256, bits: spki.subarray(26) }
  }
  try {
    const outer = new DerReader(spki)
    const info = outer.enter(tag.sequence, 'the public key')
    outer.end('the public key')
    const algorithm = info.enter(tag.sequence, 'the key algorithm')
    const name = algorithm.oid('the key algorithm')
    const bits = info.bitString('the key')
    info.end('the key')
    if (name === oids.rsaEncryption) return rsaFacts(bits)
    if (name === oids.ecPublicKey) return ecFacts(algorithm, bits)
    if (name === oids.ed25519) {
      algorithm.end('the Ed25519 algorithm')
      if (bits.length !== 32) throw refuse('the Ed25519 key does not have 32 octets')
      return { spec: { type: 'ed25519' }, bits }
    }
    throw refuse(`the key has the unsupported algorithm ${name}`)
  } catch (error) {
    if (error instanceof DerError) throw refuse(`the public key is malformed: ${error.message}`, error)
    throw error
  }
}

function rsaFacts(bits: Uint8Array): PublicKeyFacts {
  const key = new DerReader(bits).enter(tag.sequence, 'the RSA key')
  const modulus = key.integer('the RSA modulus')
  const exponent = key.integer('the RSA exponent')
  key.end('the RSA key')
  const first = modulus.findIndex(octet => octet !== 0)
  const length = first < 0 ? 0 : (modulus.length - first) * 8 - Math.clz32(modulus[first] ?? 0) + 24
  const size = rsaSizes.find(known => known === length)
  if (size === undefined) {
    throw refuse(`the RSA key has ${length} bits${length < 2048 ? ', which is too weak' : ''}`)
  }
  if (((modulus.at(-1) ?? 0) & 1) === 0) throw refuse('the RSA modulus is even')
  const one = exponent.length === 1 && (exponent[0] ?? 0) < 3
  if (one || ((exponent.at(-1) ?? 0) & 1) === 0 || (exponent[0] ?? 0) >= 0x80) {
    throw refuse('the RSA exponent is not an odd number above 1')
  }
  return { spec: { type: 'rsa', size }, bits, modulus }
}

function ecFacts(algorithm: DerReader, bits: Uint8Array): PublicKeyFacts {
  // RFC 5480 §2.1.1: only namedCurve; explicit parameters let a key bring its own generator (CVE-2020-0601).
  if (algorithm.peek() !== tag.oid) throw refuse('the EC key has explicit curve parameters')
  const curve = algorithm.oid('the curve')
  const size = curve === oids.p256 ? 256 : curve === oids.p384 ? 384 : undefined
  if (size === undefined) throw refuse(`the EC key is on the curve ${curve}, which is not allowed`)
  if (bits[0] !== 0x04 || bits.length !== 1 + size / 4) throw refuse('the EC point is not in uncompressed form')
  return { spec: { type: 'ec', size }, bits }
}
