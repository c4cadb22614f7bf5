import { EngineError } from '../../../core/errors.ts'
import { isJsonObject, type Json } from '../../../core/json.ts'
import { normaliseName } from '../../names.ts'
import type { DnsProvider, ProviderContext, ProviderDescriptor, ProviderSettings, Zone } from '../../provider.ts'
import { type Api, createApi } from './api.ts'
import { type ChangeType, createValueChange, zonePath } from './change.ts'

/** PowerDNS Authoritative Server over its HTTP API (verified 2026-11 on 4.7). */
export const descriptor: ProviderDescriptor = { type: 'powerdns', displayName: 'PowerDNS', open }

function open({ credentials, ttl }: ProviderSettings, context: ProviderContext): DnsProvider {
  const { api_url: url, api_key: key, server_id: serverId } = credentials
  if (url === undefined || key === undefined) {
    throw new EngineError('schema_violation', 'a PowerDNS provider needs api_url and api_key', {
      remedy: 'add both to credentials',
    })
  }
  if (!URL.canParse(url.reveal())) {
    throw new EngineError('schema_violation', 'api_url of a PowerDNS provider is not a URL', {
      remedy: 'write it like http://pdns.local:8081',
    })
  }
  const { http, clock, signal } = context
  const api = createApi({ http, clock, url: url.reveal(), serverId: serverId?.reveal() ?? 'localhost', key, signal })
  return createProvider(api, ttl, context)
}

function createProvider(api: Api, ttl: number, { log }: ProviderContext): DnsProvider {
  /** Kind of each zone by id, from the last listing: it decides whether secondaries must be told. */
  const kinds = new Map<string, string>()
  const changeValue = createValueChange(api, ttl)

  async function zones(): Promise<readonly Zone[]> {
    const found = readZones(await api.call('GET', '/zones'))
    for (const zone of found) kinds.set(zone.id, zone.kind)
    return found.filter(({ kind }) => writable(kind)).map(({ id, name }) => ({ id, name, nameservers: [] }))
  }

  async function change(zone: Zone, type: ChangeType, name: string, value: string): Promise<void> {
    if (await changeValue(zone, type, name, value)) await notify(zone)
  }

  /** Without it the secondaries of a Master zone wait for their next refresh; Native zones replicate elsewhere. */
  async function notify(zone: Zone): Promise<void> {
    if (!kinds.has(zone.id)) await zones()
    if (!/^(master|primary|producer)$/i.test(kinds.get(zone.id) ?? '')) return
    try {
      await api.call('PUT', `${zonePath(zone)}/notify`)
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      log.warn('PowerDNS did not notify the secondaries', { zone: zone.name, answer: error.message })
    }
  }

  return {
    zones,
    present: (zone, name, value) => change(zone, 'EXTEND', name, value),
    cleanup: (zone, name, value) => change(zone, 'PRUNE', name, value),
  }
}

/** Zones copied from elsewhere take no records; `Secondary` is the name since 4.5, `Consumer` since 4.7. */
const writable = (kind: string) => !/^(slave|secondary|consumer)$/i.test(kind)

/** Ids are the server's own (odd names are escaped in them), never derived from the name. */
function readZones(body: Json): readonly { id: string; name: string; kind: string }[] {
  if (!Array.isArray(body)) {
    throw new EngineError('dns_provider_failed', 'the PowerDNS API did not answer with a list of zones', {
      remedy: 'check that api_url is the address of the PowerDNS API',
    })
  }
  // as: Array.isArray widens the elements to any
  return (body as readonly Json[]).filter(isJsonObject).flatMap(({ id, name, kind }) => {
    if (typeof id !== 'string' || typeof name !== 'string') return []
    try {
      return [{ id, name: normaliseName(name), kind: String(kind) }]
    } catch {
      // A zone whose name no certificate can have (escaped labels): not one of ours.
      return []
    }
  })
}
