import { EngineError } from '../core/errors.ts'
import { contextConstructed, contextPrimitive, explicit, integer, tag } from './der.ts'
import { DerWriter } from './der-writer.ts'
import { emptyName, encodeSubject, type SubjectAttributes } from './distinguished-name.ts'
import {
  type AuthorityInformation,
  authorityInformationAccess,
  authorityKeyIdentifier,
  basicConstraints,
  crlDistributionPoints,
  extendedKeyUsage,
  keyUsage,
} from './extensions.ts'
import { ipOctets } from './ip-address.ts'
import { keyIdentifierOfBits } from './keys.ts'
import { enforceNameConstraints } from './name-constraints.ts'
import { type NameRules, type SubjectAltNames, sanOfCommonName, subjectAltNames } from './names.ts'
import { oidDer } from './oids.ts'
import { inspectPublicKey, type KeySpec } from './public-key.ts'
import { assertSerial, serialHex } from './serials.ts'
import {
  assertKeyUsage,
  assertUsagesNested,
  openSigner,
  refuseIssuersKey,
  type Signer,
  type SignerInput,
  signed,
  signedNow,
} from './signer.ts'
import { extendedKeyUsageName, extendedKeyUsageOid, type KeyUsage } from './usages.ts'
import { assertNested } from './validity.ts'

/** A CA that issues end-entity certificates. */
export interface Issuer extends Signer {
  /** Encodes once what every certificate of a role has in common. */
  template(profile: LeafProfile): LeafTemplate
}

/** What is constant per role. */
export interface LeafProfile {
  /** Names (`serverAuth`…) or dotted OIDs; empty means unlimited. */
  readonly extendedKeyUsages?: readonly string[]
  readonly authorityInformation?: AuthorityInformation
  readonly crlUrls?: readonly string[]
  readonly requireCommonName?: boolean
  /** Longest lifetime in seconds, the last one included. */
  readonly maxTtl?: number
  readonly nameRules?: NameRules
}

/** What differs per certificate. */
export interface LeafRequest {
  /** SubjectPublicKeyInfo, DER; a foreign one has been through `checkPublicKey` or `parseCsr`. */
  readonly spki: Uint8Array
  /** Must be one of the names. */
  readonly commonName?: string | undefined
  readonly subject?: SubjectAttributes | undefined
  readonly names: Partial<SubjectAltNames>
  /** From `nestValidity`; held against every issuer again. */
  readonly notBefore: Date
  readonly notAfter: Date
  /** From `serialSource`. */
  readonly serial: Uint8Array
}

export interface IssuedCertificate {
  readonly der: Uint8Array
  /** Upper-case hex without separators and leading zeros. */
  readonly serialHex: string
}

export interface LeafTemplate {
  /**
   * Issues one certificate; RSA signatures are made on the thread pool. Rejects with `name_invalid`,
   * `name_constraint_violation`, `validity_exceeds_issuer`, `role_violation` or `key_refused`.
   */
  issue(request: LeafRequest): Promise<IssuedCertificate>
  /** The same at once, for EC and Ed25519 issuers: nothing is faster. */
  issueSync(request: LeafRequest): IssuedCertificate
}

/** Opens a CA for issuing; errors as `openSigner`. */
export function createIssuer(input: SignerInput): Issuer {
  const signer = openSigner(input)
  return { ...signer, template: profile => leafTemplate(signer, profile) }
}

const version3 = explicit(0, integer(2))

function leafTemplate(signer: Signer, profile: LeafProfile): LeafTemplate {
  assertKeyUsage(signer, 'keyCertSign')
  const usages = profile.extendedKeyUsages ?? []
  assertUsagesNested(
    signer,
    usages.map(usage => extendedKeyUsageName(extendedKeyUsageOid(usage))),
  )
  const constants: LeafConstants = {
    algorithmAndIssuer: Buffer.concat([signer.algorithm.der, signer.certificate.subjectDer]),
    rsaExtensions: constantExtensions(signer, profile, ['digitalSignature', 'keyEncipherment']),
    // keyEncipherment is RSA key transport; other keys only sign (RFC 5480 §3, RFC 8410 §5).
    otherExtensions: constantExtensions(signer, profile, ['digitalSignature']),
  }
  const encode = (request: LeafRequest): Uint8Array => encodeLeaf(signer, profile, constants, request)
  return {
    issue: async request => {
      const tbs = encode(request)
      return { der: await signed(signer, tbs), serialHex: serialHex(request.serial) }
    },
    issueSync: request => ({ der: signedNow(signer, encode(request)), serialHex: serialHex(request.serial) }),
  }
}

