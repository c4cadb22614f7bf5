import { isDeepStrictEqual } from 'node:util'
import type { Address } from '../../core/address.ts'
import type { RecordedResource } from '../../core/resource.ts'
import type { HistoryEntry, Mutation, ResourceDraft, Snapshot } from '../store.ts'

/**
 * The mutations that bring declared state back to what it was, given everything that happened since:
 * `history(tenant, {sinceSerial})`, oldest first.
 *
 * Committing them makes a new serial; history only grows. What changes is what Trustform *believes*: nothing outside
 * is touched, and certificates, keys and revocations stay as they are. The next plan shows the difference to the
 * configuration and to the world, and applying it is what brings them together. A concurrent change is a
 * `state_conflict`, like in any commit.
 */
export function rollbackMutations(snapshot: Snapshot, entriesAfter: readonly HistoryEntry[]): Mutation[] {
  const then = new Map<Address, RecordedResource | null>()
  for (const entry of entriesAfter) {
    if (!then.has(entry.address)) then.set(entry.address, entry.before)
  }
  const now = new Map(snapshot.resources.map(resource => [resource.address, resource]))
  return [...then].flatMap(([address, wanted]): Mutation[] => {
    const current = now.get(address)
    if (wanted !== null) {
      if (current !== undefined && sameRecord(wanted, current)) return []
      return [{ type: 'put-resource', resource: draftOf(wanted), expectedRevision: current?.revision ?? null }]
    }
    return current === undefined ? [] : [{ type: 'delete-resource', address, expectedRevision: current.revision }]
  })
}

/** A recorded resource without its revision, as a commit takes it. */
export function draftOf({ revision: _revision, ...draft }: RecordedResource): ResourceDraft {
  return draft
}

function sameRecord(a: RecordedResource, b: RecordedResource): boolean {
  return isDeepStrictEqual(draftOf(a), draftOf(b))
}
