import type { CertificateSpec, DnsProviderSpec } from '../../../schemas/generated/types.ts'
import { isJsonObject } from '../../core/json.ts'
import { type Candidate, matchProvider, noProvider } from '../../dns/managed-zones.ts'
import { identifierOf } from '../../dns/names.ts'
import type { Finding, Subject, World } from '../driver.ts'
import { specOf } from '../spec.ts'
import type { CertificateRequest } from './request.ts'

interface AccountQuestion {
  readonly subject: Subject
  readonly spec: CertificateSpec
  readonly request: CertificateRequest
}

/** Holds a certificate against what its ACME server and our DNS providers can do. */
export function checkAgainstAccount(question: AccountQuestion, world: World): readonly Finding[] {
  return [
    ...wildcardsByDns(question),
    ...everyNameHasAProvider(question, world),
    ...nothingIsCoveredTwice(question),
    ...profileExists(question, world),
  ]
}

/** RFC 8555 §8.3: http-01 proves one host; a CA signs wildcards only by dns-01. */
function wildcardsByDns({ spec, request }: AccountQuestion): readonly Finding[] {
  if (spec.challengeType === 'dns-01') return []
  return request.names.dns
    .filter(name => name.startsWith('*.'))
    .map(name => ({
      check: 'wildcard',
      level: 'error',
      code: 'schema_violation',
      message: `the wildcard ${name} cannot be proven by ${spec.challengeType}`,
      remedy: 'set challengeType: dns-01',
      pointer: '/spec/challengeType',
    }))
}

/** Each authorization identifier needs a provider; the match is on the name without `*.`. */
function everyNameHasAProvider({ spec, request, subject }: AccountQuestion, world: World): readonly Finding[] {
  if (spec.challengeType !== 'dns-01' || spec.dnsProvider !== undefined) return []
  const candidates = providerCandidates(world)
  const identifiers = new Set(request.names.dns.map(identifierOf))
  const delegations = subject.live?.facts.delegations
  return [...identifiers].flatMap(identifier => {
    const alias = isJsonObject(delegations) ? delegations[identifier] : undefined
    const spellings = typeof alias === 'string' ? [alias, alias.replace(/^_acme-challenge\./, '')] : [identifier]
    const found = matchProvider(candidates, spellings)
    if (!('mismatches' in found)) return []
    const { code, message, remedy = '' } = noProvider(identifier, found.mismatches)
    return [{ check: 'provider-match', level: 'error', code, message, remedy, pointer: '/spec/domains' } as const]
  })
}

/** Let's Encrypt refuses an order in which one name covers another (boulder#3524). */
function nothingIsCoveredTwice({ request }: AccountQuestion): readonly Finding[] {
  const wildcards = new Set(request.names.dns.filter(name => name.startsWith('*.')).map(name => name.slice(2)))
  return request.names.dns
    .filter(name => !name.startsWith('*.') && wildcards.has(name.slice(name.indexOf('.') + 1)))
    .map(name => ({
      check: 'redundant-name',
      level: 'warning',
      code: 'schema_violation',
      message: `${name} is already covered by a wildcard of the same certificate, which some CAs refuse`,
      remedy: 'leave it out',
      pointer: '/spec/domains',
    }))
}

function profileExists({ spec }: AccountQuestion, world: World): readonly Finding[] {
  const profiles = world.find('AcmeAccount', spec.account)?.live?.facts.profiles
  const { profile } = spec
  if (profile === undefined || !Array.isArray(profiles) || profiles.includes(profile)) return []
  return [
    {
      check: 'profile',
      level: 'error',
      code: 'schema_violation',
      message: `the ACME server has no profile "${profile}"`,
      remedy: profiles.length === 0 ? 'remove profile' : `use one of ${profiles.join(', ')}`,
      pointer: '/spec/profile',
    },
  ]
}

const candidatesOf = new WeakMap<World, readonly Candidate[]>()

/**
 * The providers that stay, in the order of their creation: new ones follow those that are recorded. Found once per
 * world, because each certificate asks.
 */
export function providerCandidates(world: World): readonly Candidate[] {
  const known = candidatesOf.get(world)
  if (known) return known
  const found = findCandidates(world)
  candidatesOf.set(world, found)
  return found
}

function findCandidates(world: World): Candidate[] {
  const stays = world.all('DnsProvider').filter(provider => !provider.going)
  const age = ({ recorded }: Subject) => recorded?.createdAt ?? '~'
  return stays
    .toSorted((a, b) => (age(a) < age(b) ? -1 : age(a) > age(b) ? 1 : 0))
    .map(provider => {
      const zones = provider.live?.facts.zones
      return {
        address: provider.address,
        managedZones: specOf<DnsProviderSpec>(provider).managedZones,
        ...(Array.isArray(zones) && { zones: zones.map(String) }),
      }
    })
}
