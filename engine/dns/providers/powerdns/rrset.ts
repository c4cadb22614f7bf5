import { isJsonObject, type Json, type JsonObject } from '../../../core/json.ts'

/** One record of an RRset as the API writes it; disabled records are kept but not served. */
export interface RrsetRecord {
  readonly content: string
  readonly disabled: boolean
}

export interface TxtRrset {
  readonly ttl: number
  readonly records: readonly RrsetRecord[]
}

/** TXT content in the API is the presentation form: a quoted string. Our values need no escaping inside. */
export const quoted = (value: string): string => `"${value.replace(/["\\]/g, '\\$&')}"`

/** The TXT RRset of a name in a zone's JSON; undefined when there is none. */
export function txtRrset(zone: Json, name: string): TxtRrset | undefined {
  const rrsets = isJsonObject(zone) && Array.isArray(zone.rrsets) ? (zone.rrsets as readonly Json[]) : []
  for (const rrset of rrsets) {
    if (!isJsonObject(rrset) || rrset.type !== 'TXT' || String(rrset.name).toLowerCase() !== `${name}.`) continue
    const records = Array.isArray(rrset.records) ? (rrset.records as readonly Json[]) : []
    return { ttl: Number(rrset.ttl), records: records.filter(isJsonObject).map(readRecord) }
  }
  return undefined
}

const readRecord = (record: JsonObject): RrsetRecord => ({
  content: String(record.content),
  disabled: record.disabled === true,
})

/**
 * The RRset with our value in it, or undefined when it is served already. A disabled record of the same value is
 * enabled: the API refuses two records of equal content.
 */
export function withValue(rrset: TxtRrset | undefined, value: string, ttl: number): TxtRrset | undefined {
  const content = quoted(value)
  const records = rrset?.records ?? []
  if (records.some(record => record.content === content && !record.disabled)) return undefined
  // An RRset has one TTL (RFC 2181 §5.2); that of others' records is theirs.
  return {
    ttl: rrset?.ttl ?? ttl,
    records: [...records.filter(record => record.content !== content), { content, disabled: false }],
  }
}

/** The RRset without our value, or undefined when it was not there. Empty records delete the RRset. */
export function withoutValue(rrset: TxtRrset | undefined, value: string): TxtRrset | undefined {
  const records = rrset?.records ?? []
  const rest = records.filter(record => record.content !== quoted(value))
  return rest.length === records.length ? undefined : { ttl: rrset?.ttl ?? 60, records: rest }
}