interface LeafConstants {
  /** AlgorithmIdentifier, then the issuer's name byte for byte as its certificate has it. */
  readonly algorithmAndIssuer: Uint8Array
  readonly rsaExtensions: Uint8Array
  readonly otherExtensions: Uint8Array
}

function constantExtensions(signer: Signer, profile: LeafProfile, usages: readonly KeyUsage[]): Uint8Array {
  const all = [
    basicConstraints(false),
    keyUsage(usages),
    extendedKeyUsage(profile.extendedKeyUsages ?? []),
    authorityKeyIdentifier(signer.keyIdentifier),
    authorityInformationAccess(profile.authorityInformation ?? {}),
    crlDistributionPoints(profile.crlUrls ?? []),
  ]
  return Buffer.concat(all.filter(each => each !== undefined))
}

/** Checks one request and encodes its TBSCertificate (RFC 5280 §4.1.2). */
function encodeLeaf(signer: Signer, profile: LeafProfile, constants: LeafConstants, request: LeafRequest): Uint8Array {
  assertSerial(request.serial)
  assertNested(signer.chain, request, profile.maxTtl)
  refuseIssuersKey(signer, request.spki)
  const { spec, bits } = inspectPublicKey(request.spki)
  const names = subjectAltNames(request.names, profile.nameRules)
  const subject = subjectOf(profile, request, names)
  enforceNameConstraints(names, subject, signer.nameConstraints)

  const out = new DerWriter(1024)
  const start = out.length
  writeSubjectAltName(out, names, subject.length === emptyName.length)
  writeSubjectKeyIdentifier(out, keyIdentifierOfBits(bits))
  out.raw(extensionsFor(spec, constants))
  out.header(tag.sequence, start)
  out.header(contextConstructed(3), start)
  out.raw(request.spki)
  out.raw(subject)
  const validity = out.length
  out.time(request.notAfter)
  out.time(request.notBefore)
  out.header(tag.sequence, validity)
  out.raw(constants.algorithmAndIssuer)
  const serial = out.length
  out.raw(request.serial)
  out.header(tag.integer, serial)
  out.raw(version3)
  out.header(tag.sequence, start)
  return out.written()
}

const extensionsFor = (spec: KeySpec, constants: LeafConstants): Uint8Array =>
  spec.type === 'rsa' ? constants.rsaExtensions : constants.otherExtensions

/** The subject's Name; its common name is spelt as the SAN that it repeats (BR 7.1.4.3). */
function subjectOf(profile: LeafProfile, request: LeafRequest, names: SubjectAltNames): Uint8Array {
  const { commonName, subject } = request
  if (names.dns.length + names.ip.length + names.email.length + names.uri.length === 0) {
    throw new EngineError('name_invalid', 'the certificate has no name', {
      remedy: 'give at least one domain, IP address, mailbox or URI',
    })
  }
  if (commonName === undefined) {
    if (profile.requireCommonName) {
      throw new EngineError('role_violation', 'the certificate has no common name, which the role requires', {
        remedy: 'give commonName, one of the names',
      })
    }
    return subject === undefined ? emptyName : encodeSubject(subject)
  }
  const spelling = sanOfCommonName(names, commonName)
  if (spelling === undefined) {
    throw new EngineError('name_invalid', `the common name "${commonName}" is not one of the names`, {
      remedy: 'add it to the names, or leave commonName out',
    })
  }
  return encodeSubject({ ...subject, commonName: spelling })
}

const sanCritical = Buffer.concat([oidDer.subjectAltName, Buffer.from('0101ff', 'hex')])

function writeSubjectAltName(out: DerWriter, names: SubjectAltNames, critical: boolean): void {
  const start = out.length
  for (let i = names.uri.length - 1; i >= 0; i--) out.latin1(contextPrimitive(6), names.uri[i] ?? '')
  for (let i = names.email.length - 1; i >= 0; i--) out.latin1(contextPrimitive(1), names.email[i] ?? '')
  for (let i = names.ip.length - 1; i >= 0; i--) {
    const since = out.length
    out.raw(ipOctets(names.ip[i] ?? ''))
    out.header(contextPrimitive(7), since)
  }
  for (let i = names.dns.length - 1; i >= 0; i--) out.latin1(contextPrimitive(2), names.dns[i] ?? '')
  out.header(tag.sequence, start)
  out.header(tag.octetString, start)
  // Critical iff the subject is empty: RFC 5280 §4.2.1.6.
  out.raw(critical ? sanCritical : oidDer.subjectAltName)
  out.header(tag.sequence, start)
}

function writeSubjectKeyIdentifier(out: DerWriter, identifier: Uint8Array): void {
  const start = out.length
  out.raw(identifier)
  out.header(tag.octetString, start)
  out.header(tag.octetString, start)
  out.raw(oidDer.subjectKeyIdentifier)
  out.header(tag.sequence, start)
}
