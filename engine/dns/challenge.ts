import type { Address } from '../core/address.ts'
import { EngineError } from '../core/errors.ts'
import type { Clock, Log, Trace } from '../core/ports.ts'
import { type AliasTarget, followAliases } from './alias.ts'
import { type Authority, findAuthority, type NameServer } from './authority.ts'
import { parseEndpoint } from './endpoint.ts'
import { type DnsTransport, socketTransport } from './exchange.ts'
import { bestZone, type Candidate, matchProvider, noProvider } from './managed-zones.ts'
import { challengeName, identifierOf, isSubdomain } from './names.ts'
import { awaitPropagation } from './propagation.ts'
import type { DnsProvider, Zone } from './provider.ts'
import { createResolver, type Resolver, systemResolvers } from './resolver.ts'
import { createTurns, type Turns } from './turns.ts'

/** A DNS provider ready for use, as declared. */
export interface OpenedProvider {
  readonly address: Address
  readonly managedZones: readonly string[]
  readonly provider: DnsProvider
  readonly propagation: {
    /** Seconds; default 300. */
    readonly timeout?: number
    /** `host:port` of the servers to ask instead of the discovered ones. */
    readonly nameservers?: readonly string[]
  }
}

/** Where a challenge's TXT value goes. Plain JSON: the journal keeps it, and cleanup after a crash needs no look-up. */
export interface ChallengeLocation {
  readonly identifier: string
  /** The name of the TXT record, after CNAMEs. */
  readonly fqdn: string
  readonly provider: Address
  readonly zone: Zone
}

export interface ChallengeDns {
  /**
   * Finds provider, zone and name for an identifier (wildcard or not). Nothing is written. Throws `no_dns_provider`,
   * `dns_zone_not_found`, `dns_lookup_failed`, or what the provider throws.
   */
  locate(identifier: string, options?: { readonly provider?: Address }): Promise<ChallengeLocation>
  /** Adds one value; another one at the same name stays. */
  present(location: ChallengeLocation, value: string): Promise<void>
  /** Waits until every authoritative server shows all values; throws `propagation_timeout`. */
  awaitVisible(location: ChallengeLocation, values: readonly string[]): Promise<void>
  /** Removes exactly that value; one that is not there is fine. */
  cleanup(location: ChallengeLocation, value: string): Promise<void>
}

export interface ChallengeDnsOptions {
  /** In the order of their creation: the first one that matches is used. */
  readonly providers: readonly OpenedProvider[]
  readonly clock: Clock
  readonly trace: Trace
  readonly log: Log
  readonly signal?: AbortSignal | undefined
  /** `host:port` of a recursive resolver; the system's when absent. */
  readonly resolver?: string | undefined
  readonly transport?: DnsTransport | undefined
  /** Milliseconds before the second look at propagation; default 1,000. */
  readonly firstPause?: number | undefined
  readonly turns?: Turns | undefined
}

/** One writer at a time per provider, zone and name in this process: RRset APIs read, merge and write. */
const processTurns = createTurns()

/** What the dns-01 solver uses: picks the provider, writes, waits and removes. */
export function createChallengeDns(options: ChallengeDnsOptions): ChallengeDns {
  const { providers, clock, trace, log, signal, transport = socketTransport, turns = processTurns } = options
  const servers = options.resolver === undefined ? systemResolvers() : [parseEndpoint(options.resolver)]
  const resolver = createResolver({ transport, servers, signal })
  const context = { transport, resolver, signal }

  async function locate(domain: string, override: { readonly provider?: Address } = {}): Promise<ChallengeLocation> {
    const identifier = identifierOf(domain)
    const known = knownZones()
    const allowed = override.provider === undefined ? providers : [opened(override.provider)]
    const overridden = override.provider !== undefined
    const target = await followAliases(challengeName(identifier), {
      ...context,
      serversFor: name => configuredServers(allowed, name, overridden, resolver),
    })
    const claims =
      target.chain.length === 1 ? [identifier] : [target.fqdn, target.fqdn.replace(/^_acme-challenge\./, '')]
    const chosen = overridden ? opened(override.provider) : await choose(claims, target, known)
    const zone = await known.of(chosen, target.fqdn)
    if (zone === undefined) throw zoneMissing(target.fqdn, chosen, await known.all(chosen))
    if ((chosen.propagation.nameservers ?? []).length === 0) checkDelegation(target, zone, chosen)
    return { identifier, fqdn: target.fqdn, provider: chosen.address, zone }
  }

  async function choose(claims: readonly string[], target: AliasTarget, known: KnownZones): Promise<OpenedProvider> {
    const mismatches: string[] = []
    for (const provider of providers) {
      const own = provider.managedZones.length === 0 ? await known.of(provider, claims[0] ?? '') : undefined
      const all = own === undefined && provider.managedZones.length === 0 ? await known.all(provider) : []
      const candidate: Candidate = { ...provider, zones: own ? [own.name] : all.map(zone => zone.name) }
      // A delegated name is often claimed by the zone that it lies in.
      const zone = target.chain.length > 1 ? target.authority?.zone : undefined
      const found = matchProvider([candidate], zone ? [...claims, zone] : claims)
      if ('match' in found) return provider
      if ('mismatches' in found) mismatches.push(...found.mismatches)
    }
    const alias = target.chain.length > 1 ? ` (delegated by CNAME: ${target.chain.join(' -> ')})` : ''
    throw noProvider(`${claims[0]}${alias}`, mismatches)
  }

  function opened(address: Address | undefined): OpenedProvider {
    const found = providers.find(provider => provider.address === address)
    if (found) return found
    throw new EngineError('reference_unknown', `${address} is not a known DNS provider`, {
      remedy: 'name a declared DnsProvider',
    })
  }

  function write(verb: 'present' | 'cleanup', location: ChallengeLocation, value: string): Promise<void> {
    const { provider: address, zone, fqdn } = location
    const { provider } = opened(address)
    const attributes = { provider: address, zone: zone.name, name: fqdn }
    return turns.take(`${address} ${zone.id} ${fqdn}`, () =>
      trace.span(`dns.${verb}`, attributes, () => provider[verb](zone, fqdn, value)),
    )
  }

  async function awaitVisible(location: ChallengeLocation, values: readonly string[]): Promise<void> {
    const { propagation } = opened(location.provider)
    const pause = options.firstPause === undefined ? {} : { firstPause: options.firstPause }
    const timeout = propagation.timeout === undefined ? {} : { timeout: propagation.timeout }
    await awaitPropagation(
      {
        name: location.fqdn,
        values,
        servers: await serversOf(location, propagation.nameservers ?? []),
        ...pause,
        ...timeout,
      },
      { transport, clock, trace, log, signal },
    )
  }

  async function serversOf(location: ChallengeLocation, configured: readonly string[]): Promise<readonly NameServer[]> {
    if (configured.length > 0) return resolved(configured, resolver)
    try {
      return (await findAuthority(location.fqdn, context)).servers
    } catch (error) {
      if (!(error instanceof EngineError) || location.zone.nameservers.length === 0) throw error
      return resolved(location.zone.nameservers, resolver)
    }
  }

  return {
    locate,
    present: (location, value) => write('present', location, value),
    awaitVisible,
    cleanup: (location, value) => write('cleanup', location, value),
  }
}

