import { canonicalJson } from '../core/canonical-json.ts'
import { isFingerprint } from '../core/fingerprint.ts'
import { isJsonObject, type Json } from '../core/json.ts'
import type { Change, PreflightFinding } from './plan.ts'
import type { PlanWorld } from './world.ts'

/**
 * A resource that goes while an equal one of its kind comes was most likely only given another name. The plan makes a
 * new object all the same: what is recorded under the old address is only the author's to move.
 */
export function renames(changes: readonly Change[], world: PlanWorld): readonly PreflightFinding[] {
  const going = new Map<string, Change[]>()
  for (const change of changes) {
    if (change.action !== 'delete') continue
    const key = contentOf(change, world)
    going.set(key, [...(going.get(key) ?? []), change])
  }
  return changes.flatMap(change => {
    const old = change.action === 'create' ? going.get(contentOf(change, world))?.shift() : undefined
    if (!old) return []
    return [
      {
        address: change.address,
        check: 'rename',
        level: 'warning',
        code: 'looks_renamed',
        message: `it is declared exactly as ${old.address} was, which would be deleted`,
        remedy: `if only the name changed, keep the object: trustform state mv ${old.address} ${change.address}`,
      },
    ]
  })
}

function contentOf({ address, kind }: Change, world: PlanWorld): string {
  return `${kind} ${canonicalJson(withoutSecrets(world.subjects.get(address)?.spec ?? {}))}`
}

/** Fingerprints are made for one address, so those of two never say whether their secrets are equal. */
function withoutSecrets(value: Json): Json {
  if (isFingerprint(value)) return null
  if (Array.isArray(value)) return value.map(withoutSecrets)
  if (!isJsonObject(value)) return value
  const fields = Object.entries(value).flatMap(([name, field]) =>
    field === undefined || field === null ? [] : [[name, withoutSecrets(field)] as const],
  )
  return Object.fromEntries(fields)
}
