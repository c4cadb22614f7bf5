import { domainToASCII } from 'node:url'
import { EngineError } from '../core/errors.ts'

/**
 * The one spelling of a DNS name in this engine: lower case, A-labels (RFC 5890 §2.3.2.1), no trailing dot.
 * The root is `''`. A leading `*` label and labels with `_` are names like any other. Throws `schema_violation`.
 */
export function normaliseName(text: string): string {
  const trimmed = text.endsWith('.') ? text.slice(0, -1) : text
  // Plain ASCII never goes through the URL algorithm: it would read `10.1` as an IPv4 address.
  const ascii = isAscii(trimmed) ? trimmed.toLowerCase() : domainToASCII(trimmed)
  if (!isName(ascii) || (ascii === '' && trimmed !== '')) {
    throw new EngineError('schema_violation', `"${text}" is not a DNS name`, {
      remedy: 'write labels of 1 to 63 letters, digits, hyphens or underscores, joined by dots',
    })
  }
  return ascii
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7e) return false
  return true
}

/** RFC 1035 §2.3.4: labels of at most 63 octets, 255 octets on the wire (253 as text). */
function isName(name: string): boolean {
  if (name === '') return true
  return name.length <= 253 && name.split('.').every(label => /^[a-z0-9_*-]{1,63}$/.test(label))
}

/** The labels from left to right; none for the root. */
export function labelsOf(name: string): readonly string[] {
  return name === '' ? [] : name.split('.')
}

/** The name without its first label; undefined for the root, which has no parent. */
export function parentOf(name: string): string | undefined {
  if (name === '') return undefined
  const dot = name.indexOf('.')
  return dot === -1 ? '' : name.slice(dot + 1)
}

/** The name itself and all names above it, deepest first, without the root. */
export function selfAndParents(name: string): readonly string[] {
  const names: string[] = []
  for (let at: string | undefined = name; at !== undefined && at !== ''; at = parentOf(at)) names.push(at)
  return names
}

/** Whether `name` lies below `ancestor`, on a label border: `notacme.example` is no subdomain of `acme.example`. */
export function isSubdomain(name: string, ancestor: string): boolean {
  return ancestor === '' ? name !== '' : name.endsWith(`.${ancestor}`)
}

export function isSameOrSubdomain(name: string, ancestor: string): boolean {
  return name === ancestor || isSubdomain(name, ancestor)
}

/** The name that an authorization is for: RFC 8555 §7.1.3 takes the `*.` off a wildcard. */
export function identifierOf(domain: string): string {
  const name = normaliseName(domain)
  return name.startsWith('*.') ? name.slice(2) : name
}

/** RFC 8555 §8.4: where the TXT record of an identifier's dns-01 challenge is looked for. */
export function challengeName(identifier: string): string {
  return `_acme-challenge.${identifierOf(identifier)}`
}
