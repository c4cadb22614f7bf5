import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { type Endpoint, parseEndpoint } from '../../engine/dns/endpoint.ts'
import { ask, freshId, socketTransport } from '../../engine/dns/exchange.ts'
import { isSameOrSubdomain } from '../../engine/dns/names.ts'
import { classes, rcodes, recordTypes } from '../../engine/dns/wire/codes.ts'
import {
  decodeMessage,
  encodeMessage,
  type Message,
  type Question,
  queryMessage,
} from '../../engine/dns/wire/message.ts'
import type { ResourceRecord } from '../../engine/dns/wire/records.ts'
import { freeDnsPort, onFreshPorts } from './dns-client.ts'

export interface StubResolverOptions {
  /** `host:port` of the authoritative server by zone; the longest zone wins. */
  readonly zones: Readonly<Record<string, string>>
  /** IPv4 addresses by name, answered here. */
  readonly hosts?: Readonly<Record<string, string>>
}

export interface StubResolver {
  readonly port: number
  /** `127.0.0.1:port`, for `--resolver` and Pebble's `-dnsserver`. */
  readonly nameserver: string
  /** Every question asked so far, as `name TYPE`. */
  readonly asked: readonly string[]
  /** Sends a zone somewhere else from now on. */
  route(zone: string, nameserver: string): void
  stop(): Promise<void>
}

/**
 * A recursive resolver for tests, without a cache: it sends each question to the server of its zone and follows
 * CNAME records from zone to zone, as Pebble expects. Names of no zone do not exist.
 */
export const startStubResolver = (options: StubResolverOptions): Promise<StubResolver> =>
  onFreshPorts(() => start(options))

async function start(options: StubResolverOptions): Promise<StubResolver> {
  const port = await freeDnsPort()
  const zones = new Map(Object.entries(options.zones).map(([zone, server]) => [zone, parseEndpoint(server)]))
  const hosts = new Map(Object.entries(options.hosts ?? {}))
  const asked: string[] = []

  async function respond(octets: Uint8Array): Promise<Uint8Array> {
    const request = decodeMessage(octets)
    const [question] = request.questions
    const empty = { ...request, response: true, recursionAvailable: true, additionals: [] }
    if (question === undefined) return encodeMessage({ ...empty, rcode: rcodes.FORMERR })
    asked.push(`${question.name} ${typeName(question.type)}`)
    return encodeMessage({ ...empty, ...(await resolve(question, zones, hosts)) })
  }

  const udp = createSocket('udp4')
  udp.on('message', (octets, peer) => {
    respond(octets).then(
      response => udp.send(response, peer.port, peer.address),
      () => undefined,
    )
  })
  udp.bind(port, '127.0.0.1')
  await once(udp, 'listening')
  const sockets = new Set<Socket>()
  const tcp = createServer(socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    serve(socket, respond)
  })
  tcp.listen(port, '127.0.0.1')
  await once(tcp, 'listening')

  return {
    port,
    nameserver: `127.0.0.1:${port}`,
    asked,
    route: (zone, nameserver) => void zones.set(zone, parseEndpoint(nameserver)),
    async stop() {
      for (const socket of sockets) socket.destroy()
      udp.close()
      tcp.close()
      await once(tcp, 'close')
    },
  }
}

function serve(socket: Socket, respond: (octets: Uint8Array) => Promise<Uint8Array>): void {
  let received = Buffer.alloc(0)
  socket.on('data', chunk => {
    received = Buffer.concat([received, chunk])
    while (received.length >= 2 && received.length >= received.readUInt16BE(0) + 2) {
      const end = received.readUInt16BE(0) + 2
      respond(received.subarray(2, end)).then(
        response =>
          socket.write(Buffer.concat([Uint8Array.of(response.length >> 8, response.length & 0xff), response])),
        () => socket.destroy(),
      )
      received = received.subarray(end)
    }
  })
}

type Resolution = Pick<Message, 'rcode' | 'answers' | 'authorities'>

async function resolve(
  question: Question,
  zones: ReadonlyMap<string, Endpoint>,
  hosts: ReadonlyMap<string, string>,
): Promise<Resolution> {
  const answers: ResourceRecord[] = []
  let name = question.name
  for (let hop = 0; hop <= 10; hop++) {
    const address = hosts.get(name)
    if (address !== undefined)
      return { rcode: 0, answers: [...answers, ...hostRecords(name, question.type, address)], authorities: [] }
    const upstream = serverFor(name, zones)
    if (upstream === undefined) return { rcode: rcodes.NXDOMAIN, answers, authorities: [] }
    const query = queryMessage(freshId(), name, question.type, false)
    const answer = await ask(socketTransport, upstream, query, { protocol: 'tcp', timeout: 5000 }).catch(
      () => undefined,
    )
    if (answer === undefined) return { rcode: rcodes.SERVFAIL, answers: [], authorities: [] }
    answers.push(...answer.answers)
    const target = endOfChain(name, answer.answers)
    const found = answer.answers.some(record => record.name === target && record.type === question.type)
    if (found || target === name) return { rcode: answer.rcode, answers, authorities: answer.authorities }
    name = target
  }
  return { rcode: rcodes.SERVFAIL, answers: [], authorities: [] }
}

function endOfChain(name: string, records: readonly ResourceRecord[]): string {
  let end = name
  for (let hop = 0; hop < records.length; hop++) {
    const next = records.find(record => record.name === end && record.data.kind === 'CNAME')
    if (next?.data.kind !== 'CNAME') break
    end = next.data.target
  }
  return end
}

function serverFor(name: string, zones: ReadonlyMap<string, Endpoint>): Endpoint | undefined {
  const holding = [...zones.keys()].filter(zone => isSameOrSubdomain(name, zone))
  const longest = holding.toSorted((a, b) => b.length - a.length)[0]
  return longest === undefined ? undefined : zones.get(longest)
}

function hostRecords(name: string, type: number, address: string): ResourceRecord[] {
  if (type !== recordTypes.A) return []
  return [{ name, type, class: classes.IN, ttl: 0, data: { kind: 'A', address } }]
}

function typeName(type: number): string {
  return Object.entries(recordTypes).find(([, number]) => number === type)?.[0] ?? `TYPE${type}`
}
