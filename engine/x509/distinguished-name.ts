import { EngineError } from '../core/errors.ts'
import { element, printableString, sequence, setOf, tag, utf8String } from './der.ts'
import { DerError, DerReader } from './der-reader.ts'
import { oidDer, oids } from './oids.ts'

/** What a subject says besides its common name; the words of the manifest. */
export interface SubjectAttributes {
  readonly organization?: string | undefined
  readonly organizationalUnit?: string | undefined
  /** Two upper-case letters (ISO 3166). */
  readonly country?: string | undefined
  readonly province?: string | undefined
  readonly locality?: string | undefined
}

export interface Subject extends SubjectAttributes {
  readonly commonName?: string | undefined
}

/** In the order they are encoded, broad to narrow; upper bounds of RFC 5280 appendix A.1. */
const attributes = [
  ['country', 2],
  ['province', 128],
  ['locality', 128],
  ['organization', 64],
  ['organizationalUnit', 64],
  ['commonName', 64],
] as const satisfies readonly (readonly [keyof Subject, number])[]

/**
 * A Name (DER) with one attribute per RDN, UTF8String except for the country (RFC 5280 §4.1.2.4). Throws
 * `name_invalid`.
 */
export function encodeSubject(subject: Subject): Uint8Array {
  const parts: Uint8Array[] = []
  for (const [name, bound] of attributes) {
    const value = subject[name]
    if (value === undefined) continue
    checkAttribute(name, value, bound)
    const text = name === 'country' ? printableString(value) : utf8String(value)
    parts.push(setOf(sequence(oidDer[name], text)))
  }
  return sequence(...parts)
}

function checkAttribute(name: keyof Subject, value: string, bound: number): void {
  const refuse = (why: string, remedy: string): EngineError =>
    new EngineError('name_invalid', `the subject's ${name} ${why}`, { remedy })
  if (value.trim() === '') throw refuse('is empty', `leave ${name} out`)
  if (name === 'country' && !/^[A-Z]{2}$/.test(value)) {
    throw refuse(`"${value}" is not a country code`, 'use two capital letters, for example DE')
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (/[\x00-\x1f\x7f]/.test(value)) throw refuse('has a control character', 'remove it')
  const length = [...value].length
  if (length > bound) {
    const remedy = name === 'commonName' ? 'leave commonName out; clients read the alternative names' : 'shorten it'
    throw refuse(`has ${length} characters, more than ${bound}`, remedy)
  }
}

/** One attribute of a name as it was found. */
export interface NameAttribute {
  /** Dotted OID. */
  readonly type: string
  readonly value: string
}

const decoders: Readonly<Record<number, (octets: Buffer) => string>> = {
  [tag.utf8String]: octets => octets.toString('utf8'),
  [tag.printableString]: octets => octets.toString('latin1'),
  [tag.teletexString]: octets => octets.toString('latin1'),
  [tag.ia5String]: octets => octets.toString('latin1'),
  [tag.bmpString]: octets =>
    Buffer.from(octets)
      .subarray(0, octets.length & ~1)
      .swap16()
      .toString('utf16le'),
}

/** The RDNs of a Name (DER), each with its attributes. Throws `DerError`. */
export function decodeName(der: Uint8Array): NameAttribute[][] {
  const outer = new DerReader(der)
  const rdns = outer.enter(tag.sequence, 'the name')
  outer.end('the name')
  const found: NameAttribute[][] = []
  while (!rdns.done) {
    const rdn = rdns.enter(tag.set, 'an RDN')
    const parts: NameAttribute[] = []
    while (!rdn.done) {
      const attribute = rdn.enter(tag.sequence, 'an attribute')
      const type = attribute.oid('an attribute type')
      const value = attribute.any()
      attribute.end('an attribute')
      const octets = Buffer.from(attribute.contents(value))
      const decode = decoders[value.identifier]
      parts.push({ type, value: decode ? decode(octets) : `#${Buffer.from(attribute.whole(value)).toString('hex')}` })
    }
    if (parts.length === 0) throw new DerError('an empty RDN', 0)
    found.push(parts)
  }
  return found
}

const shortNames: Readonly<Record<string, string>> = {
  [oids.commonName]: 'CN',
  [oids.serialNumber]: 'serialNumber',
  [oids.country]: 'C',
  [oids.locality]: 'L',
  [oids.province]: 'ST',
  [oids.organization]: 'O',
  [oids.organizationalUnit]: 'OU',
  [oids.emailAddress]: 'emailAddress',
  [oids.domainComponent]: 'DC',
}

/** RFC 4514: narrow to broad, `CN=Corp Root CA,O=Corp,C=DE`. Throws `DerError`. */
export function nameText(der: Uint8Array): string {
  return decodeName(der)
    .reverse()
    .map(rdn => rdn.map(({ type, value }) => `${shortNames[type] ?? type}=${escapeValue(value)}`).join('+'))
    .join(',')
}

function escapeValue(value: string): string {
  return value
    .replace(/[\\",+;<>]/g, '\\$&')
    .replace(/^[ #]/, '\\$&')
    .replace(/ $/, '\\ ')
    .replaceAll('\0', '\\00')
}

/** The first value of an attribute, for example the common name. Throws `DerError`. */
export function attributeOf(der: Uint8Array, type: string): string | undefined {
  return decodeName(der)
    .flat()
    .find(each => each.type === type)?.value
}

/** The Name without any RDN. */
export const emptyName = element(tag.sequence)
