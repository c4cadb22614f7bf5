import { type Kind, kindCatalogue } from '../../schemas/generated/catalogue.ts'
import { type Address, parseAddress } from '../core/address.ts'
import { EngineError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import { valueAt, withValueAt } from '../core/pointer.ts'
import type { RecordedResource } from '../core/resource.ts'
import { type AuditAction, audited } from '../events/audit.ts'
import { rollbackMutations } from '../state/history/rollback.ts'
import type { Committed, HistoryEntry, Lease, Mutation, ResourceDraft } from '../state/store.ts'
import { moveMutations, removeMutations } from '../state/surgery.ts'
import { withSealedFingerprints } from './secrets.ts'
import type { Session } from './session.ts'

/** Changes of what Trustform believes; nothing outside is touched. Each needs the state's lease. */

export async function moveResource(session: Session, lease: Lease, from: Address, to: Address): Promise<Committed> {
  const snapshot = await session.store.snapshot(session.tenant)
  const { name } = parseAddress(to)
  const moved = moveMutations(snapshot, from, to, dependent => retarget(dependent, from, name))
  return write(session, lease, moved, auditOf(session, 'state_move', to, { from }))
}

export async function forgetResource(session: Session, lease: Lease, address: Address): Promise<Committed> {
  const removed = removeMutations(await session.store.snapshot(session.tenant), address)
  return write(session, lease, removed, auditOf(session, 'state_forget', address))
}

/** Brings the recorded state back to what it was at a serial, as a new serial. Throws `not_found` for a later one. */
export async function rollBack(session: Session, lease: Lease, serial: number): Promise<Committed> {
  const snapshot = await session.store.snapshot(session.tenant)
  if (serial > snapshot.serial || serial < 0) {
    throw new EngineError('not_found', `there is no serial ${serial}; the state is at ${snapshot.serial}`, {
      remedy: '`trustform state history` shows the serials',
    })
  }
  const entries = await session.store.history(session.tenant, { sinceSerial: serial })
  return write(
    session,
    lease,
    rollbackMutations(
      snapshot,
      entries.toSorted((a, b) => a.serial - b.serial),
    ),
    auditOf(session, 'state_rollback', 'state', { from: snapshot.serial, to: serial }),
  )
}

/**
 * Takes an object that the history knows under management again, e.g. after `state rm`. Throws `not_found` for an id
 * that was never recorded, `state_conflict` when address or id are in use.
 */
export async function importObject(session: Session, lease: Lease, address: Address, id: string): Promise<Committed> {
  const { kind, name } = parseAddress(address)
  const { resources } = await session.store.snapshot(session.tenant)
  const inUse = resources.find(resource => resource.id === id || resource.address === address)
  if (inUse) {
    throw new EngineError('state_conflict', `${inUse.address} is already recorded with id ${inUse.id}`, { address })
  }
  const known = (await session.store.history(session.tenant, {})).filter(entry => entry.before?.id === id)
  const last = latest(known)?.before
  if (!last || last.kind !== kind) {
    throw new EngineError('not_found', `no ${kind} with id "${id}" was ever recorded here`, {
      remedy: '`trustform state history` shows the ids of what was removed',
      address,
    })
  }
  const { revision: _revision, ...draft } = last
  const resource = { ...draft, address, name, owner: session.owner, updatedAt: session.clock.now().toISOString() }
  const audit = auditOf(session, 'state_import', address, { id })
  return write(session, lease, [{ type: 'put-resource', resource, expectedRevision: null }], audit)
}

function auditOf({ actor, clock }: Session, action: AuditAction, subject: string, data: JsonObject = {}): Mutation {
  return audited(action, { at: clock.now().toISOString(), actor, subject, data })
}

const latest = (entries: readonly HistoryEntry[]) =>
  entries.reduce<HistoryEntry | undefined>(
    (best, entry) => (!best || entry.serial >= best.serial ? entry : best),
    undefined,
  )

async function write(
  session: Session,
  lease: Lease,
  planned: readonly Mutation[],
  audit: Mutation,
): Promise<Committed> {
  const { store, tenant, actor, clock } = session
  const mutations: Mutation[] = []
  for (const mutation of planned) {
    mutations.push(
      mutation.type === 'put-resource'
        ? { ...mutation, resource: await asItIsNow(session, await withSealedFingerprints(session, mutation.resource)) }
        : mutation,
    )
  }
  mutations.push(audit)
  return store.commit(tenant, { mutations, lease, actor, at: clock.now().toISOString() })
}

/**
 * What came about since cannot be rolled back: a certificate that was revoked stays revoked, a destroyed key stays
 * destroyed. The status says so, and the next plan makes new ones.
 */
async function asItIsNow(session: Session, resource: ResourceDraft): Promise<ResourceDraft> {
  const { store, tenant } = session
  const { certificateId, keyId } = resource.status
  if (typeof certificateId !== 'string') return resource
  const [row] = await store.certificates(tenant, { id: certificateId })
  const keyIsLost = typeof keyId === 'string' && (await store.sealed(tenant, keyId)) === undefined
  const status = {
    ...resource.status,
    ...(keyIsLost && { keyId: null }),
    ...(row?.revokedAt !== undefined && { revokedAt: row.revokedAt }),
  }
  return { ...resource, status }
}

/** A dependent's spec with its references to a moved resource renamed; the schema says which fields refer to what. */
function retarget({ kind, spec }: RecordedResource, from: Address, name: string): JsonObject {
  const moved = parseAddress(from)
  const { refs } = kindCatalogue[kind as Kind] // recorded resources have a known kind
  return refs
    .filter(ref => ref.kind === moved.kind && valueAt(spec, ref.pointer) === moved.name)
    .reduce((changed, ref) => withValueAt(changed, ref.pointer, name), spec)
}
