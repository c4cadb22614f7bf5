import type { DnsTransport, ExchangeOptions } from '../../engine/dns/exchange.ts'
import { ExchangeFailure } from '../../engine/dns/exchange.ts'
import { isSameOrSubdomain, isSubdomain, parentOf, selfAndParents } from '../../engine/dns/names.ts'
import { classes, rcodes, recordTypes } from '../../engine/dns/wire/codes.ts'
import { decodeMessage, encodeMessage, type Message, type Question } from '../../engine/dns/wire/message.ts'
import type { RecordData, ResourceRecord } from '../../engine/dns/wire/records.ts'
import { textData } from '../../engine/dns/wire/records.ts'

/** Zone file lines (`www A 192.0.2.1`, `@ NS ns1`, final dot for absolute names) by zone; SOA is added. */
export type Zones = Readonly<Record<string, readonly string[]>>

export type Behaviour = 'answers' | 'silent' | 'refuses' | 'servfail' | 'udp-only' | 'truncates' | 'not-authoritative'

export interface WorldQuery {
  readonly server: string
  readonly protocol: 'udp' | 'tcp'
  readonly name: string
  readonly type: number
  readonly recursion: boolean
}

/**
 * A small Internet in memory: authoritative servers by address, with delegations, CNAME, wildcards and negative
 * answers as RFC 1034 has them, and one recursive resolver at `10.0.0.53`. The messages are real, only the wire is not.
 */
export interface DnsWorld {
  readonly transport: DnsTransport
  readonly queries: WorldQuery[]
  /** Puts a server at an IPv4 address, port 53. */
  serve(address: string, zones: Zones, behaviour?: Behaviour): void
  behave(address: string, behaviour: Behaviour): void
}

export const worldResolver = '10.0.0.53:53'

interface World {
  readonly zones: Map<string, readonly ResourceRecord[]>
  behaviour: Behaviour
}

export function createDnsWorld(): DnsWorld {
  const servers = new Map<string, World>()
  const queries: WorldQuery[] = []

  async function exchange(
    { host, port }: { readonly host: string; readonly port: number },
    octets: Uint8Array,
    { protocol, signal, timeout }: ExchangeOptions,
  ): Promise<Uint8Array> {
    signal?.throwIfAborted()
    const request = decodeMessage(octets)
    const [question] = request.questions
    if (question === undefined) throw new Error('a query without a question')
    queries.push({
      server: host,
      protocol,
      name: question.name,
      type: question.type,
      recursion: request.recursionDesired,
    })
    if (`${host}:${port}` === worldResolver) return encodeMessage(reply(request, recurse(question, servers)))
    const server = port === 53 ? servers.get(host) : undefined
    if (server === undefined) throw new ExchangeFailure('unreachable', `${host}:${port} is unreachable`)
    const { behaviour } = server
    if (behaviour === 'silent' || (behaviour === 'udp-only' && protocol === 'tcp')) {
      throw new ExchangeFailure('timeout', `${host} did not answer within ${timeout} ms`)
    }
    if (behaviour === 'refuses') return encodeMessage(reply(request, { rcode: rcodes.REFUSED }))
    if (behaviour === 'servfail') return encodeMessage(reply(request, { rcode: rcodes.SERVFAIL }))
    if (behaviour === 'truncates' && protocol === 'udp')
      return encodeMessage(reply(request, { truncated: true, authoritative: true }))
    const answer = authoritativeAnswer(question, server.zones)
    return encodeMessage(
      reply(request, behaviour === 'not-authoritative' ? { ...answer, authoritative: false } : answer),
    )
  }

  return {
    transport: { exchange },
    queries,
    serve(address, zones, behaviour = 'answers') {
      const parsed = Object.entries(zones).map(
        ([zone, lines]) => [zone, [soaOf(zone), ...lines.map(line => parseLine(line, zone))]] as const,
      )
      servers.set(address, { zones: new Map(parsed), behaviour })
    },
    behave(address, behaviour) {
      const server = servers.get(address)
      if (server === undefined) throw new Error(`no server at ${address}`)
      server.behaviour = behaviour
    },
  }
}

