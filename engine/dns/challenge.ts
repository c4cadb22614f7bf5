import type { Address } from '../core/address.ts'
import type { ConnectGuard } from '../core/egress.ts'
import { EngineError } from '../core/errors.ts'
import type { Clock, Log, Trace } from '../core/ports.ts'
import { type AliasTarget, followAliases } from './alias.ts'
import { withAttempts } from './attempts.ts'
import { type Authority, findAuthority, type NameServer } from './authority.ts'
import { parseEndpoint } from './endpoint.ts'
import type { DnsTransport } from './exchange.ts'
import { matchProvider, noProvider } from './managed-zones.ts'
import { challengeName, identifierOf, isSubdomain } from './names.ts'
import { createPortfolio, type OpenedProvider, type Portfolio } from './portfolio.ts'
import { awaitPropagation } from './propagation.ts'
import type { Zone } from './provider.ts'
import { dnsReach } from './reach.ts'
import type { Resolver } from './resolver.ts'
import { createTurns, type Turns } from './turns.ts'

/** Where a challenge's TXT value goes. Plain facts: the journal keeps them, and a later process can clean up. */
export interface ChallengePlace {
  /** Address of the provider. */
  readonly provider: string
  readonly zoneId: string
  readonly zone: string
  /** The name of the TXT record: the challenge name, or where its CNAMEs lead. */
  readonly name: string
}

/** What the dns-01 solver uses: picks provider and zone, writes, waits and removes. */
export interface ChallengeDns {
  /**
   * Finds the place for a challenge name (`_acme-challenge.X`; X itself is understood too) without writing
   * anything. Throws `no_dns_provider`, `dns_zone_not_found`, `dns_lookup_failed`, or what the provider throws.
   */
  locate(name: string, signal?: AbortSignal): Promise<ChallengePlace>
  /** Adds one value; another one at the same name stays. */
  present(place: ChallengePlace, value: string): Promise<void>
  /** Waits until every authoritative server shows all values; throws `propagation_timeout`. */
  awaitVisible(place: ChallengePlace, values: readonly string[], name?: string, signal?: AbortSignal): Promise<void>
  /** Removes exactly that value; one that is not there is fine. */
  cleanup(place: ChallengePlace, value: string): Promise<void>
}

export interface ChallengeDnsOptions {
  /** In the order of their creation: the first one that matches is used. */
  readonly providers: readonly OpenedProvider[]
  /** Takes the place of matching: the certificate's `dnsProvider`. */
  readonly override?: Address | undefined
  readonly clock: Clock
  readonly trace: Trace
  readonly log: Log
  /** `host:port` of a recursive resolver; the system's when absent. */
  readonly resolver?: string | undefined
  /** Asked about every server but the resolver. */
  readonly guard?: ConnectGuard | undefined
  /** Carries the messages; this machine's sockets when absent. */
  readonly transport?: DnsTransport | undefined
  /** Milliseconds before the second look at propagation; default 1,000. */
  readonly firstPause?: number | undefined
  readonly turns?: Turns | undefined
}

/** One writer at a time per provider, zone and name in this process: RRset APIs read, merge and write. */
const processTurns = createTurns()