interface KnownZones {
  all(opened: OpenedProvider): Promise<readonly Zone[]>
  of(opened: OpenedProvider, name: string): Promise<Zone | undefined>
}

/** Each provider's zones, asked at most once per look-up. */
function knownZones(): KnownZones {
  const lists = new Map<Address, Promise<readonly Zone[]>>()
  const all = ({ address, provider }: OpenedProvider) => {
    const list = lists.get(address) ?? provider.zones()
    lists.set(address, list)
    return list
  }
  return {
    all,
    of: async (opened, name) => bestZone(await all(opened), name) ?? (await opened.provider.findZone?.(name)),
  }
}

/** The servers configured for the provider that would be chosen for a name, in place of discovery. */
async function configuredServers(
  providers: readonly OpenedProvider[],
  name: string,
  always: boolean,
  resolver: Resolver,
): Promise<Authority | undefined> {
  const claims = [name.replace(/^_acme-challenge\./, ''), name]
  const found = providers.find(provider => {
    const match = matchProvider([{ address: provider.address, managedZones: provider.managedZones }], claims)
    return always || 'match' in match || 'undetermined' in match
  })
  const nameservers = found?.propagation.nameservers ?? []
  return nameservers.length === 0 ? undefined : { zone: '', servers: await resolved(nameservers, resolver) }
}

function resolved(nameservers: readonly string[], resolver: Resolver): Promise<readonly NameServer[]> {
  return Promise.all(
    nameservers.map(async text => {
      const { host, port } = parseEndpoint(text)
      const addresses = await resolver.addresses(host)
      return { name: text, endpoints: addresses.map(address => ({ host: address, port })) }
    }),
  )
}

/** A record in a zone that the delegation does not lead to is accepted by its server and never seen by the CA. */
function checkDelegation({ authority, failure, fqdn }: AliasTarget, zone: Zone, chosen: OpenedProvider): void {
  const remedy = `correct the delegation, or set propagation.nameservers of ${chosen.address} when it is meant so`
  if (authority === undefined) {
    if (zone.nameservers.length === 0) throw failure
  } else if (isSubdomain(authority.zone, zone.name)) {
    const message = `${fqdn} lies in the delegated zone ${authority.zone}, which ${chosen.address} does not serve`
    throw new EngineError('dns_zone_not_found', message, { remedy })
  } else if (authority.zone !== '' && isSubdomain(zone.name, authority.zone)) {
    const message = `${zone.name} of ${chosen.address} is not delegated: ${fqdn} is looked for in ${authority.zone}`
    throw new EngineError('dns_zone_not_found', message, { remedy })
  }
}

function zoneMissing(fqdn: string, { address }: OpenedProvider, zones: readonly Zone[]): EngineError {
  const names = zones.map(zone => zone.name)
  const served = names.length === 0 ? 'no zones' : names.slice(0, 10).join(', ')
  return new EngineError('dns_zone_not_found', `${address} has no zone for ${fqdn}; it serves ${served}`, {
    address,
    remedy: 'create the zone there, or correct managedZones',
    details: { fqdn, zones: names },
  })
}