const reply = (request: Message, answer: Partial<Message>): Message => ({ ...request, response: true, ...answer })

function authoritativeAnswer(
  { name, type }: Question,
  zones: ReadonlyMap<string, readonly ResourceRecord[]>,
): Partial<Message> {
  const zone = selfAndParents(name).find(ancestor => zones.has(ancestor))
  if (zone === undefined) return { rcode: rcodes.REFUSED }
  const records = zones.get(zone) ?? []
  const cut = selfAndParents(name)
    .toReversed()
    .find(at => isSubdomain(at, zone) && records.some(record => record.name === at && record.data.kind === 'NS'))
  if (cut !== undefined) {
    const authorities = records.filter(record => record.name === cut && record.data.kind === 'NS')
    return {
      authorities,
      additionals: records
        .filter(({ data }) => data.kind === 'A')
        .filter(({ name: host }) => isSameOrSubdomain(host, cut)),
    }
  }
  const soa = records.slice(0, 1)
  const at = matching(name, records)
  const found = at.filter(record => record.type === type || record.data.kind === 'CNAME')
  if (found.length > 0) return { authoritative: true, answers: found.map(record => ({ ...record, name })) }
  const exists = at.length > 0 || records.some(record => isSubdomain(record.name, name))
  return { authoritative: true, rcode: exists ? rcodes.NOERROR : rcodes.NXDOMAIN, authorities: soa }
}

/** RFC 4592 §3.3.1: the wildcard below the closest name that exists, unless the name itself exists. */
function matching(name: string, records: readonly ResourceRecord[]): readonly ResourceRecord[] {
  const own = records.filter(record => record.name === name)
  if (own.length > 0 || records.some(record => isSubdomain(record.name, name))) return own
  const closest = selfAndParents(parentOf(name) ?? '').find(at =>
    records.some(record => isSameOrSubdomain(record.name, at)),
  )
  return records.filter(record => record.name === `*.${closest}`)
}

function recurse(question: Question, servers: ReadonlyMap<string, World>): Partial<Message> {
  const answers: ResourceRecord[] = []
  let { name } = question
  for (let hop = 0; hop < 12; hop++) {
    const zone = selfAndParents(name).find(at => [...servers.values()].some(server => server.zones.has(at)))
    const holder = [...servers.values()].find(server => zone !== undefined && server.zones.has(zone))
    if (holder === undefined) return { rcode: rcodes.NXDOMAIN }
    const answer = authoritativeAnswer({ ...question, name }, holder.zones)
    answers.push(...(answer.answers ?? []))
    const alias = answer.answers?.find(record => record.data.kind === 'CNAME')
    if (alias?.data.kind !== 'CNAME' || question.type === recordTypes.CNAME)
      return { ...answer, authoritative: false, answers }
    name = alias.data.target
  }
  return { rcode: rcodes.SERVFAIL }
}

function soaOf(zone: string): ResourceRecord {
  const numbers = { serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 30 }
  const data = { kind: 'SOA', primary: `ns1.${zone}`, mailbox: `hostmaster.${zone}`, ...numbers } as const
  return { name: zone, type: recordTypes.SOA, class: classes.IN, ttl: 3600, data }
}

function parseLine(line: string, zone: string): ResourceRecord {
  const [owner = '', type = '', ...rest] = line.split(/\s+/)
  const data = parseData(type, rest.join(' '), zone)
  return { name: absolute(owner, zone), type: recordTypes[data.kind], class: classes.IN, ttl: 60, data }
}

function parseData(
  type: string,
  text: string,
  zone: string,
): Extract<RecordData, { kind: 'A' | 'AAAA' | 'NS' | 'CNAME' | 'TXT' }> {
  if (type === 'A' || type === 'AAAA') return { kind: type, address: text }
  if (type === 'NS' || type === 'CNAME') return { kind: type, target: absolute(text, zone) }
  const txt = textData(text)
  if (type !== 'TXT' || txt.kind !== 'TXT') throw new Error(`the fake does not know ${type}`)
  return txt
}

function absolute(name: string, zone: string): string {
  if (name === '@') return zone
  return name.endsWith('.') ? name.slice(0, -1) : `${name}.${zone}`
}
