import { isIPv4 } from 'node:net'
import { EngineError } from '../core/errors.ts'
import { decodeName, type NameAttribute } from './distinguished-name.ts'
import { ipOctets, ipText } from './ip-address.ts'
import { normaliseDnsName, normaliseEmail, type SubjectAltNames } from './names.ts'

/** Subtrees by name form; IP ranges are CIDR. */
export type NameSubtrees = SubjectAltNames

/** RFC 5280 §4.2.1.10. A form without permitted subtrees is unlimited; excluded beats permitted. */
export interface NameConstraints {
  readonly permitted: NameSubtrees
  readonly excluded: NameSubtrees
  /** Foreign CAs only: subtrees of subject names, which we honour but never issue. */
  readonly permittedSubjects?: readonly NameAttribute[][][]
  readonly excludedSubjects?: readonly NameAttribute[][][]
}

/** As a manifest writes them: every list may be left out. */
export interface NameConstraintsInput {
  readonly permitted?: Partial<NameSubtrees> | undefined
  readonly excluded?: Partial<NameSubtrees> | undefined
}

/** Checks and canonicalises constraints for a CA certificate. Throws `name_invalid`. */
export function normaliseNameConstraints(input: NameConstraintsInput): NameConstraints {
  return { permitted: normaliseSubtrees(input.permitted), excluded: normaliseSubtrees(input.excluded) }
}

function normaliseSubtrees(input: Partial<NameSubtrees> = {}): NameSubtrees {
  return {
    dns: (input.dns ?? []).map(normaliseDnsSubtree),
    ip: (input.ip ?? []).map(normaliseRange),
    email: (input.email ?? []).map(each => (each.includes('@') ? normaliseEmail(each) : normaliseHostSubtree(each))),
    uri: (input.uri ?? []).map(normaliseHostSubtree),
  }
}

const refuse = (text: string, why: string, remedy: string): EngineError =>
  new EngineError('name_invalid', `"${text}" is not a name constraint: ${why}`, { remedy })

function normaliseDnsSubtree(text: string): string {
  // RFC 5280 §4.2.1.10 gives the leading dot a meaning for URIs and mailboxes only; verifiers disagree about it here.
  if (text.startsWith('.')) {
    throw refuse(text, 'a DNS constraint has no leading dot', `write "${text.slice(1)}"; it covers every subdomain`)
  }
  if (text.startsWith('*')) {
    throw refuse(text, 'a DNS constraint has no wildcard', `write "${text.replace(/^\*\.?/, '')}"`)
  }
  return normaliseDnsName(text)
}

function normaliseHostSubtree(text: string): string {
  return text.startsWith('.') ? `.${normaliseDnsName(text.slice(1))}` : normaliseDnsName(text)
}

function normaliseRange(text: string): string {
  const { address, prefix } = parseRange(text)
  const network = address.map((octet, i) => octet & maskOctet(prefix, i))
  const start = `${ipText(network)}/${prefix}`
  if (Buffer.compare(network, address) !== 0) {
    throw refuse(text, 'its address lies inside the range', `write the range's start: ${start}`)
  }
  return start
}

/** Address and prefix length of a CIDR range; an address alone is a range of one. Throws `name_invalid`. */
function parseRange(text: string): { readonly address: Uint8Array; readonly prefix: number } {
  const [written = '', bits, ...rest] = text.split('/')
  const address = ipOctets(written)
  const size = address.length * 8
  const prefix = bits === undefined ? size : Number(bits)
  // An IPv4-mapped range would count its bits from another start.
  const mapped = size === 32 && !isIPv4(written)
  if (rest.length > 0 || (bits !== undefined && (mapped || !/^\d{1,3}$/.test(bits))) || prefix > size) {
    throw refuse(text, 'it is no CIDR range', 'write it like 10.0.0.0/8 or 2001:db8::/32')
  }
  return { address, prefix }
}

const maskOctet = (prefix: number, index: number): number =>
  (0xff00 >> Math.min(8, Math.max(0, prefix - index * 8))) & 0xff

/** Address and mask, 8 or 32 octets, as the extension holds them. Throws `name_invalid`. */
export function rangeOctets(range: string): Uint8Array {
  const { address, prefix } = parseRange(range)
  return Buffer.concat([address, address.map((_octet, i) => maskOctet(prefix, i))])
}

/** One name that the constraints of an issuer forbid. */
export interface NameConstraintViolation {
  readonly name: string
  readonly form: keyof SubjectAltNames | 'subject'
  /** `excluded by corp.example` or `not within corp.example, corp.test`. */
  readonly because: string
}

const forms = ['dns', 'ip', 'email', 'uri'] as const

/** Every name that some issuer's constraints forbid; the first reason for each. */
export function nameConstraintViolations(
  names: SubjectAltNames,
  constraints: readonly NameConstraints[],
): NameConstraintViolation[] {
  const found: NameConstraintViolation[] = []
  for (const { permitted, excluded } of constraints) {
    for (const form of forms) {
      for (const name of names[form]) {
        const because = verdict(form, name, permitted[form], excluded[form])
        if (because !== undefined && !found.some(each => each.name === name && each.form === form)) {
          found.push({ name, form, because })
        }
      }
    }
  }
  return found
}

