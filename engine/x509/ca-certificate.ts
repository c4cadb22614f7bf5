import type { KeyObject } from 'node:crypto'
import { EngineError } from '../core/errors.ts'
import { explicit, integer, sequence, time, unsignedInteger } from './der.ts'
import { encodeSubject, type SubjectAttributes } from './distinguished-name.ts'
import {
  type AuthorityInformation,
  authorityInformationAccess,
  authorityKeyIdentifier,
  basicConstraints,
  crlDistributionPoints,
  extendedKeyUsage,
  extension,
  keyUsage,
  subjectKeyIdentifier,
} from './extensions.ts'
import type { IssuedCertificate } from './issue.ts'
import { keyIdentifier, keySpecOf, spkiOf } from './keys.ts'
import { enforceNameConstraints, type NameConstraintsInput, normaliseNameConstraints } from './name-constraints.ts'
import { encodeNameConstraints } from './name-constraints-der.ts'
import { assertSerial, serialHex } from './serials.ts'
import { signatureAlgorithmFor } from './signature-algorithms.ts'
import {
  assertKeyUsage,
  assertPathLengths,
  assertUsagesNested,
  pathLengthRoom,
  refuseIssuersKey,
  type Signer,
  signed,
} from './signer.ts'
import { extendedKeyUsageName, extendedKeyUsageOid } from './usages.ts'
import { assertNested } from './validity.ts'

/** Who signs: a root itself, or the CA above an intermediate. */
export type CaSigning =
  | { readonly selfSignedBy: KeyObject }
  | {
      readonly issuer: Signer
      /** SubjectPublicKeyInfo of the new CA, DER. */
      readonly spki: Uint8Array
    }

export interface CaRequest {
  readonly signing: CaSigning
  readonly commonName: string
  readonly subject?: SubjectAttributes | undefined
  /** From `nestValidity`. */
  readonly notBefore: Date
  readonly notAfter: Date
  /** From `newSerial`. */
  readonly serial: Uint8Array
  /** CAs that may follow; without it an intermediate gets what the chain above leaves, a root no limit. */
  readonly maxPathLength?: number | undefined
  readonly nameConstraints?: NameConstraintsInput | undefined
  /** Limits everything below it; names or dotted OIDs. */
  readonly extendedKeyUsages?: readonly string[] | undefined
  readonly authorityInformation?: AuthorityInformation | undefined
  readonly crlUrls?: readonly string[] | undefined
}

/**
 * Signs a root or intermediate CA certificate. Rejects with `ca_constraint_violation` (path length, usages, subject of
 * the issuer), `validity_exceeds_issuer`, `name_constraint_violation`, `name_invalid` or `key_refused`.
 */
export async function signCaCertificate(request: CaRequest): Promise<IssuedCertificate> {
  const { signing } = request
  const issuer = 'issuer' in signing ? signing.issuer : undefined
  const spki = 'issuer' in signing ? signing.spki : spkiOf(signing.selfSignedBy)
  const subject = encodeSubject({ ...request.subject, commonName: request.commonName })
  const usages = request.extendedKeyUsages ?? []
  assertSerial(request.serial)
  assertNested(issuer?.chain ?? [], request)
  if (issuer) assertAllowed(issuer, spki, subject, usages)
  const maxPathLength = pathLengthFor(issuer, request.maxPathLength)

  const identifier = keyIdentifier(spki)
  const constraints = encodeNameConstraints(normaliseNameConstraints(request.nameConstraints ?? {}))
  const extensions = [
    basicConstraints(true, maxPathLength),
    keyUsage(['keyCertSign', 'cRLSign']),
    extendedKeyUsage(usages),
    subjectKeyIdentifier(identifier),
    authorityKeyIdentifier(issuer?.keyIdentifier ?? identifier),
    // RFC 5280 §4.2.1.10: name constraints MUST be critical.
    constraints && extension('nameConstraints', true, constraints),
    authorityInformationAccess(request.authorityInformation ?? {}),
    crlDistributionPoints(request.crlUrls ?? []),
  ].filter(each => each !== undefined)

  const key = 'issuer' in signing ? signing.issuer : ownSigning(signing.selfSignedBy)
  const tbs = sequence(
    explicit(0, integer(2)),
    unsignedInteger(request.serial),
    key.algorithm.der,
    issuer?.certificate.subjectDer ?? subject,
    sequence(time(request.notBefore), time(request.notAfter)),
    subject,
    spki,
    explicit(3, sequence(...extensions)),
  )
  return { der: await signed(key, tbs), serialHex: serialHex(request.serial) }
}

const ownSigning = (privateKey: KeyObject): Pick<Signer, 'privateKey' | 'algorithm'> => ({
  privateKey,
  algorithm: signatureAlgorithmFor(keySpecOf(privateKey)),
})

function assertAllowed(issuer: Signer, spki: Uint8Array, subject: Uint8Array, usages: readonly string[]): void {
  assertKeyUsage(issuer, 'keyCertSign')
  assertPathLengths(issuer.chain, 1)
  assertUsagesNested(
    issuer,
    usages.map(usage => extendedKeyUsageName(extendedKeyUsageOid(usage))),
  )
  refuseIssuersKey(issuer, spki)
  if (issuer.chain.some(each => Buffer.compare(each.subjectDer, subject) === 0)) {
    // Verifiers would take it for a self-issued certificate and build the wrong path.
    throw new EngineError('ca_constraint_violation', 'the new CA has the same subject as a CA above it', {
      remedy: 'give it another commonName',
    })
  }
  enforceNameConstraints({ dns: [], ip: [], email: [], uri: [] }, subject, issuer.nameConstraints)
}

/** RFC 5280 §4.2.1.9: always below what the chain above leaves. */
function pathLengthFor(issuer: Signer | undefined, wanted: number | undefined): number | undefined {
  if (wanted !== undefined && (!Number.isInteger(wanted) || wanted < 0)) {
    throw new EngineError('schema_violation', `a path length cannot be ${wanted}`, { remedy: 'use 0 or more' })
  }
  const room = issuer ? pathLengthRoom(issuer.chain, 1) : undefined
  if (room === undefined || room.left === Number.POSITIVE_INFINITY) return wanted
  if (wanted !== undefined && wanted > room.left) {
    throw new EngineError(
      'ca_constraint_violation',
      `a path length of ${wanted} is more than the ${room.left} that ${room.by} leaves`,
      { remedy: `set maxPathLength to at most ${room.left}` },
    )
  }
  return wanted ?? room.left
}
