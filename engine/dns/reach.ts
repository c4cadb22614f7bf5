import type { ConnectGuard } from '../core/egress.ts'
import { parseEndpoint } from './endpoint.ts'
import { type DnsTransport, socketTransport } from './exchange.ts'
import { guardedTransport } from './guarded.ts'
import { createResolver, type Resolver, systemResolvers } from './resolver.ts'

export interface ReachSettings {
  /** `host:port` of a recursive resolver; the system's when absent. */
  readonly resolver?: string | undefined
  readonly guard?: ConnectGuard | undefined
}

/** How DNS is spoken: with whom manifests and zones name, and with the resolver of the operator. */
export interface DnsReach {
  /** For every server that a manifest names or a zone leads to: behind the guard. */
  readonly transport: DnsTransport
  /** Not guarded: the operator chose it, and it is loopback or private nearly everywhere. */
  resolver(signal: AbortSignal | undefined): Resolver
}

/** `sockets`: what carries the messages; this machine's own when absent. */
export function dnsReach({ resolver, guard }: ReachSettings, sockets: DnsTransport = socketTransport): DnsReach {
  const servers = resolver === undefined ? systemResolvers() : [parseEndpoint(resolver)]
  return {
    transport: guardedTransport(sockets, guard),
    resolver: signal => createResolver({ transport: sockets, servers, signal }),
  }
}
