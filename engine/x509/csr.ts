import { type KeyObject, verify } from 'node:crypto'
import { EngineError } from '../core/errors.ts'
import { bitString, contextConstructed, element, integer, sequence, setOf, tag } from './der.ts'
import { DerError, DerReader } from './der-reader.ts'
import { attributeOf, encodeSubject, nameText, type SubjectAttributes } from './distinguished-name.ts'
import { decodeExtensions, decodeSubjectAltName } from './extension-fields.ts'
import { subjectAltName } from './extensions.ts'
import { checkPublicKey, type KeySpec, keySpecOf, spkiOf } from './keys.ts'
import { type SubjectAltNames, subjectAltNames } from './names.ts'
import { oidDer, oids } from './oids.ts'
import { fromPem } from './pem.ts'
import { acceptedSignature, signatureAlgorithmFor, signNow } from './signature-algorithms.ts'

export interface CsrRequest {
  readonly privateKey: KeyObject
  readonly commonName?: string | undefined
  readonly subject?: SubjectAttributes | undefined
  readonly names: Partial<SubjectAltNames>
}

/** A PKCS#10 request (DER, RFC 2986) for these names. Throws `name_invalid` or `key_refused`. */
export function createCsr(request: CsrRequest): Uint8Array {
  const { privateKey, commonName, subject } = request
  const algorithm = signatureAlgorithmFor(keySpecOf(privateKey))
  const name = encodeSubject({ ...subject, commonName })
  const san = subjectAltName(subjectAltNames(request.names), name.length === 2)
  const attributes = san ? [sequence(oidDer.extensionRequest, setOf(sequence(san)))] : []
  const info = sequence(integer(0), name, spkiOf(privateKey), element(contextConstructed(0), ...attributes))
  return sequence(info, algorithm.der, bitString(signNow(algorithm, info, privateKey)))
}

/**
 * What we take from a request: its key and its names. Every other extension it asks for (CA, usages…) is left behind
 * here, so that no caller can copy it.
 */
export interface CsrInfo {
  readonly der: Uint8Array
  readonly publicKey: KeyObject
  readonly keySpec: KeySpec
  readonly spki: Uint8Array
  /** RFC 4514. */
  readonly subjectText: string
  /** As written, not yet held against the names. */
  readonly commonName: string | undefined
  /** Canonical, of every extension request together. */
  readonly names: SubjectAltNames
}

const invalid = (why: string, remedy?: string, cause?: unknown): EngineError =>
  new EngineError('csr_invalid', `this is not a valid certificate request: ${why}`, {
    remedy:
      remedy ?? 'make a new one, for example: openssl req -new -key key.pem -addext subjectAltName=DNS:www.example.com',
    cause,
  })

/**
 * Parses a request and verifies its signature, which proves that the requester holds the key. Throws `csr_invalid`,
 * `key_refused` for keys that must not be certified, `name_invalid` for names that cannot be.
 */
export function parseCsr(input: string | Uint8Array): CsrInfo {
  const der = csrDer(input)
  try {
    return readCsr(der)
  } catch (error) {
    throw error instanceof DerError ? invalid(error.message, undefined, error) : error
  }
}

function csrDer(input: string | Uint8Array): Uint8Array {
  if (typeof input !== 'string' && input[0] === tag.sequence) return input
  const text = typeof input === 'string' ? input : Buffer.from(input).toString('latin1')
  const ders = fromPem(text, 'CERTIFICATE REQUEST')
  const [der] = ders
  if (der === undefined || ders.length !== 1) throw invalid(`there are ${ders.length} in a place for one`)
  return der
}

function readCsr(der: Uint8Array): CsrInfo {
  const outer = new DerReader(der)
  const request = outer.enter(tag.sequence, 'the request')
  outer.end('the request')
  const infoElement = request.expect(tag.sequence, 'the request info')
  const algorithm = request.enter(tag.sequence, 'the signature algorithm').oid('the signature algorithm')
  const signature = request.bitString('the signature')
  request.end('the signature')

  const info = request.within(infoElement)
  info.smallInteger('the version')
  const subject = info.whole(info.expect(tag.sequence, 'the subject'))
  const spki = info.whole(info.expect(tag.sequence, 'the public key'))
  const attributes = info.optional(contextConstructed(0))
  info.end('the request info')

  const { key, spec } = checkPublicKey(spki)
  verifySignature(algorithm, spec, key, request.whole(infoElement), signature)
  const names = attributes ? requestedNames(info.within(attributes)) : {}
  return {
    der,
    publicKey: key,
    keySpec: spec,
    spki,
    subjectText: nameText(subject),
    commonName: attributeOf(subject, oids.commonName),
    names: subjectAltNames(names),
  }
}

function verifySignature(dotted: string, spec: KeySpec, key: KeyObject, data: Uint8Array, signature: Uint8Array): void {
  const algorithm = acceptedSignature(dotted, spec)
  if (!algorithm) {
    throw invalid(
      `it is signed with the algorithm ${dotted}, which is not accepted`,
      'sign it with SHA-256 or better: openssl req -new -sha256',
    )
  }
  let valid = false
  try {
    valid = verify(algorithm.hash, data, key, signature)
  } catch {
    // OpenSSL throws for some malformed signatures; they are as wrong as any other.
  }
  if (!valid) {
    throw invalid('its signature does not match its key', 'make it again with the private key of its public key')
  }
}

/** Names of all extension requests: the attribute may stand several times, in either of its two spellings. */
function requestedNames(attributes: DerReader): SubjectAltNames {
  const names: Record<keyof SubjectAltNames, string[]> = { dns: [], ip: [], email: [], uri: [] }
  while (!attributes.done) {
    const attribute = attributes.enter(tag.sequence, 'an attribute')
    const type = attribute.oid('an attribute type')
    const values = attribute.enter(tag.set, 'an attribute value')
    attribute.end('an attribute')
    if (type !== oids.extensionRequest && type !== oids.microsoftExtensionRequest) continue
    while (!values.done) {
      const extensions = decodeExtensions(values.enter(tag.sequence, 'the requested extensions'))
      const san = extensions.get(oids.subjectAltName)
      if (!san) continue
      const found = decodeSubjectAltName(san.value)
      if (found.others > 0) {
        throw invalid(
          'it asks for names that are neither DNS names, IP addresses, mailboxes nor URIs',
          'remove otherName, dirName and the like: a name is never dropped in silence',
        )
      }
      for (const form of ['dns', 'ip', 'email', 'uri'] as const) names[form].push(...found.names[form])
    }
  }
  return names
}
