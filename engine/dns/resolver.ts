import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { EngineError } from '../core/errors.ts'
import { type Endpoint, formatEndpoint, parseEndpoint } from './endpoint.ts'
import { ask, type DnsTransport, ExchangeFailure, freshId } from './exchange.ts'
import { type RecordType, rcodeName, rcodes, recordTypes } from './wire/codes.ts'
import { type DecodedMessage, queryMessage } from './wire/message.ts'

/**
 * A recursive resolver, asked only about what already exists (zones, name servers, their addresses): it would
 * remember for the zone's SOA minimum that a challenge record is not there (RFC 2308 §5), and the CA may share it.
 */
export interface Resolver {
  /** The first usable answer (NOERROR or NXDOMAIN). Throws `dns_lookup_failed`, naming each server's failure. */
  query(name: string, type: RecordType): Promise<DecodedMessage>
  /** IPv4 and IPv6 addresses of a host; itself for an address. Empty when it has none. */
  addresses(host: string): Promise<readonly string[]>
}

export interface ResolverOptions {
  readonly transport: DnsTransport
  /** Asked in order until one answers. */
  readonly servers: readonly Endpoint[]
  readonly signal?: AbortSignal | undefined
  /** Milliseconds per server. */
  readonly timeout?: number
}

export function createResolver({ transport, servers, signal, timeout = 3000 }: ResolverOptions): Resolver {
  async function query(name: string, type: RecordType): Promise<DecodedMessage> {
    const failures: string[] = []
    for (const server of servers) {
      try {
        const message = queryMessage(freshId(), name, recordTypes[type], true)
        const answer = await ask(transport, server, message, { protocol: 'udp', timeout, signal })
        if (answer.rcode === rcodes.NOERROR || answer.rcode === rcodes.NXDOMAIN) return answer
        failures.push(`${formatEndpoint(server)} answered ${rcodeName(answer.rcode)}`)
      } catch (error) {
        if (!(error instanceof ExchangeFailure)) throw error
        failures.push(error.message)
      }
    }
    throw new EngineError(
      'dns_lookup_failed',
      `cannot look up ${type} of ${name || 'the root'}: ${failures.join('; ')}`,
      {
        remedy: 'check the resolver, or name another one with --resolver HOST:PORT',
      },
    )
  }

  async function addresses(host: string): Promise<readonly string[]> {
    if (isIP(host) !== 0) return [host]
    // RFC 6761 §6.3: never asked of DNS; servers on this machine are named so in tests and split horizons.
    if (host === 'localhost') return ['127.0.0.1']
    const results = await Promise.allSettled((['A', 'AAAA'] as const).map(type => query(host, type)))
    const found = results.flatMap(result => (result.status === 'fulfilled' ? addressesIn(result.value) : []))
    const failed = results.find(result => result.status === 'rejected')
    if (found.length === 0 && failed) throw failed.reason
    return found
  }

  return { query, addresses }
}

const addressesIn = (message: DecodedMessage): string[] =>
  message.answers.flatMap(({ data }) => (data.kind === 'A' || data.kind === 'AAAA' ? [data.address] : []))

/** The name servers of resolv.conf(5), or the loopback address where it names none. */
export function systemResolvers(file = '/etc/resolv.conf'): readonly Endpoint[] {
  let text = ''
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    // No file means the default server of resolv.conf(5): this machine.
  }
  const named = [...text.matchAll(/^\s*nameserver\s+([^\s#;]+)/gm)].flatMap(match => match[1] ?? [])
  return (named.length === 0 ? ['127.0.0.1'] : named).map(address => parseEndpoint(address))
}
