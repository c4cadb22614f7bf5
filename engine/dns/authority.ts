import { refusalIn } from '../core/egress.ts'
import { EngineError } from '../core/errors.ts'
import type { Endpoint } from './endpoint.ts'
import { ask, type DnsTransport, ExchangeFailure, freshId } from './exchange.ts'
import { isSameOrSubdomain, selfAndParents } from './names.ts'
import type { Resolver } from './resolver.ts'
import { rcodes, recordTypes } from './wire/codes.ts'
import { type DecodedMessage, queryMessage } from './wire/message.ts'
import type { ResourceRecord } from './wire/records.ts'

/** One authoritative server with all its addresses. */
export interface NameServer {
  readonly name: string
  readonly endpoints: readonly Endpoint[]
}

/** The zone that holds a name, and who serves it. */
export interface Authority {
  readonly zone: string
  readonly servers: readonly NameServer[]
}

export interface AuthorityContext {
  readonly transport: DnsTransport
  readonly resolver: Resolver
  readonly signal?: AbortSignal | undefined
}

/** A delegation deeper than this is a loop between zones. */
const deepest = 20
const askedAtOnce = 6

/**
 * Finds the zone of a name that may not exist yet. The resolver is asked only for the highest zone below the
 * top level, which exists for certain; from there the zones' own servers are asked (RD=0) for the name itself and
 * their referrals followed, so that no resolver learns of a missing name. Where those servers cannot be reached,
 * the zone found so far is the answer. Throws `dns_lookup_failed`, and `egress_refused` where they must not be.
 */
export async function findAuthority(name: string, context: AuthorityContext): Promise<Authority> {
  let authority = await highestZone(name, context)
  for (let depth = 0; depth < deepest; depth++) {
    const answer = await askAuthority(authority, name, recordTypes.SOA, context)
    if (answer === undefined) return authority
    const apex = zoneIn(answer, name)
    if (
      answer.authoritative &&
      apex !== undefined &&
      apex !== authority.zone &&
      isSameOrSubdomain(apex, authority.zone)
    ) {
      // One server may hold parent and child: it answers from the child at once.
      return { zone: apex, servers: await serversOf(apex, answer, context, authority) }
    }
    const cut = referralIn(answer, name, authority.zone)
    if (cut === undefined) return authority
    authority = { zone: cut, servers: await serversOf(cut, answer, context) }
  }
  throw new EngineError('dns_lookup_failed', `the delegations towards ${name} never end`, {
    remedy: 'check the NS records of its parent zones',
  })
}

/**
 * Asks a zone's servers without recursion for an answer of their own: authoritative, or a referral. The first
 * one wins; undefined when none gives one. A few are asked at once, so that dead ones cost no time. Throws
 * `egress_refused` where the guard lets us ask none of them.
 */
export async function askAuthority(
  authority: Authority,
  name: string,
  type: number,
  { transport, signal }: AuthorityContext,
): Promise<DecodedMessage | undefined> {
  const others = new AbortController()
  const either = signal ? AbortSignal.any([signal, others.signal]) : others.signal
  const endpoints = authority.servers.flatMap(server => server.endpoints).slice(0, askedAtOnce)
  const attempts = endpoints.map(async endpoint => {
    const query = queryMessage(freshId(), name, type, false)
    const answer = await ask(transport, endpoint, query, { protocol: 'udp', timeout: 2000, signal: either })
    const usable = answer.rcode === rcodes.NOERROR || answer.rcode === rcodes.NXDOMAIN
    if (usable && (answer.authoritative || referralIn(answer, name, authority.zone) !== undefined)) return answer
    throw new ExchangeFailure('malformed', 'the server does not serve the zone')
  })
  try {
    return await Promise.any(attempts)
  } catch (error) {
    signal?.throwIfAborted()
    const failures: readonly unknown[] = error instanceof AggregateError ? error.errors : [error]
    const refusals = failures.map(refusalIn)
    if (refusals[0] && refusals.every(refusal => refusal !== undefined)) throw refusals[0]
    return undefined
  } finally {
    others.abort()
  }
}