export function createChallengeDns(options: ChallengeDnsOptions): ChallengeDns {
  const { override, clock, trace, log, turns = processTurns } = options
  const portfolio = createPortfolio(options.providers)
  const { transport, resolver } = dnsReach(options, options.transport)
  const network = (signal: AbortSignal | undefined) => ({
    transport,
    resolver: resolver(signal),
    signal,
  })

  async function locate(name: string, signal?: AbortSignal): Promise<ChallengePlace> {
    const identifier = identifierOf(name).replace(challengePrefix, '')
    const context = network(signal)
    const preferred = override === undefined ? undefined : portfolio.get(override)
    const target = await followAliases(challengeName(identifier), {
      ...context,
      serversFor: at => configuredServers(preferred ?? firstForName(options.providers, at), context.resolver),
    })
    const chosen = preferred ?? (await choose(identifier, target, portfolio))
    const zone = await portfolio.zoneOf(chosen, target.fqdn)
    if (zone === undefined) throw zoneMissing(target.fqdn, chosen, await portfolio.zones(chosen))
    if ((chosen.propagation.nameservers ?? []).length === 0) checkDelegation(target, zone, chosen)
    return { provider: chosen.address, zoneId: zone.id, zone: zone.name, name: target.fqdn }
  }

  function write(verb: 'present' | 'cleanup', place: ChallengePlace, value: string): Promise<void> {
    const { provider } = portfolio.get(place.provider)
    const zone: Zone = { id: place.zoneId, name: place.zone, nameservers: [] }
    return turns.take(`${place.provider} ${place.zoneId} ${place.name}`, () =>
      withAttempts(clock, undefined, () => provider[verb](zone, place.name, value)),
    )
  }

  async function serversOf(place: ChallengePlace, signal: AbortSignal | undefined): Promise<readonly NameServer[]> {
    const opened = portfolio.get(place.provider)
    const context = network(signal)
    const configured = await configuredServers(opened, context.resolver)
    if (configured) return configured.servers
    try {
      return (await findAuthority(place.name, context)).servers
    } catch (error) {
      const zone = error instanceof EngineError ? await portfolio.zoneOf(opened, place.name) : undefined
      if (zone === undefined || zone.nameservers.length === 0) throw error
      return addressed(zone.nameservers, context.resolver)
    }
  }

  return {
    locate,
    present: (place, value) => write('present', place, value),
    cleanup: (place, value) => write('cleanup', place, value),
    async awaitVisible(place, values, _name, signal) {
      const { timeout } = portfolio.get(place.provider).propagation
      const { firstPause } = options
      const nameServers = await serversOf(place, signal)
      const request = {
        name: place.name,
        values,
        servers: nameServers,
        ...(timeout !== undefined && { timeout }),
        ...(firstPause !== undefined && { firstPause }),
      }
      await awaitPropagation(request, { transport, clock, trace, log, signal })
    },
  }
}

const challengePrefix = /^_acme-challenge\./

/**
 * The names under which providers are matched: the identifier, or, once delegated by CNAME, the target, the name
 * that it is the challenge of, and the zone that holds it (`managedZones: [validation.example]` is meant so).
 */
function claimsOf(identifier: string, { chain, fqdn, authority }: AliasTarget): readonly string[] {
  if (chain.length === 1) return [identifier]
  return [fqdn, fqdn.replace(challengePrefix, ''), ...(authority?.zone ? [authority.zone] : [])]
}

async function choose(identifier: string, target: AliasTarget, portfolio: Portfolio): Promise<OpenedProvider> {
  const claims = claimsOf(identifier, target)
  const mismatches: string[] = []
  for (const opened of portfolio.providers) {
    const zones = opened.managedZones.length === 0 ? await portfolio.zoneNames(opened, target.fqdn) : []
    const found = matchProvider([{ address: opened.address, managedZones: opened.managedZones, zones }], claims)
    if ('match' in found) return opened
    if ('mismatches' in found) mismatches.push(...found.mismatches)
  }
  const alias = target.chain.length > 1 ? ` (delegated by CNAME: ${target.chain.join(' -> ')})` : ''
  throw noProvider(`${claims[0] ?? identifier}${alias}`, mismatches)
}

/** The provider that patterns alone choose for a name; one without patterns may serve it. */
function firstForName(providers: readonly OpenedProvider[], name: string): OpenedProvider | undefined {
  const claims = [name.replace(challengePrefix, ''), name]
  return providers.find(
    ({ address, managedZones }) => !('mismatches' in matchProvider([{ address, managedZones }], claims)),
  )
}

/** The servers that the user set in place of discovery. */
async function configuredServers(
  opened: OpenedProvider | undefined,
  resolver: Resolver,
): Promise<Authority | undefined> {
  const nameservers = opened?.propagation.nameservers ?? []
  return nameservers.length === 0 ? undefined : { zone: '', servers: await addressed(nameservers, resolver) }
}

function addressed(nameservers: readonly string[], resolver: Resolver): Promise<readonly NameServer[]> {
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
  const wrong = (message: string) => new EngineError('dns_zone_not_found', message, { remedy, address: chosen.address })
  if (authority === undefined) {
    if (zone.nameservers.length === 0) throw failure
  } else if (isSubdomain(authority.zone, zone.name)) {
    throw wrong(`${fqdn} lies in the delegated zone ${authority.zone}, which ${chosen.address} does not serve`)
  } else if (authority.zone !== '' && isSubdomain(zone.name, authority.zone)) {
    throw wrong(`${zone.name} of ${chosen.address} is not delegated: ${fqdn} is looked for in ${authority.zone}`)
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
