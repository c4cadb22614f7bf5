import { type KeyObject, sign } from 'node:crypto'
import { derNull, sequence } from './der.ts'
import { type OidName, oidDer, oids } from './oids.ts'
import type { KeySpec } from './public-key.ts'

/** How a key signs: the hash that `crypto.sign` takes (null where the scheme hashes itself) and the encoded algorithm. */
export interface SignatureAlgorithm {
  readonly name: OidName
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null
  /** AlgorithmIdentifier, DER. */
  readonly der: Uint8Array
}

/** RFC 4055 §5 wants NULL parameters for RSA; RFC 5758 §3.2 and RFC 8410 §3 want none for ECDSA and Ed25519. */
const rsa = (name: OidName, hash: SignatureAlgorithm['hash']): SignatureAlgorithm => ({
  name,
  hash,
  der: sequence(oidDer[name], derNull),
})
const bare = (name: OidName, hash: SignatureAlgorithm['hash']): SignatureAlgorithm => ({
  name,
  hash,
  der: sequence(oidDer[name]),
})

const algorithms = {
  rsa256: rsa('sha256WithRsa', 'sha256'),
  rsa384: rsa('sha384WithRsa', 'sha384'),
  rsa512: rsa('sha512WithRsa', 'sha512'),
  ec256: bare('ecdsaWithSha256', 'sha256'),
  ec384: bare('ecdsaWithSha384', 'sha384'),
  ec512: bare('ecdsaWithSha512', 'sha512'),
  ed25519: bare('ed25519', null),
}

/** What we sign with, by the signer's key: the hash is as strong as the curve; SHA-1 never. */
export function signatureAlgorithmFor(spec: KeySpec): SignatureAlgorithm {
  if (spec.type === 'rsa') return algorithms.rsa256
  if (spec.type === 'ed25519') return algorithms.ed25519
  return spec.size === 384 ? algorithms.ec384 : algorithms.ec256
}

/** What we accept from others, by OID and key type; undefined for everything else, SHA-1 among it. */
export function acceptedSignature(dotted: string, spec: KeySpec): SignatureAlgorithm | undefined {
  const found = Object.values(algorithms).find(each => oids[each.name] === dotted)
  const fits = { rsa: /Rsa$/, ec: /^ecdsa/, ed25519: /^ed25519$/ }[spec.type]
  return found !== undefined && fits.test(found.name) ? found : undefined
}

/** Signs at once: microseconds for EC and Ed25519. */
export function signNow(algorithm: SignatureAlgorithm, data: Uint8Array, key: KeyObject): Uint8Array {
  return sign(algorithm.hash, data, key)
}

/** Signs on the thread pool: what RSA needs, as its milliseconds would stall everything else. */
export function signPooled(algorithm: SignatureAlgorithm, data: Uint8Array, key: KeyObject): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    sign(algorithm.hash, data, key, (error, signature) => (error ? reject(error) : resolve(signature)))
  })
}
