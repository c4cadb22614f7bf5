import { createPublicKey, hash, type KeyObject, X509Certificate } from 'node:crypto'
import { EngineError } from '../core/errors.ts'
import { contextConstructed, tag } from './der.ts'
import { DerError, DerReader } from './der-reader.ts'
import { attributeOf, nameText } from './distinguished-name.ts'
import {
  decodeAuthorityKeyIdentifier,
  decodeBasicConstraints,
  decodeExtendedKeyUsage,
  decodeExtensions,
  decodeKeyUsage,
  decodeSubjectAltName,
  decodeSubjectKeyIdentifier,
  type ExtensionField,
} from './extension-fields.ts'
import { spkiOf } from './keys.ts'
import type { NameConstraints } from './name-constraints.ts'
import { decodeNameConstraints } from './name-constraints-der.ts'
import type { SubjectAltNames } from './names.ts'
import { oids } from './oids.ts'
import { fromPem } from './pem.ts'
import { serialHex } from './serials.ts'
import type { KeyUsage } from './usages.ts'

/** What a certificate says, as it stands there: foreign names are not normalised. */
export interface CertificateInfo {
  readonly der: Uint8Array
  /** Upper-case hex without separators and leading zeros. */
  readonly serialHex: string
  /** Contents of the serial's INTEGER, sign octet included. */
  readonly serialOctets: Uint8Array
  /** RFC 4514. */
  readonly subjectText: string
  readonly issuerText: string
  readonly subjectDer: Uint8Array
  readonly issuerDer: Uint8Array
  readonly commonName: string | undefined
  readonly notBefore: Date
  /** The last second in which it is valid. */
  readonly notAfter: Date
  readonly names: SubjectAltNames
  readonly isCa: boolean
  readonly pathLength: number | undefined
  readonly ski: Uint8Array | undefined
  readonly aki: Uint8Array | undefined
  /** Undefined where the extension is absent: every usage. */
  readonly keyUsages: readonly KeyUsage[] | undefined
  /** Names or dotted OIDs; undefined where the extension is absent: every usage. */
  readonly extendedKeyUsages: readonly string[] | undefined
  readonly nameConstraints: NameConstraints | undefined
  readonly spkiDer: Uint8Array
  /** Loaded when asked. Throws `certificate_invalid` for algorithms that OpenSSL does not know. */
  readonly publicKey: KeyObject
  /** Dotted OID. */
  readonly signatureAlgorithm: string
  /** Extensions by dotted OID, for what has no field here. */
  readonly extensions: ReadonlyMap<string, ExtensionField>
}

/** Where a certificate is asked for: PEM text, DER, PEM octets, or one that is parsed already. */
export type CertificateInput = string | Uint8Array | CertificateInfo

const noNames: SubjectAltNames = { dns: [], ip: [], email: [], uri: [] }

const invalid = (why: string, cause?: unknown): EngineError =>
  new EngineError('certificate_invalid', `this is not a valid certificate: ${why}`, {
    remedy: 'give one certificate as PEM or DER; look at it with: openssl x509 -text -noout -in FILE',
    cause,
  })

/** Parses one certificate. Throws `certificate_invalid`, whatever the input is. */
export function parseCertificate(input: CertificateInput): CertificateInfo {
  if (typeof input !== 'string' && !(input instanceof Uint8Array)) return input
  const ders = certificateDers(input)
  const [der] = ders
  if (der === undefined || ders.length !== 1) throw invalid(`there are ${ders.length} in a place for one`)
  try {
    return readCertificate(der)
  } catch (error) {
    throw error instanceof DerError ? invalid(error.message, error) : error
  }
}

/** Parses every certificate of a PEM bundle, in order. Throws `certificate_invalid`. */
export function parseCertificates(input: string | Uint8Array): CertificateInfo[] {
  return certificateDers(input).map(parseCertificate)
}

function certificateDers(input: string | Uint8Array): Uint8Array[] {
  if (typeof input === 'string') return fromPem(input, 'CERTIFICATE')
  // DER starts with a SEQUENCE; anything else can only be PEM in octets.
  return input[0] === tag.sequence ? [input] : fromPem(Buffer.from(input).toString('latin1'), 'CERTIFICATE')
}

