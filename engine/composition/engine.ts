import type { ApiKey, ApiKeyDraft } from '../access/api-keys.ts'
import type { Address } from '../core/address.ts'
import type { Pointer, RecordedResource, SecretReference } from '../core/resource.ts'
import type { Secret } from '../core/secret.ts'
import { type AuditQuery, audited } from '../events/audit.ts'
import type { AuditVerdict } from '../events/verify-audit.ts'
import type { RunResult } from '../executor/ports.ts'
import type { Plan } from '../planner/plan.ts'
import { holdLease } from '../state/lease-guard.ts'
import type { LogEntry } from '../state/records.ts'
import type { Committed, HistoryEntry, HistoryQuery, Lease, Snapshot } from '../state/store.ts'
import { createAnswers } from './answers.ts'
import { type AppliedAlone, applyAlone } from './apply-alone.ts'
import { type ApplyOptions, applyPlan } from './apply-plan.ts'
import { currentCrl } from './crl.ts'
import { type Look, type LookOptions, lookAt, openSecrets } from './look.ts'
import { type MadePlan, makePlan, type PlanOptions } from './make-plan.ts'
import { getObject, type ListedObject, listObjects, type ObjectView } from './objects.ts'
import { type AloneOptions, planAlone } from './plan-alone.ts'
import { openPlan, savePlan } from './saved-plan.ts'
import { secretResolver } from './secrets.ts'
import { type EngineOptions, openSession, type Session } from './session.ts'
import { createSightings, type Sightings } from './sightings.ts'
import { forgetResource, importObject, moveResource, rollBack } from './state-surgery.ts'

export interface LockOptions {
  /** Milliseconds to wait for another holder; default 60,000. */
  readonly waitMs?: number
  readonly signal?: AbortSignal
  readonly onWait?: (heldBy: Lease) => void
}

/** What only the holder of the state's lease may do. */
export interface LockedEngine {
  /** Aborts when the lease is lost to somebody else. */
  readonly lost: AbortSignal
  /** `made` is the state that the plan was made on; the present one is read under the lease. */
  apply(plan: Plan, made: Snapshot, options?: Omit<ApplyOptions, 'lease' | 'state' | 'memory'>): Promise<RunResult>
  /** Plans and applies one resource; several at a time, of different addresses. */
  applyAlone(options: AloneOptions & Omit<ApplyOptions, 'lease' | 'state' | 'memory'>): Promise<AppliedAlone>
  move(from: Address, to: Address): Promise<Committed>
  forget(address: Address): Promise<Committed>
  rollBack(serial: number): Promise<Committed>
  import(address: Address, id: string): Promise<Committed>
}

/** The engine as its doors use it. */
export interface Engine {
  readonly stateUrl: string
  readonly tenant: string
  plan(options: PlanOptions): Promise<MadePlan>
  /** A plan about one resource, for doors that see one at a time; its cost does not grow with the state. */
  planAlone(options: AloneOptions): Promise<MadePlan>
  /** One recorded resource as it stands now; undefined where there is none. */
  look(asked: { readonly address: Address } | { readonly id: string }, options: LookOptions): Promise<Look | undefined>
  /** The values of a recorded resource's confidential fields, by pointer below the spec. */
  openSecrets(resource: Pick<RecordedResource, 'id' | 'spec'>): Promise<ReadonlyMap<Pointer, Secret>>
  savePlan(plan: Plan): Promise<string>
  /** Reads a plan file back together with the present state. Throws `plan_tampered`. */
  openPlan(text: string, file: string): Promise<MadePlan>
  list(filter?: { readonly kind?: string; readonly expiringWithin?: number }): Promise<readonly ListedObject[]>
  get(address: Address): Promise<ObjectView>
  /** DER. */
  crl(address: Address): Promise<Uint8Array>
  /** Takes the state's lease for the work. Throws `state_locked`. */
  locked<T>(operation: string, options: LockOptions, work: (engine: LockedEngine) => Promise<T>): Promise<T>
  snapshot(): Promise<Snapshot>
  history(query: HistoryQuery): Promise<readonly HistoryEntry[]>
  /** The value of a secret reference, for the door's own use; paths start at `folder`. Throws `secret_unresolved`. */
  resolveSecret(reference: SecretReference, folder: string): Promise<Secret>
  /** The tenant's API keys; what is made and revoked here is done by the operator of the machine. */
  readonly keys: OperatorKeys
  /** Entries of the audit log, oldest first unless asked otherwise. */
  audit(query: AuditQuery): Promise<readonly LogEntry[]>
  /** Recomputes the chain of the audit log. */
  verifyAudit(): Promise<AuditVerdict>
  /** What is structurally wrong with the state; empty when sound. */
  verify(): Promise<readonly string[]>
  unlock(): Promise<Lease | undefined>
  /** A new data key; every sealed row is sealed anew. Undefined when nothing is sealed yet. */
  rotateKey(): Promise<{ readonly version: number; readonly resealed: number } | undefined>
  exportState(): Promise<string>
  /** Writes an exported state; answers its tenant. */
  importState(text: string): Promise<string>
  /** Copies this tenant to another store. */
  copyTo(url: string): Promise<readonly string[]>
  close(): Promise<void>
}

/** API keys without a key: whoever may open the state may make them. */
export interface OperatorKeys {
  /** The value is answered here and never again. */
  create(draft: ApiKeyDraft): Promise<{ readonly key: ApiKey; readonly token: Secret }>
  /** Also the revoked ones. */
  list(): Promise<readonly ApiKey[]>
  /** False where there is none to revoke. */
  revoke(id: string): Promise<boolean>
}

/** Name of the lease that every change of declared state is made under. */
const stateLease = 'state'