function verdict(
  form: (typeof forms)[number],
  name: string,
  permitted: readonly string[],
  excluded: readonly string[],
): string | undefined {
  if (form === 'uri' && permitted.length + excluded.length > 0 && uriHost(name) === undefined) {
    // RFC 5280 §4.2.1.10: a URI without a host name cannot be judged and must be refused.
    return 'without a host name to hold against the URI constraints'
  }
  const hit = excluded.find(subtree => within(form, name, subtree, 'excluded'))
  if (hit !== undefined) return `excluded by ${hit === '' ? 'a constraint on every name' : hit}`
  if (permitted.length === 0 || permitted.some(subtree => within(form, name, subtree, 'permitted'))) return undefined
  return `not within ${permitted.join(', ')}`
}

function within(form: (typeof forms)[number], name: string, subtree: string, side: 'permitted' | 'excluded'): boolean {
  switch (form) {
    case 'dns':
      return dnsWithin(name.toLowerCase(), subtree.toLowerCase(), side)
    case 'ip':
      return ipWithin(name, subtree)
    case 'email': {
      const host = name.slice(name.lastIndexOf('@') + 1).toLowerCase()
      if (!subtree.includes('@')) return hostWithin(host, subtree.toLowerCase())
      // Local parts are case-sensitive in theory; an exclusion must not be escaped by spelling.
      return side === 'excluded' ? name.toLowerCase() === subtree.toLowerCase() : name === subtree
    }
    case 'uri':
      return hostWithin(uriHost(name) ?? '', subtree.toLowerCase())
  }
}

function dnsWithin(name: string, subtree: string, side: 'permitted' | 'excluded'): boolean {
  if (subtree === '') return true
  // A leading dot is not RFC 5280, but foreign CAs have it and mean "subdomains only".
  const bare = subtree.startsWith('.') ? subtree.slice(1) : subtree
  if (name.startsWith('*.') && side === 'excluded') {
    // The wildcard stands for excluded names too when it covers the subtree's own top.
    const parent = name.slice(2)
    if (bare === parent || bare.slice(bare.indexOf('.') + 1) === parent) return true
  }
  return name.endsWith(`.${bare}`) || (name === bare && bare === subtree)
}

const hostWithin = (host: string, subtree: string): boolean =>
  subtree === '' || (subtree.startsWith('.') ? host.endsWith(subtree) && host !== subtree : host === subtree)

function uriHost(uri: string): string | undefined {
  // Read from the text: URL leaves the host of unknown schemes as it is, upper case included.
  const host = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)/i.exec(uri)?.[1]?.toLowerCase()
  return host === undefined || host === '' || host.startsWith('[') || isIPv4(host) ? undefined : host
}

function ipWithin(address: string, range: string): boolean {
  const octets = ipOctets(address)
  const bounds = range.includes('/') ? rangeOctets(range) : Buffer.from(range, 'hex')
  if (bounds.length !== octets.length * 2) return false
  return octets.every((octet, i) => ((octet ^ (bounds[i] ?? 0)) & (bounds[i + octets.length] ?? 0)) === 0)
}

/**
 * Throws `name_constraint_violation` naming every name and the constraint it breaks. `subject` (DER) is held against
 * subtrees of subject names, where a foreign CA has them.
 */
export function enforceNameConstraints(
  names: SubjectAltNames,
  subject: Uint8Array,
  constraints: readonly NameConstraints[],
): void {
  if (constraints.length === 0) return
  const found = nameConstraintViolations(names, constraints)
  const subjectBecause = subjectVerdict(subject, constraints)
  if (subjectBecause !== undefined) found.push({ name: 'the subject', form: 'subject', because: subjectBecause })
  if (found.length === 0) return
  const list = found.map(({ name, because }) => `${name} is ${because}`).join('; ')
  throw new EngineError('name_constraint_violation', `the issuer's name constraints forbid it: ${list}`, {
    remedy: 'remove these names, or issue from a CA whose name constraints allow them',
    details: { names: found.map(({ name, form, because }) => ({ name, form, because })) },
  })
}

function subjectVerdict(subject: Uint8Array, constraints: readonly NameConstraints[]): string | undefined {
  if (constraints.every(each => !each.permittedSubjects && !each.excludedSubjects)) return undefined
  const rdns = decodeName(subject)
  if (rdns.length === 0) return undefined
  for (const { permittedSubjects, excludedSubjects } of constraints) {
    if (excludedSubjects?.some(base => startsWith(rdns, base))) return 'excluded by a constraint on subject names'
    if (permittedSubjects && !permittedSubjects.some(base => startsWith(rdns, base))) {
      return 'not within the permitted subject names'
    }
  }
  return undefined
}

/** RFC 5280 §7.1: case and repeated white space do not count. */
const fold = (rdn: readonly NameAttribute[]): string =>
  JSON.stringify(rdn.map(({ type, value }) => `${type}=${value.trim().replace(/\s+/g, ' ').toLowerCase()}`).sort())

const startsWith = (rdns: readonly NameAttribute[][], base: readonly NameAttribute[][]): boolean =>
  base.every((rdn, i) => {
    const own = rdns[i]
    return own !== undefined && fold(own) === fold(rdn)
  })