function readCertificate(der: Uint8Array): CertificateInfo {
  const outer = new DerReader(der)
  const certificate = outer.enter(tag.sequence, 'the certificate')
  outer.end('the certificate')
  const tbs = certificate.enter(tag.sequence, 'the signed part')
  const outerAlgorithm = certificate.expect(tag.sequence, 'the signature algorithm')
  certificate.bitString('the signature')
  certificate.end('the signature')

  const version = tbs.optional(contextConstructed(0))
  const versionNumber = version === undefined ? 0 : tbs.within(version).smallInteger('the version')
  if (versionNumber > 2) throw new DerError('an unknown version', version?.start ?? 0)
  const serialOctets = tbs.integer('the serial number')
  const innerAlgorithm = tbs.expect(tag.sequence, 'the signature algorithm')
  // RFC 5280 §4.1.1.2: the outer copy is not signed, so it must be the same.
  if (Buffer.compare(tbs.whole(innerAlgorithm), certificate.whole(outerAlgorithm)) !== 0) {
    throw new DerError('two different signature algorithms', outerAlgorithm.start)
  }
  const issuerDer = tbs.whole(tbs.expect(tag.sequence, 'the issuer'))
  const validity = tbs.enter(tag.sequence, 'the validity')
  const notBefore = validity.time('notBefore')
  const notAfter = validity.time('notAfter')
  validity.end('the validity')
  const subjectDer = tbs.whole(tbs.expect(tag.sequence, 'the subject'))
  const spkiDer = tbs.whole(tbs.expect(tag.sequence, 'the public key'))
  // issuerUniqueID and subjectUniqueID: obsolete, skipped.
  tbs.optional(0x81)
  tbs.optional(0x82)
  const found = tbs.optional(contextConstructed(3))
  const extensions = found
    ? decodeExtensions(tbs.within(found).enter(tag.sequence, 'the extensions'))
    : new Map<string, ExtensionField>()
  tbs.end('the signed part')

  const field = <T>(id: string, decode: (value: Uint8Array) => T): T | undefined => {
    const present = extensions.get(id)
    return present && decode(present.value)
  }
  const constraints = field(oids.basicConstraints, decodeBasicConstraints)
  let publicKey: KeyObject | undefined
  return {
    der,
    serialHex: serialHex(serialOctets),
    serialOctets,
    subjectText: nameText(subjectDer),
    issuerText: nameText(issuerDer),
    subjectDer,
    issuerDer,
    commonName: attributeOf(subjectDer, oids.commonName),
    notBefore,
    notAfter,
    names: field(oids.subjectAltName, decodeSubjectAltName)?.names ?? noNames,
    isCa: constraints?.ca ?? false,
    pathLength: constraints?.pathLength,
    ski: field(oids.subjectKeyIdentifier, decodeSubjectKeyIdentifier),
    aki: field(oids.authorityKeyIdentifier, decodeAuthorityKeyIdentifier),
    keyUsages: field(oids.keyUsage, decodeKeyUsage),
    extendedKeyUsages: field(oids.extendedKeyUsage, decodeExtendedKeyUsage),
    nameConstraints: field(oids.nameConstraints, decodeNameConstraints),
    spkiDer,
    get publicKey() {
      publicKey ??= loadPublicKey(spkiDer)
      return publicKey
    },
    signatureAlgorithm: certificate.within(outerAlgorithm).oid('the signature algorithm'),
    extensions,
  }
}

function loadPublicKey(spki: Uint8Array): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  } catch (cause) {
    throw invalid('its public key cannot be loaded', cause)
  }
}

/** SHA-256 of the DER in lower-case hex: how people compare certificates. */
export function fingerprintOf(der: Uint8Array): string {
  return hash('sha256', der, 'hex')
}

/**
 * The certificate's identity for renewal information: base64url of the AKI's key identifier, a dot, base64url of the
 * serial's INTEGER contents with a leading 00 where there is one (RFC 9773 §4.1). Throws `certificate_invalid`.
 */
export function ariCertId(input: CertificateInput): string {
  const { aki, serialOctets } = parseCertificate(input)
  if (!aki) throw invalid('it has no authority key identifier, which renewal information needs')
  return `${Buffer.from(aki).toString('base64url')}.${Buffer.from(serialOctets).toString('base64url')}`
}

/** Whether the certificate is for this private key. */
export function keyMatches(input: CertificateInput, privateKey: KeyObject): boolean {
  const { publicKey } = parseCertificate(input)
  return Buffer.compare(spkiOf(publicKey), spkiOf(privateKey)) === 0
}

/** Whether `parent` is named as the issuer and its key made the signature. Says nothing about validity or usages. */
export function verifySignedBy(child: CertificateInput, parent: CertificateInput): boolean {
  const signed = parseCertificate(child)
  const issuer = parseCertificate(parent)
  if (Buffer.compare(signed.issuerDer, issuer.subjectDer) !== 0) return false
  try {
    return new X509Certificate(signed.der).verify(issuer.publicKey)
  } catch (cause) {
    throw invalid('OpenSSL cannot read it', cause)
  }
}

/** Leaf first, each signed by the next. Throws `certificate_invalid` naming the first that is not. */
export function verifyChainOrder(chain: readonly CertificateInput[]): CertificateInfo[] {
  const parsed = chain.map(parseCertificate)
  for (const [i, child] of parsed.entries()) {
    const parent = parsed[i + 1]
    if (parent && !verifySignedBy(child, parent)) {
      throw new EngineError(
        'certificate_invalid',
        `certificate ${i + 1} of the chain (${child.subjectText || child.serialHex}) is not signed by the next one (${parent.subjectText})`,
        { remedy: 'order the chain leaf first, each certificate followed by its issuer' },
      )
    }
  }
  return parsed
}