export async function openEngine(options: EngineOptions): Promise<Engine> {
  const session = await openSession(options)
  const { store, tenant } = session
  const sightings = createSightings(session.clock)
  const answers = createAnswers(session.clock, sightings)
  return {
    stateUrl: store.url,
    tenant,
    plan: request => makePlan(session, request),
    planAlone: request => planAlone(session, sightings, request, answers),
    look: (asked, how) => lookAt(session, sightings, asked, how),
    openSecrets: resource => openSecrets(session, resource),
    savePlan: plan => savePlan(session, plan),
    async openPlan(text, file) {
      const plan = await openPlan(session, text, file)
      return { plan, snapshot: await store.snapshot(tenant) }
    },
    list: filter => listObjects(session, filter),
    get: address => getObject(session, address),
    crl: address => currentCrl(session, address),
    locked: (operation, lock, work) => locked(session, sightings, operation, lock, work),
    snapshot: () => store.snapshot(tenant),
    history: query => store.history(tenant, query),
    async resolveSecret(reference, folder) {
      const recorded = 'secret' in reference ? (await store.snapshot(tenant)).resources : []
      return secretResolver(session, [], recorded).resolve(reference, { folder })
    },
    keys: operatorKeys(session),
    audit: async ({ action, ...query }) =>
      store.log(tenant, { ...query, log: 'audit', ...(action !== undefined && { type: action }) }),
    verifyAudit: async () => (await import('../events/verify-audit.ts')).verifyAudit(store, tenant),
    verify: () => verifyAll(session),
    unlock: () => unlock(session),
    rotateKey: () => rotate(session),
    exportState: async () => (await import('../state/transfer.ts')).exportState(store, tenant),
    importState: async text => (await import('../state/transfer.ts')).importState(store, text, authorOf(session)),
    async copyTo(url) {
      const [{ copyState }, { openStore }] = await Promise.all([
        import('../state/transfer.ts'),
        import('../state/open.ts'),
      ])
      const target = await openStore(url)
      try {
        return await copyState(store, target, authorOf(session), tenant)
      } finally {
        await target.close()
      }
    },
    close: () => session.close(),
  }
}

function operatorKeys({ store, clock, random, tenant, actor }: Session): OperatorKeys {
  const open = async () => (await import('../access/api-keys.ts')).createApiKeys({ store, clock, random })
  return {
    create: async draft => (await open()).create(tenant, draft, { actor, scopes: 'all' }),
    list: async () => (await open()).list(tenant, { revoked: true }),
    revoke: async id => (await open()).revoke(tenant, id, { actor }),
  }
}

async function unlock({ store, tenant, actor, clock }: Session): Promise<Lease | undefined> {
  const broken = await store.breakLease(tenant, stateLease)
  if (!broken) return undefined
  const at = clock.now().toISOString()
  const { host, pid, operation } = broken.holder
  const mutations = [audited('state_unlock', { at, actor, subject: stateLease, data: { host, pid, operation } })]
  await store.commit(tenant, { mutations, actor, at })
  return broken
}

async function locked<T>(
  session: Session,
  sightings: Sightings,
  operation: string,
  { waitMs = 60_000, signal, onWait }: LockOptions,
  work: (engine: LockedEngine) => Promise<T>,
): Promise<T> {
  const held = await holdLease(session.store, session.tenant, stateLease, {
    operation,
    waitMs,
    clock: session.clock,
    ...(signal && { signal }),
    ...(onWait && { onWait }),
  })
  const memory = new Map<string, Promise<unknown>>()
  try {
    return await work({
      lost: held.lost,
      apply: (plan, _made, options = {}) => {
        const abort = options.abort ? AbortSignal.any([options.abort, held.lost]) : held.lost
        return applyPlan(session, plan, { ...options, abort, lease: held.lease })
      },
      applyAlone: options => {
        const abort = options.abort ? AbortSignal.any([options.abort, held.lost]) : held.lost
        return applyAlone(session, sightings, { ...options, abort, lease: held.lease, memory })
      },
      move: (from, to) => moveResource(session, held.lease, from, to),
      forget: address => forgetResource(session, held.lease, address),
      rollBack: serial => rollBack(session, held.lease, serial),
      import: (address, id) => importObject(session, held.lease, address, id),
    })
  } finally {
    await held.release()
  }
}

/** The store's own checks, and that every sealed row opens with the master key. */
async function verifyAll(session: Session): Promise<readonly string[]> {
  const { store, tenant } = session
  const problems = [...(await store.verify(tenant))]
  if ((await store.dataKeys(tenant)).length === 0) return problems
  const keyring = await session.keyring()
  for (let after = ''; ; ) {
    const rows = await store.sealedRows(tenant, after, 500)
    for (const row of rows) {
      try {
        keyring.unseal(row.id, row)
      } catch (error) {
        problems.push(`sealed row ${row.id}: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
    const last = rows.at(-1)
    if (!last) return problems
    after = last.id
  }
}

async function rotate(session: Session) {
  const [{ rotateDataKey }, { loadMasterKey }] = await Promise.all([
    import('../secrets/rotate.ts'),
    import('../secrets/master-key.ts'),
  ])
  const { store, tenant, env, random, clock, actor } = session
  const masterKey = await loadMasterKey({ env, random, mayCreate: false })
  const rotation = await rotateDataKey(store, tenant, masterKey, { clock, random, actor })
  if (!rotation) return undefined
  await (await session.keyring()).refresh()
  const at = clock.now().toISOString()
  const mutations = [audited('state_rotate_key', { at, actor, subject: 'state', data: { ...rotation } })]
  await store.commit(tenant, { mutations, actor, at })
  return rotation
}

function authorOf({ actor, clock }: Session) {
  return { actor, at: clock.now().toISOString() }
}
