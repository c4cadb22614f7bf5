import { EngineError } from '../../../core/errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../../../core/json.ts'
import { normaliseName } from '../../names.ts'
import type { DnsProvider, ProviderContext, ProviderDescriptor, ProviderSettings, Zone } from '../../provider.ts'
import { type Api, ApiRefusal, createApi } from './api.ts'
import { quoted, type TxtRrset, txtRrset, withoutValue, withValue } from './rrset.ts'

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
  /** EXTEND and PRUNE change one value atomically, from 4.9.12 and 5.0.2 on; asked for once, then remembered. */
  let valueChanges: boolean | undefined

  async function zones(): Promise<readonly Zone[]> {
    const found = readZones(await api.call('GET', '/zones'))
    for (const zone of found) kinds.set(zone.id, zone.kind)
    return found.filter(({ kind }) => writable(kind)).map(({ id, name }) => ({ id, name, nameservers: [] }))
  }

  /** The caller runs one change at a time per name, so that what is read is still true when it is written. */
  async function change(zone: Zone, changetype: 'EXTEND' | 'PRUNE', name: string, value: string): Promise<void> {
    const query = new URLSearchParams({ rrset_name: `${name}.`, rrset_type: 'TXT' })
    const rrset = txtRrset(await api.call('GET', `${pathOf(zone)}?${query}`), name)
    const next = changetype === 'EXTEND' ? withValue(rrset, value, ttl) : withoutValue(rrset, value)
    if (next === undefined) return
    // Verified 2026-11 in the source of 5.x: EXTEND and PRUNE rewrite the RRset from its enabled records only.
    const disabled = rrset?.records.some(record => record.disabled) ?? false
    const done = !disabled && (await changeValue(zone, changetype, name, value, next.ttl))
    if (!done) await patch(zone, replacement(name, next))
    await notify(zone)
  }

  /** One value, atomically also against other writers. False where this server cannot, or not like that. */
  async function changeValue(
    zone: Zone,
    changetype: string,
    name: string,
    value: string,
    rrsetTtl: number,
  ): Promise<boolean> {
    if (valueChanges === false) return false
    const records = [{ content: quoted(value), disabled: false }]
    try {
      await patch(zone, { name: `${name}.`, type: 'TXT', ttl: rrsetTtl, changetype, records })
      valueChanges = true
      return true
    } catch (error) {
      // 4.7 answers 422 "Changetype not understood". Any other 422 has REPLACE say the same, in its own words.
      if (!(error instanceof ApiRefusal) || error.status !== 422) throw error
      if (/changetype/i.test(error.words)) valueChanges = false
      return false
    }
  }

  async function patch(zone: Zone, rrset: JsonObject): Promise<void> {
    await api.call('PATCH', pathOf(zone), { rrsets: [rrset] })
  }

  /** Without it the secondaries of a Master zone wait for their next refresh; Native zones replicate elsewhere. */
  async function notify(zone: Zone): Promise<void> {
    if (!kinds.has(zone.id)) await zones()
    if (!/^(master|primary|producer)$/i.test(kinds.get(zone.id) ?? '')) return
    try {
      await api.call('PUT', `${pathOf(zone)}/notify`)
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

const pathOf = (zone: Zone) => `/zones/${encodeURIComponent(zone.id)}`

function replacement(name: string, { ttl, records }: TxtRrset): JsonObject {
  return {
    name: `${name}.`,
    type: 'TXT',
    ttl,
    changetype: 'REPLACE',
    records: records.map(({ content, disabled }) => ({ content, disabled })),
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
