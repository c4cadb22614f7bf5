import { domainToASCII, domainToUnicode } from 'node:url'
import { EngineError } from '../core/errors.ts'
import { isIpAddress, normaliseIp } from './ip-address.ts'

/** Names of a certificate by the form they take in subjectAltName; each in canonical spelling. */
export interface SubjectAltNames {
  readonly dns: readonly string[]
  readonly ip: readonly string[]
  readonly email: readonly string[]
  readonly uri: readonly string[]
}

export interface NameRules {
  /** Accept `_` in DNS names (service names of internal tools); refused by default (BR 7.1.4.2.1). */
  readonly underscores?: boolean
}

const refuse = (text: string, why: string, remedy: string): EngineError =>
  new EngineError('name_invalid', `"${text}" is not a name for a certificate: ${why}`, { remedy })

/** The common spelling, accepted without a closer look. */
const plain = /^(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/**
 * A DNS name as it stands in a certificate: lower-case A-labels without a trailing dot. A wildcard is the whole
 * left-most label and nothing else (RFC 6125 §6.4.3). Throws `name_invalid`.
 */
export function normaliseDnsName(text: string, rules: NameRules = {}): string {
  if (text.length <= 253 && plain.test(text) && !text.includes('xn--')) return text
  const wildcard = text.startsWith('*.')
  const name = (wildcard ? text.slice(2) : text).replace(/\.$/, '')
  if (name === '') throw refuse(text, 'it is empty', 'write a host name, for example www.example.com')
  if (name.includes('*')) {
    throw refuse(text, 'a wildcard must be the whole left-most label', 'write it like *.example.com')
  }
  if (isIpAddress(text)) throw refuse(text, 'it is an IP address', 'put it into ipAddresses')
  const ascii = toAscii(text, name)
  const labels = ascii.split('.')
  for (const label of labels) checkLabel(text, label, rules)
  if (/^(?:\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '')) {
    throw refuse(text, 'its last label is a number', 'write IP addresses as 10.0.0.1, without leading zeros')
  }
  const full = wildcard ? `*.${ascii}` : ascii
  if (full.length > 253) throw refuse(text, `it has ${full.length} characters`, 'use at most 253')
  return full
}

function toAscii(text: string, name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the ASCII range is what is meant
  if (/^[\x00-\x7f]*$/.test(name)) {
    const lower = name.toLowerCase()
    if (!lower.includes('xn--')) return lower
    // A label that claims to be punycode must be what its Unicode form encodes to.
    const unicode = domainToUnicode(lower)
    const valid = lower.split('.').every((label, i) => !label.startsWith('xn--') || unicode.split('.')[i] !== label)
    if (valid && domainToASCII(unicode) === lower) return lower
    throw refuse(text, 'it has a label with invalid punycode', 'write the name in Unicode instead')
  }
  // domainToASCII reads URL hosts: it would decode %41 and parse numbers, so only letters may reach it.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the ASCII range is what is meant
  const ascii = /[\x00-\x2c/\x3a-\x40\x5b-\x5e\x60\x7b-\x7f]/.test(name) ? '' : domainToASCII(name)
  if (ascii === '') throw refuse(text, 'it is no internationalised domain name', 'check its spelling')
  return ascii.replace(/\.$/, '')
}

function checkLabel(text: string, label: string, rules: NameRules): void {
  if (label === '') throw refuse(text, 'it has an empty label', 'put exactly one dot between labels')
  if (label.length > 63) throw refuse(text, 'it has a label of more than 63 characters', 'shorten the label')
  if (label.includes('_') && !rules.underscores) {
    throw refuse(text, 'it has an underscore', 'use a hyphen instead')
  }
  if (!/^[a-z0-9_-]+$/.test(label))
    throw refuse(text, 'it has a forbidden character', 'use letters, digits and hyphens')
  if (label.startsWith('-') || label.endsWith('-')) {
    throw refuse(text, 'a label starts or ends with a hyphen', 'remove the hyphen')
  }
}

/** A mailbox for rfc822Name (RFC 5280 §4.2.1.6): the local part as written, the host in lower-case A-labels. */
export function normaliseEmail(text: string): string {
  const at = text.lastIndexOf('@')
  const local = text.slice(0, at)
  if (
    at <= 0 ||
    local.length > 64 ||
    !/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/.test(local)
  ) {
    throw refuse(text, 'it is no mailbox', 'write it like someone@example.com')
  }
  const host = text.slice(at + 1)
  if (host.startsWith('*')) throw refuse(text, 'its host is a wildcard', 'write it like someone@example.com')
  return `${local}@${normaliseDnsName(host)}`
}

/** An absolute URI in ASCII (RFC 5280 §4.2.1.6), kept as written, for example a SPIFFE id. */
export function normaliseUri(text: string): string {
  const absolute = /^[A-Za-z][A-Za-z0-9+.-]*:[\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]+$/.test(text)
  if (!absolute || !URL.canParse(text)) {
    throw refuse(text, 'it is no absolute URI', 'write it like spiffe://example.com/service, percent-encoded')
  }
  return text
}

/** Canonical, without duplicates, in the order given. Throws `name_invalid` for the first name that cannot be used. */
export function subjectAltNames(names: Partial<SubjectAltNames>, rules: NameRules = {}): SubjectAltNames {
  return {
    dns: unique(names.dns, name => normaliseDnsName(name, rules)),
    ip: unique(names.ip, normaliseIp),
    email: unique(names.email, normaliseEmail),
    uri: unique(names.uri, normaliseUri),
  }
}

const none: readonly string[] = []

function unique(names: readonly string[] | undefined, normalise: (name: string) => string): readonly string[] {
  if (names === undefined || names.length === 0) return none
  if (names.length === 1) return names.map(normalise)
  return [...new Set(names.map(normalise))]
}

/**
 * Which form a name of unknown kind has: an IP address, a URI (`scheme:`), a mailbox (`@`), else a DNS name.
 * OpenSSL's prefixes `DNS:`, `IP:`, `email:` and `URI:` decide it outright.
 */
export function formOfName(text: string): { readonly form: keyof SubjectAltNames; readonly value: string } {
  const prefix = /^(dns|ip|email|uri):/i.exec(text)
  if (prefix?.[1] !== undefined) {
    // The expression has matched one of the four forms.
    return { form: prefix[1].toLowerCase() as keyof SubjectAltNames, value: text.slice(prefix[0].length) }
  }
  if (isIpAddress(text)) return { form: 'ip', value: text }
  // Not any `word:`, because `host:8080` is a mistake and no URI.
  if (/^(?:[a-z][a-z0-9+.-]*:\/\/|(?:urn|sips?|tag):)/i.test(text)) return { form: 'uri', value: text }
  return { form: text.includes('@') ? 'email' : 'dns', value: text }
}

/** Sorts a mixed list (`issue --san`) by form, canonical and without duplicates. Throws `name_invalid`. */
export function splitNames(values: readonly string[], rules: NameRules = {}): SubjectAltNames {
  const lists: Record<keyof SubjectAltNames, string[]> = { dns: [], ip: [], email: [], uri: [] }
  for (const each of values) {
    const { form, value } = formOfName(each)
    lists[form].push(value)
  }
  return subjectAltNames(lists, rules)
}

/** The names with the common name among them, first of its form: a CN must be one of the SANs (BR 7.1.4.3). */
export function withCommonName(names: SubjectAltNames, commonName: string, rules: NameRules = {}): SubjectAltNames {
  const { form, value } = formOfName(commonName)
  return subjectAltNames({ ...names, [form]: [value, ...names[form]] }, rules)
}

/** Every name in one list, for messages and role rules. */
export function allNames(names: SubjectAltNames): string[] {
  return [...names.dns, ...names.ip, ...names.email, ...names.uri]
}

/** The SAN that a common name stands for, in the SAN's spelling; undefined when it is none of them. */
export function sanOfCommonName(names: SubjectAltNames, commonName: string): string | undefined {
  const first = names.dns[0]
  if (commonName === first) return first
  const { form, value } = formOfName(commonName)
  const normalise = { dns: normaliseDnsName, ip: normaliseIp, email: normaliseEmail, uri: normaliseUri }[form]
  const wanted = form === 'dns' ? normaliseDnsName(value, { underscores: true }) : normalise(value)
  return names[form].includes(wanted) ? wanted : undefined
}
