import type { Address } from '../core/address.ts'
import { EngineError } from '../core/errors.ts'
import { identifierOf, isSameOrSubdomain, isSubdomain } from './names.ts'
import type { Zone } from './provider.ts'

/** What choosing needs to know of a DNS provider. */
export interface Candidate {
  readonly address: Address
  /** Glob patterns in the user's order; empty means "the zones that it discovers". */
  readonly managedZones: readonly string[]
  /** Names of its zones, where they were discovered. */
  readonly zones?: readonly string[]
}

/**
 * Whether a `managedZones` pattern covers an identifier (a name without `*.`): `x` covers x, `*.x` everything
 * below x at any depth but not x, `**.x` both.
 */
export function patternCovers(pattern: string, name: string): boolean {
  const glob = pattern.toLowerCase().replace(/\.$/, '')
  if (glob.startsWith('**.')) return isSameOrSubdomain(name, identifierOf(glob.slice(3)))
  if (glob.startsWith('*.')) return isSubdomain(name, identifierOf(glob.slice(2)))
  return name === identifierOf(glob)
}

/** The zone with the longest name that holds `name`, on a label border; a child zone hides its parent. */
export function bestZone<Z extends Pick<Zone, 'name'>>(zones: readonly Z[], name: string): Z | undefined {
  let best: Z | undefined
  for (const zone of zones) {
    if (isSameOrSubdomain(name, zone.name) && (best === undefined || zone.name.length > best.name.length)) best = zone
  }
  return best
}

/** The answer of `matchProvider`; `undetermined` is a provider whose zones would have to be discovered first. */
export type ProviderMatch<C extends Candidate> =
  | { readonly match: C }
  | { readonly undetermined: C }
  | { readonly mismatches: readonly string[] }

/**
 * The first provider, in creation order, that covers one of the names (the spellings under which one challenge may
 * be claimed: an identifier, or a CNAME's target and its zone). A provider with neither patterns nor discovered
 * zones stops the search as `undetermined`: whether a later one would be used depends on it.
 */
export function matchProvider<C extends Candidate>(
  candidates: readonly C[],
  names: readonly string[],
): ProviderMatch<C> {
  const mismatches: string[] = []
  for (const candidate of candidates) {
    const { managedZones, zones } = candidate
    if (managedZones.length === 0 && zones === undefined) return { undetermined: candidate }
    const covers =
      managedZones.length === 0
        ? (name: string) =>
            bestZone(
              (zones ?? []).map(zone => ({ name: zone })),
              name,
            ) !== undefined
        : (name: string) => managedZones.some(pattern => patternCovers(pattern, name))
    if (names.some(covers)) return { match: candidate }
    mismatches.push(`${candidate.address} ${whyNot(candidate, names[0] ?? '')}`)
  }
  return { mismatches }
}

/**
 * The provider for a domain name, wildcard or not. Throws `no_dns_provider`, which names each provider and why it
 * does not match.
 */
export function chooseProvider<C extends Candidate>(candidates: readonly C[], domain: string): C {
  const identifier = identifierOf(domain)
  const found = matchProvider(candidates, [identifier])
  if ('match' in found) return found.match
  throw noProvider(identifier, 'undetermined' in found ? [undiscovered(found.undetermined)] : found.mismatches)
}

/** The `no_dns_provider` error for an identifier, with the reason of each provider that was considered. */
export function noProvider(identifier: string, mismatches: readonly string[]): EngineError {
  const reasons = mismatches.length === 0 ? 'no DNS provider is declared' : mismatches.join('; ')
  return new EngineError('no_dns_provider', `no DNS provider manages ${identifier}: ${reasons}`, {
    remedy: `declare a DnsProvider whose managedZones cover it, for example "**.${identifier}"`,
    details: { identifier, providers: [...mismatches] },
  })
}

function whyNot({ managedZones, zones }: Candidate, name: string): string {
  if (managedZones.length === 0) {
    return zones === undefined || zones.length === 0 ? 'discovered no zones' : `discovered only ${listed(zones)}`
  }
  const almost = managedZones.find(pattern => pattern === `*.${name}`)
  // The trap of the pattern language: the challenge of the wildcard *.x is answered at x itself.
  if (almost) return `manages ${almost}, which covers what is below ${name} but not ${name} itself`
  return `manages only ${listed(managedZones)}`
}

const undiscovered = ({ address }: Candidate) => `${address} has no managedZones and its zones are not known`

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ')
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown
}
