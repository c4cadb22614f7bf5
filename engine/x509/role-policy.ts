import { formatDuration } from '../core/duration.ts'
import { ipOctets, isIpAddress } from './ip-address.ts'
import type { KeySpec } from './keys.ts'
import { rangeOctets } from './name-constraints.ts'
import type { SubjectAltNames } from './names.ts'

/** What a role lets its authority issue; durations in seconds, domains in lower-case A-labels. */
export interface RolePolicy {
  readonly allowedDomains: readonly string[]
  readonly allowSubdomains: boolean
  readonly allowBareDomains: boolean
  readonly allowWildcards: boolean
  readonly allowIpSans: boolean
  readonly allowedIpRanges: readonly string[]
  readonly allowedUris: readonly string[]
  readonly maxTtl: number
  readonly keyType: 'any' | KeySpec['type']
  readonly keyBits?: number
  readonly requireCn: boolean
}

/** What is asked of a role: every name of the certificate, wherever it came from (a spec or a CSR). */
export interface IssueRequest {
  readonly commonName?: string
  readonly names: SubjectAltNames
  readonly ttl: number
  readonly key: KeySpec
}

/** Why a role refuses a request; `subject` is the refused value. */
export interface PolicyViolation {
  readonly subject: string
  readonly message: string
  readonly remedy: string
}

/** All reasons for which the role refuses the request; empty when it may be issued. Nothing is clamped or dropped. */
export function policyViolations(policy: RolePolicy, request: IssueRequest): PolicyViolation[] {
  const { names, commonName } = request
  const hosts = new Set(names.dns)
  if (commonName !== undefined && !hosts.has(commonName) && !isIpAddress(commonName)) hosts.add(commonName)
  return [
    ...[...hosts].flatMap(name => refuseHost(policy, name)),
    ...names.ip.flatMap(address => refuseAddress(policy, address)),
    ...names.email.flatMap(address => refuseEmail(policy, address)),
    ...names.uri.flatMap(uri => refuseUri(policy, uri)),
    ...refuseTtl(policy, request.ttl),
    ...refuseKey(policy, request.key),
    ...(policy.requireCn && commonName === undefined
      ? [{ subject: 'commonName', message: 'the role requires a common name', remedy: 'add commonName' }]
      : []),
  ]
}

function refuseHost(policy: RolePolicy, name: string): PolicyViolation[] {
  const wildcard = name.startsWith('*.')
  if (wildcard && !policy.allowWildcards) {
    return [{ subject: name, message: `the role does not allow wildcards`, remedy: 'set allowWildcards: true' }]
  }
  const covered = policy.allowedDomains.some(domain => {
    // `*.d` stands for names below d, whether or not d itself may be issued.
    if (wildcard) return policy.allowSubdomains && isWithin(name.slice(2), domain)
    if (matchesPattern(name, domain)) return policy.allowBareDomains
    return policy.allowSubdomains && isWithin(name, domain)
  })
  if (covered) return []
  return [{ subject: name, message: `the role does not allow the name "${name}"`, remedy: remedyFor(policy, name) }]
}

function remedyFor(policy: RolePolicy, name: string): string {
  const base = name.replace(/^\*\./, '')
  if (policy.allowedDomains.some(domain => matchesPattern(base, domain)) && base === name) {
    return 'set allowBareDomains: true in the role'
  }
  if (policy.allowedDomains.some(domain => isWithin(base, domain))) return 'set allowSubdomains: true in the role'
  const allowed = policy.allowedDomains.join(', ') || 'none'
  return `add its domain to allowedDomains of the role (now: ${allowed}), or use another role`
}

function refuseAddress(policy: RolePolicy, address: string): PolicyViolation[] {
  if (!policy.allowIpSans) {
    return [
      {
        subject: address,
        message: 'the role does not allow IP addresses',
        remedy: 'set allowIpSans: true in the role',
      },
    ]
  }
  const ranges = policy.allowedIpRanges
  if (ranges.length === 0 || ranges.some(range => inRange(address, range))) return []
  return [
    {
      subject: address,
      message: `the role does not allow the address ${address}`,
      remedy: `choose one inside ${ranges.join(', ')}, or extend allowedIpRanges`,
    },
  ]
}

/** Address and mask of the range have the address's length, or the families differ. */
function inRange(address: string, range: string): boolean {
  const octets = ipOctets(address)
  const bounds = rangeOctets(range)
  const mask = bounds.subarray(octets.length)
  return bounds.length === octets.length * 2 && octets.every((o, i) => (o & (mask[i] ?? 0)) === bounds[i])
}

/** A mailbox is allowed where a host of its domain would be. */
function refuseEmail(policy: RolePolicy, address: string): PolicyViolation[] {
  const refused = refuseHost({ ...policy, allowBareDomains: true }, address.slice(address.lastIndexOf('@') + 1))
  return refused.map(({ remedy }) => ({ subject: address, message: `the role does not allow ${address}`, remedy }))
}

function refuseUri(policy: RolePolicy, uri: string): PolicyViolation[] {
  if (policy.allowedUris.some(pattern => glob(pattern, '.*').test(uri))) return []
  return [
    {
      subject: uri,
      message: `the role does not allow the URI ${uri}`,
      remedy: `add a pattern for it to allowedUris (now: ${policy.allowedUris.join(', ') || 'none'})`,
    },
  ]
}

function refuseTtl(policy: RolePolicy, ttl: number): PolicyViolation[] {
  if (ttl <= policy.maxTtl) return []
  const [asked, limit] = [formatDuration(ttl), formatDuration(policy.maxTtl)]
  return [
    {
      subject: asked,
      message: `the lifetime ${asked} exceeds the role's maxTtl ${limit}`,
      remedy: `ask for at most ${limit}, or raise maxTtl`,
    },
  ]
}

function refuseKey(policy: RolePolicy, key: KeySpec): PolicyViolation[] {
  const size = 'size' in key ? key.size : undefined
  const typeFits = policy.keyType === 'any' || policy.keyType === key.type
  if (typeFits && (policy.keyBits === undefined || policy.keyBits === size)) return []
  const wanted = `${policy.keyType}${policy.keyBits === undefined ? '' : ` with ${policy.keyBits} bits`}`
  const got = `${key.type}${size === undefined ? '' : ` with ${size} bits`}`
  return [{ subject: got, message: `the role asks for a key of type ${wanted}, not ${got}`, remedy: 'change the key' }]
}

/** Strictly below the domain, on a label border; `evilexample.com` is not within `example.com`. */
function isBelow(name: string, domain: string): boolean {
  const labels = name.split('.')
  const width = domain.split('.').length
  return labels.length > width && matchesPattern(labels.slice(-width).join('.'), domain)
}

function isWithin(name: string, domain: string): boolean {
  return matchesPattern(name, domain) || isBelow(name, domain)
}

/** A `*` in a domain pattern stands for any part of one label and never crosses a dot. */
function matchesPattern(name: string, pattern: string): boolean {
  return pattern.includes('*') ? glob(pattern.toLowerCase(), '[^.]*').test(name) : name === pattern.toLowerCase()
}

function glob(pattern: string, star: string): RegExp {
  const escaped = pattern.split('*').map(part => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
  // Adjacent stars would make matching quadratic without meaning more than one.
  return new RegExp(
    `^${escaped.filter((part, i) => part !== '' || i === 0 || i === escaped.length - 1).join(star)}$`,
    'u',
  )
}
