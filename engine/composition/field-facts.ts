import { dnsProviderCatalogue, kindCatalogue } from '../../schemas/generated/catalogue.ts'
import type { JsonObject } from '../core/json.ts'
import type { FieldFacts } from '../planner/diff.ts'

const unknown: FieldFacts = { replace: [], reissue: [], secrets: [], sets: [] }

/** What the schemas say of a resource's fields; a DnsProvider's depend on its type. */
export function fieldFacts(kind: string, spec: JsonObject): FieldFacts {
  const type = String(spec.providerType)
  if (kind === 'DnsProvider' && isKey(dnsProviderCatalogue, type)) return dnsProviderCatalogue[type]
  return isKey(kindCatalogue, kind) ? kindCatalogue[kind] : unknown
}

function isKey<T extends object>(table: T, key: string): key is Extract<keyof T, string> {
  return Object.hasOwn(table, key)
}
