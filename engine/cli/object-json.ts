import type { Json, ObjectView } from '../index.ts'

/** An object as programs get it; secrets in its spec are `(secret)`. */
export function objectJson({ resource, certificate }: ObjectView) {
  const { address, kind, name, id, owner, revision, labels, lifecycle, spec, status, dependsOn } = resource
  const { createdAt, updatedAt } = resource
  return {
    address,
    kind,
    name,
    id,
    owner,
    revision,
    labels,
    lifecycle: { ...lifecycle },
    spec: withoutFingerprints(spec),
    status,
    ...(certificate && { certificate: certificate.facts }),
    dependsOn,
    createdAt,
    updatedAt,
  }
}

/** A keyed fingerprint tells nobody anything, and looks like a value. */
export function withoutFingerprints(value: Json): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map(withoutFingerprints)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  if (entries.length === 1 && entries[0]?.[0] === '$secret') return '(secret)'
  return Object.fromEntries(
    entries.flatMap(([key, field]) => (field === undefined ? [] : [[key, withoutFingerprints(field)]])),
  )
}
