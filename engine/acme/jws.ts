import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { calculateJwkThumbprint, type FlattenedJWS, FlattenedSign } from 'jose'
import { EngineError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import type { Secret } from '../core/secret.ts'

/** A key that signs requests: an account's, or a certificate's own for its revocation. */
export interface SigningKey {
  /** JWS algorithm (RFC 7518 §3.1, RFC 8037). */
  readonly alg: string
  readonly privateKey: KeyObject
  /** The public half, required members only. */
  readonly jwk: Readonly<Record<string, string>>
  /** RFC 7638 thumbprint with SHA-256, base64url. */
  readonly thumbprint: string
}

/** RFC 8555 §6.2 leaves the algorithm to the client; a curve has exactly one, RSA gets the one all CAs take. */
const algorithms: Readonly<Record<string, string>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
  rsa: 'RS256',
  ed25519: 'EdDSA',
}

/** JWK members in a key's public half, by `kty` (RFC 7638 §3.2). */
const publicMembers: Readonly<Record<string, readonly string[]>> = {
  EC: ['crv', 'kty', 'x', 'y'],
  RSA: ['e', 'kty', 'n'],
  OKP: ['crv', 'kty', 'x'],
}

/** Prepares a private key for signing. Throws `key_refused` for a kind that ACME has no algorithm for. */
export async function signingKey(privateKey: KeyObject): Promise<SigningKey> {
  const kind = privateKey.asymmetricKeyDetails?.namedCurve ?? privateKey.asymmetricKeyType ?? 'unknown'
  const alg = algorithms[kind]
  if (privateKey.type !== 'private' || alg === undefined) {
    throw new EngineError('key_refused', `a ${kind} key cannot sign ACME requests`, {
      remedy: 'use an ec key with 256 or 384 bits, an rsa or an ed25519 key',
    })
  }
  const exported = createPublicKey(privateKey).export({ format: 'jwk' })
  const members = publicMembers[exported.kty ?? ''] ?? []
  const jwk = Object.fromEntries(members.map(name => [name, String(exported[name])]))
  return { alg, privateKey, jwk, thumbprint: await calculateJwkThumbprint(jwk, 'sha256') }
}

/** The same from sealed PKCS#8 DER. */
export function openSigningKey(pkcs8: Secret<Uint8Array>): Promise<SigningKey> {
  return signingKey(createPrivateKey({ key: Buffer.from(pkcs8.reveal()), format: 'der', type: 'pkcs8' }))
}

export interface SignedHeader {
  /** Absent in the inner JWS of a key change or an external account binding. */
  readonly nonce?: string
  /** The request's URL, to the letter. */
  readonly url: string
  /** The account's URL; the public key stands in its place where it is absent (RFC 8555 §6.2). */
  readonly kid?: string
}

/** Signs a request body. The payload '' makes a POST-as-GET (RFC 8555 §6.3). */
export function signRequest(key: SigningKey, header: SignedHeader, payload: JsonObject | ''): Promise<FlattenedJWS> {
  const { kid, ...others } = header
  return new FlattenedSign(new TextEncoder().encode(payload === '' ? '' : JSON.stringify(payload)))
    .setProtectedHeader({ alg: key.alg, ...others, ...(kid === undefined ? { jwk: { ...key.jwk } } : { kid }) })
    .sign(key.privateKey)
}

/** What a CA gives its customers so that an ACME account is bound to theirs. */
export interface ExternalAccount {
  readonly kid: string
  /** The MAC key as the CA shows it: base64url text. */
  readonly hmacKey: Secret
}

/**
 * RFC 8555 §7.3.4: the account's public key signed with the MAC key. Throws `acme_eab_required` when the MAC key is
 * not base64url text.
 */
export async function bindExternalAccount(
  external: ExternalAccount,
  key: SigningKey,
  newAccountUrl: string,
): Promise<JsonObject> {
  // Customers paste both alphabets, with and without padding.
  const text = external.hmacKey.reveal().trim().replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
  const mac = Buffer.from(text, 'base64url')
  if (mac.length === 0 || mac.toString('base64url') !== text) {
    throw new EngineError('acme_eab_required', 'the HMAC key of the external account binding is not base64url text', {
      remedy: 'copy externalAccountBinding.hmacKey as the CA shows it',
    })
  }
  const jws = await new FlattenedSign(new TextEncoder().encode(JSON.stringify(key.jwk)))
    .setProtectedHeader({ alg: 'HS256', kid: external.kid, url: newAccountUrl })
    .sign(mac)
  return asObject(jws)
}

/** A JWS as the JSON object that is sent. */
export function asObject(jws: FlattenedJWS): JsonObject {
  return { protected: jws.protected ?? '', payload: jws.payload, signature: jws.signature }
}