async function highestZone(name: string, context: AuthorityContext): Promise<Authority> {
  const failures: unknown[] = []
  for (const ancestor of surelyExisting(name)) {
    let answer: DecodedMessage
    try {
      answer = await context.resolver.query(ancestor, 'SOA')
    } catch (error) {
      if (context.signal?.aborted) throw error
      failures.push(error)
      continue
    }
    // A negative answer names the zone that denies.
    const zone = zoneIn(answer, ancestor)
    if (zone) return { zone, servers: await serversOf(zone, undefined, context) }
    if (answer.rcode === rcodes.NXDOMAIN) break
  }
  throw new EngineError('dns_lookup_failed', `cannot find the zone of ${name}${because(failures)}`, {
    remedy: 'check the delegation and the resolver (--resolver HOST:PORT), or set propagation.nameservers',
    cause: failures[0],
  })
}

const because = ([first]: readonly unknown[]) => (first instanceof Error ? `: ${first.message}` : '')

/**
 * Names above this one from the top, without the top-level domain, whose servers are not ours to ask, and without
 * the name itself, which may not exist yet.
 */
function surelyExisting(name: string): readonly string[] {
  const ancestors = selfAndParents(name).slice(1).toReversed()
  return ancestors.length > 1 ? ancestors.slice(1) : ancestors
}

/** The owner of the SOA record that answers, or that proves the absence (RFC 2308 §2), above the name. */
function zoneIn(message: DecodedMessage, name: string): string | undefined {
  const records = [...message.answers, ...message.authorities]
  return records.find(({ data, name: owner }) => data.kind === 'SOA' && isSameOrSubdomain(name, owner))?.name
}

/** The child zone that a non-authoritative answer delegates to, on the way to the name. */
function referralIn(message: DecodedMessage, name: string, parent: string): string | undefined {
  if (message.authoritative || message.answers.length > 0) return undefined
  const delegation = message.authorities.find(({ data }) => data.kind === 'NS')?.name
  if (delegation === undefined || delegation === parent || !isSameOrSubdomain(delegation, parent)) return undefined
  return isSameOrSubdomain(name, delegation) ? delegation : undefined
}

/** The NS names of a zone with their addresses: from a referral and its glue, its parent's server, or the resolver. */
async function serversOf(
  zone: string,
  referral: DecodedMessage | undefined,
  context: AuthorityContext,
  parent?: Authority,
): Promise<readonly NameServer[]> {
  const given = referral === undefined ? [] : hostsIn(referral.authorities, zone)
  const asked =
    given.length > 0 || parent === undefined ? undefined : await askAuthority(parent, zone, recordTypes.NS, context)
  const listed = given.length > 0 ? given : hostsIn(asked?.answers ?? [], zone)
  const hosts = listed.length > 0 ? listed : hostsIn((await context.resolver.query(zone, 'NS')).answers, zone)
  const glue = [...(referral?.additionals ?? []), ...(asked?.additionals ?? [])]
  return Promise.all(hosts.map(host => serverAt(host, glue, context)))
}

const hostsIn = (records: readonly ResourceRecord[], zone: string): string[] =>
  records.flatMap(({ name, data }) => (data.kind === 'NS' && name === zone ? [data.target] : []))

async function serverAt(host: string, glue: readonly ResourceRecord[], context: AuthorityContext): Promise<NameServer> {
  const glued = glue.flatMap(({ name, data }) =>
    name === host && (data.kind === 'A' || data.kind === 'AAAA') ? [data.address] : [],
  )
  // A name server without an address is reported where it matters: it never answers.
  const addresses = glued.length > 0 ? glued : await context.resolver.addresses(host).catch(noAddress)
  return { name: host, endpoints: addresses.map(address => ({ host: address, port: 53 })) }
}

function noAddress(error: unknown): readonly string[] {
  if (error instanceof EngineError) return []
  throw error
}
