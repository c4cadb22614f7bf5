import type { KeyObject } from 'node:crypto'
import { EngineError } from '../core/errors.ts'
import {
  type CertificateInfo,
  type CertificateInput,
  keyMatches,
  parseCertificate,
  verifyChainOrder,
} from './certificate.ts'
import { bitString, sequence } from './der.ts'
import { keyIdentifier, keySpecOf } from './keys.ts'
import type { NameConstraints } from './name-constraints.ts'
import type { KeySpec } from './public-key.ts'
import { type SignatureAlgorithm, signatureAlgorithmFor, signNow, signPooled } from './signature-algorithms.ts'
import type { KeyUsage } from './usages.ts'

/** A CA that can sign: certificate, key, and what its whole chain imposes on everything below. */
export interface Signer {
  readonly certificate: CertificateInfo
  /** Its own certificate, then its issuers as far as they are known. */
  readonly chain: readonly CertificateInfo[]
  readonly privateKey: KeyObject
  readonly keySpec: KeySpec
  readonly algorithm: SignatureAlgorithm
  /** The SKI that its certificate really has: what AKIs below it must say (RFC 5280 §4.2.1.1). */
  readonly keyIdentifier: Uint8Array
  /** Constraints of every certificate in the chain. */
  readonly nameConstraints: readonly NameConstraints[]
}

export interface SignerInput {
  readonly certificateDer: CertificateInput
  readonly privateKey: KeyObject
  /** The CA's own issuers, nearest first, up to the root. */
  readonly issuers?: readonly CertificateInput[]
}

const violation = (what: string, remedy: string): EngineError =>
  new EngineError('ca_constraint_violation', what, { remedy })

/**
 * Opens a CA for signing. Throws `certificate_invalid` (chain out of order), `key_refused` (not its key, weak key) or
 * `ca_constraint_violation` (no CA, or a path length above it does not allow it).
 */
export function openSigner(input: SignerInput): Signer {
  const { privateKey } = input
  const certificate = parseCertificate(input.certificateDer)
  const chain = verifyChainOrder([certificate, ...(input.issuers ?? [])])
  for (const each of chain) {
    if (!each.isCa) {
      throw violation(
        `${each.subjectText} is not a CA certificate`,
        'sign with a certificate whose basicConstraints say CA',
      )
    }
  }
  if (!keyMatches(certificate, privateKey)) {
    throw new EngineError(
      'key_refused',
      `the private key does not belong to the certificate of ${certificate.subjectText}`,
      {
        remedy: 'give the key that was made for this CA',
      },
    )
  }
  const keySpec = keySpecOf(privateKey)
  assertPathLengths(chain, 0)
  return {
    certificate,
    chain,
    privateKey,
    keySpec,
    algorithm: signatureAlgorithmFor(keySpec),
    keyIdentifier: certificate.ski ?? keyIdentifier(certificate.spkiDer),
    nameConstraints: chain.flatMap(each => each.nameConstraints ?? []),
  }
}

/**
 * RFC 5280 §4.2.1.9: a path length counts the CA certificates that may follow, self-issued ones not counted.
 * `below` of them are about to be added under the first of the chain.
 */
export function assertPathLengths(chain: readonly CertificateInfo[], below: number): void {
  const room = pathLengthRoom(chain, below)
  if (room.left >= 0) return
  throw violation(
    room.limit === 0
      ? `the path length of ${room.by} is 0: it must not sign other CAs`
      : `the path length of ${room.by} allows ${room.limit} CAs below it, this would be one more`,
    'sign with a CA higher up, or give that CA a larger maxPathLength',
  )
}

/** How many CAs may still follow once `below` are added, and which certificate says so; Infinity without a limit. */
export function pathLengthRoom(
  chain: readonly CertificateInfo[],
  below: number,
): { readonly left: number; readonly limit: number; readonly by: string } {
  let tightest = { left: Number.POSITIVE_INFINITY, limit: Number.POSITIVE_INFINITY, by: '' }
  let following = below
  for (const each of chain) {
    const limit = each.pathLength ?? Number.POSITIVE_INFINITY
    if (limit - following < tightest.left) tightest = { left: limit - following, limit, by: each.subjectText }
    if (Buffer.compare(each.subjectDer, each.issuerDer) !== 0) following++
  }
  return tightest
}

/** The CA's key usage must name this one, where it has the extension. Throws `ca_constraint_violation`. */
export function assertKeyUsage(signer: Signer, usage: KeyUsage): void {
  const { keyUsages, subjectText } = signer.certificate
  if (keyUsages === undefined || keyUsages.includes(usage)) return
  throw violation(`the key usage of ${subjectText} lacks ${usage}`, 'sign with a CA whose key usage has it')
}

/**
 * Every usage must be allowed by each CA of the chain that limits them, as most verifiers nest them. `usages` are
 * names as `extendedKeyUsageName` gives them. Throws `ca_constraint_violation`.
 */
export function assertUsagesNested(signer: Signer, usages: readonly string[]): void {
  for (const { extendedKeyUsages, subjectText } of signer.chain) {
    if (extendedKeyUsages === undefined || extendedKeyUsages.includes('any')) continue
    const extra = usages.filter(usage => !extendedKeyUsages.includes(usage))
    if (extra.length === 0) continue
    throw violation(
      `the CA ${subjectText} allows only ${extendedKeyUsages.join(', ')}, not ${extra.join(', ')}`,
      'remove these extended key usages, or issue from a CA that allows them',
    )
  }
}

/** A key certified twice in one chain would let a certificate pose as its issuer. Throws `key_refused`. */
export function refuseIssuersKey(signer: Signer, spki: Uint8Array): void {
  for (const { spkiDer, subjectText } of signer.chain) {
    if (spkiDer.length === spki.length && Buffer.compare(spkiDer, spki) === 0) {
      throw new EngineError('key_refused', `this is the key of the CA ${subjectText}`, { remedy: 'make a new key' })
    }
  }
}

/** `SIGNED{…}` of RFC 5280 §4.1.1: what is signed, the algorithm, the signature. RSA runs on the thread pool. */
export async function signed(signer: Pick<Signer, 'privateKey' | 'algorithm'>, tbs: Uint8Array): Promise<Uint8Array> {
  const { algorithm, privateKey } = signer
  if (privateKey.asymmetricKeyType !== 'rsa') return signedNow(signer, tbs)
  return sequence(tbs, algorithm.der, bitString(await signPooled(algorithm, tbs, privateKey)))
}

/** The same at once, on this thread. */
export function signedNow(
  { algorithm, privateKey }: Pick<Signer, 'privateKey' | 'algorithm'>,
  tbs: Uint8Array,
): Uint8Array {
  return sequence(tbs, algorithm.der, bitString(signNow(algorithm, tbs, privateKey)))
}
