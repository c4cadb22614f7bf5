import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  generateKeyPairSync,
  hash,
  type KeyObject,
} from 'node:crypto'
import { promisify } from 'node:util'
import { EngineError } from '../core/errors.ts'
import { Secret } from '../core/secret.ts'
import { toPem } from './pem.ts'
import { inspectPublicKey, type KeySpec, rsaSizes } from './public-key.ts'
import { refuseWeakModulus } from './weak-rsa.ts'

export type { KeySpec } from './public-key.ts'

const generate = promisify(generateKeyPair)
const curves = { 256: 'P-256', 384: 'P-384' } as const

/**
 * A kind of key from the words of a manifest. Without a size: RSA 2048, EC P-256. Throws `key_refused` naming what
 * there is.
 */
export function parseKeySpec(type: string, size?: number): KeySpec {
  switch (type) {
    case 'rsa': {
      const known = rsaSizes.find(each => each === (size ?? 2048))
      if (known === undefined) throw sizeRefused('an RSA', size, 'use 2048, 3072 or 4096')
      return { type, size: known }
    }
    case 'ec': {
      const wanted = size ?? 256
      if (wanted !== 256 && wanted !== 384) throw sizeRefused('an EC', size, 'use 256 (P-256) or 384 (P-384)')
      return { type, size: wanted }
    }
    case 'ed25519':
      if (size !== undefined && size !== 256) throw sizeRefused('an Ed25519', size, 'leave the size out')
      return { type }
    default:
      throw new EngineError('key_refused', `there is no key type "${type}"`, { remedy: 'use rsa, ec or ed25519' })
  }
}

const sizeRefused = (what: string, size: number | undefined, remedy: string): EngineError =>
  new EngineError('key_refused', `${what} key cannot have ${size} bits`, { remedy })

/** Words for messages and plans: `rsa-2048`, `ec-256`, `ed25519`. */
export function formatKeySpec(spec: KeySpec): string {
  return spec.type === 'ed25519' ? spec.type : `${spec.type}-${spec.size}`
}

/** A new private key. RSA is made on the thread pool, since it takes long enough to stall everything else. */
export async function generateKey(spec: KeySpec): Promise<KeyObject> {
  if (spec.type !== 'rsa') return generateKeySync(spec)
  return (await generate('rsa', { modulusLength: spec.size })).privateKey
}

/** A new private key of a kind that takes microseconds. */
export function generateKeySync(spec: Exclude<KeySpec, { type: 'rsa' }>): KeyObject {
  if (spec.type === 'ed25519') return generateKeyPairSync('ed25519').privateKey
  return generateKeyPairSync('ec', { namedCurve: curves[spec.size] }).privateKey
}

/** PKCS#8 DER, unencrypted. */
export function exportPrivateKey(key: KeyObject): Secret<Uint8Array> {
  return new Secret<Uint8Array>(key.export({ type: 'pkcs8', format: 'der' }))
}

/** PKCS#8 PEM, unencrypted. */
export function privateKeyPem(key: KeyObject): Secret {
  return new Secret(toPem('PRIVATE KEY', key.export({ type: 'pkcs8', format: 'der' })))
}

/** Loads PKCS#8 DER and checks that it is a key we would certify. Throws `key_refused`. */
export function importPrivateKey(der: Uint8Array | Secret<Uint8Array>): KeyObject {
  const octets = der instanceof Secret ? der.reveal() : der
  let key: KeyObject
  try {
    key = createPrivateKey({ key: Buffer.from(octets), format: 'der', type: 'pkcs8' })
  } catch {
    // The cause is left out on purpose: nothing derived from key material goes into an error.
    throw new EngineError('key_refused', 'the private key is not unencrypted PKCS#8', {
      remedy: 'convert it with: openssl pkcs8 -topk8 -nocrypt',
    })
  }
  keySpecOf(key)
  return key
}

/** SubjectPublicKeyInfo (DER) of a public key, or of a private key's public half. */
export function spkiOf(key: KeyObject): Uint8Array {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  return publicKey.export({ type: 'spki', format: 'der' })
}

/** What kind of key this is (either half). Throws `key_refused` for weak keys and kinds that we do not certify. */
export function keySpecOf(key: KeyObject): KeySpec {
  return checkPublicKey(spkiOf(key)).spec
}

/** Loads a foreign SubjectPublicKeyInfo after every check of a weak key. Throws `key_refused`. */
export function checkPublicKey(spki: Uint8Array): { readonly key: KeyObject; readonly spec: KeySpec } {
  const { spec, modulus } = inspectPublicKey(spki)
  if (modulus) refuseWeakModulus(modulus)
  try {
    return { key: createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }), spec }
  } catch (cause) {
    // OpenSSL checks here that an EC point is on its curve.
    throw new EngineError('key_refused', 'the public key is not valid for its algorithm', {
      remedy: 'make a new key pair',
      cause,
    })
  }
}

/** The key identifier of a SubjectPublicKeyInfo, see `keyIdentifierOfBits`. Throws `key_refused`. */
export function keyIdentifier(spki: Uint8Array): Uint8Array {
  return keyIdentifierOfBits(inspectPublicKey(spki).bits)
}

/**
 * RFC 5280 §4.2.1.2 method 1: SHA-1 of the contents of the subjectPublicKey BIT STRING, not of the whole
 * SubjectPublicKeyInfo. An identifier; no security rests on the hash.
 */
export function keyIdentifierOfBits(bits: Uint8Array): Uint8Array {
  return hash('sha1', bits, 'buffer')
}
