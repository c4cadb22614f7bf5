import { EngineError } from '../../../core/errors.ts'
import { isJsonObject, type JsonObject } from '../../../core/json.ts'
import { HttpFailure } from '../../../core/ports.ts'
import type { Zone } from '../../provider.ts'
import { type Api, ApiRefusal } from './api.ts'
import { quoted, type TxtRrset, txtRrset, withoutValue, withValue } from './rrset.ts'

export type ChangeType = 'EXTEND' | 'PRUNE'

/** Adds (`EXTEND`) or removes (`PRUNE`) one TXT value; tells whether anything had to change. */
export type ValueChange = (zone: Zone, type: ChangeType, name: string, value: string) => Promise<boolean>

/** The caller runs one change at a time per name, so that what is read is still true when it is written. */
export function createValueChange(api: Api, ttl: number): ValueChange {
  /** EXTEND and PRUNE exist from 4.9.12 and 5.0.2 on; tried once, then remembered. */
  let knowsChangeTypes: boolean | undefined
  let filterIsComplete: boolean | undefined

  /**
   * The RRset with its disabled records. Before 5.0 the filter by name leaves those out (PowerDNS issue 11473;
   * verified 2026-11 on 4.7), so the whole zone is read there; of one too large for that, only what is served.
   */
  async function read(zone: Zone, name: string): Promise<TxtRrset | undefined> {
    const filter = new URLSearchParams({ rrset_name: `${name}.`, rrset_type: 'TXT' })
    const filtered = async () => txtRrset(await api.call('GET', `${zonePath(zone)}?${filter}`), name)
    filterIsComplete ??= await isVersion5(api)
    if (filterIsComplete) return filtered()
    try {
      return txtRrset(await api.call('GET', zonePath(zone)), name)
    } catch (error) {
      const cause = error instanceof EngineError ? error.cause : undefined
      if (cause instanceof HttpFailure && cause.reason === 'too_large') return filtered()
      throw error
    }
  }

  async function patch(zone: Zone, rrset: JsonObject): Promise<void> {
    await api.call('PATCH', zonePath(zone), { rrsets: [rrset] })
  }

  /** One value, atomically also against other writers. False where this server cannot, or not like that. */
  async function changeOne(
    zone: Zone,
    changetype: ChangeType,
    name: string,
    value: string,
    rrsetTtl: number,
  ): Promise<boolean> {
    if (knowsChangeTypes === false) return false
    const records = [{ content: quoted(value), disabled: false }]
    try {
      await patch(zone, { name: `${name}.`, type: 'TXT', ttl: rrsetTtl, changetype, records })
      knowsChangeTypes = true
      return true
    } catch (error) {
      // 4.7 answers 422 "Changetype not understood". Any other 422 has REPLACE say the same, in its own words.
      if (!(error instanceof ApiRefusal) || error.status !== 422) throw error
      if (/changetype/i.test(error.words)) knowsChangeTypes = false
      return false
    }
  }

  return async (zone, changetype, name, value) => {
    const rrset = await read(zone, name)
    const next = changetype === 'EXTEND' ? withValue(rrset, value, ttl) : withoutValue(rrset, value)
    if (next === undefined) return false
    // Verified 2026-11 in the source of 5.x: EXTEND and PRUNE rewrite the RRset from its enabled records only.
    const disabled = rrset?.records.some(record => record.disabled) ?? false
    const done = !disabled && (await changeOne(zone, changetype, name, value, next.ttl))
    if (!done) await patch(zone, replacement(name, next))
    return true
  }
}

export const zonePath = (zone: Zone): string => `/zones/${encodeURIComponent(zone.id)}`

async function isVersion5(api: Api): Promise<boolean> {
  try {
    const server = await api.call('GET', '')
    return isJsonObject(server) && Number.parseInt(String(server.version), 10) >= 5
  } catch (error) {
    // A front end may hide the server object; the longer way works with every version.
    if (error instanceof ApiRefusal && error.status === 404) return false
    throw error
  }
}

function replacement(name: string, { ttl, records }: TxtRrset): JsonObject {
  return {
    name: `${name}.`,
    type: 'TXT',
    ttl,
    changetype: 'REPLACE',
    records: records.map(({ content, disabled }) => ({ content, disabled })),
  }
}
