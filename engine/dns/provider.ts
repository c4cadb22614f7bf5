import type { JsonObject } from '../core/json.ts'
import type { Clock, Http, Log } from '../core/ports.ts'
import type { Secret } from '../core/secret.ts'
import type { DnsTransport } from './exchange.ts'

/** A zone that a provider serves publicly; `name` is a lower-case A-label name without the trailing dot. */
export interface Zone {
  /** The provider's own identity of the zone, used in its API paths. */
  readonly id: string
  readonly name: string
  /** Authoritative servers as the provider names them (`host` or `host:port`); empty when it does not tell. */
  readonly nameservers: readonly string[]
}

/**
 * The DNS provider port. `present` adds one value to the TXT RRset at `name` and `cleanup` removes exactly that
 * value: all other records stay. Both are idempotent. Names are FQDNs without the trailing dot, in A-labels.
 * Errors: `dns_unauthorized` with the upstream's words, `dns_zone_not_found`, `backend_rate_limited` with
 * `retryAfter`, `dns_provider_failed`, `egress_refused`.
 */
export interface DnsProvider {
  /** Every zone that it may write to; answering proves that the credentials work. */
  zones(): Promise<readonly Zone[]>
  /** The zone of one name, for a service that cannot list its zones; asked when `zones` has none for it. */
  findZone?(name: string): Promise<Zone | undefined>
  present(zone: Zone, name: string, value: string): Promise<void>
  cleanup(zone: Zone, name: string, value: string): Promise<void>
}

export interface ProviderContext {
  readonly http: Http
  /** For providers that speak DNS itself; behind the egress guard where there is one. */
  readonly dns: DnsTransport
  readonly clock: Clock
  readonly log: Log
  readonly signal?: AbortSignal
}

export interface ProviderSettings {
  readonly config: JsonObject
  /** By field name of `credentials`. */
  readonly credentials: Readonly<Record<string, Secret | undefined>>
  /** TTL in seconds of the records that we write. */
  readonly ttl: number
}

/** What a provider's folder exports as `descriptor`; its credentials and config schemas stand in `schemas/dns/`. */
export interface ProviderDescriptor {
  readonly type: string
  readonly displayName: string
  open(settings: ProviderSettings, context: ProviderContext): DnsProvider
}
