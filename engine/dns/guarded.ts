import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { ConnectGuard } from '../core/egress.ts'
import { EngineError } from '../core/errors.ts'
import { type Endpoint, formatEndpoint } from './endpoint.ts'
import { type DnsTransport, ExchangeFailure } from './exchange.ts'

/** All addresses of a host name. */
export type HostLookup = (hostname: string) => Promise<readonly string[]>

/**
 * A transport that asks the guard before each exchange. A name is resolved here, once, and the exchange goes to the
 * address that was seen: another answer to a second look-up gains nothing. One refused address among several refuses
 * the name, because its owner says that it may lead there.
 */
export function guardedTransport(
  transport: DnsTransport,
  guard: ConnectGuard | undefined,
  lookUp: HostLookup = systemLookup,
): DnsTransport {
  if (!guard) return transport
  return {
    async exchange(endpoint, request, options) {
      const addresses = await addressesOf(endpoint, lookUp)
      options.signal?.throwIfAborted()
      for (const address of addresses) check(guard, endpoint, address)
      const [host] = addresses
      if (host === undefined) throw new ExchangeFailure('unreachable', `${formatEndpoint(endpoint)} has no address`)
      return transport.exchange({ host, port: endpoint.port }, request, options)
    },
  }
}

function check(guard: ConnectGuard, { host }: Endpoint, address: string): void {
  try {
    guard({ hostname: host, address })
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    throw new ExchangeFailure('refused', error.message, error)
  }
}

async function addressesOf(endpoint: Endpoint, lookUp: HostLookup): Promise<readonly string[]> {
  if (isIP(endpoint.host) !== 0) return [endpoint.host]
  try {
    return await lookUp(endpoint.host)
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    throw new ExchangeFailure('unreachable', `${formatEndpoint(endpoint)} is unreachable: ${words}`, error)
  }
}

async function systemLookup(hostname: string): Promise<readonly string[]> {
  return (await lookup(hostname, { all: true })).map(({ address }) => address)
}
