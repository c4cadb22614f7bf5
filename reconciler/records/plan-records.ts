import { createHash } from 'node:crypto'
import {
  audited,
  type Change,
  EngineError,
  type JsonObject,
  type Mutation,
  newId,
  type PlanDocument,
  type Random,
  type StateStore,
  type StoredRecord,
  told,
} from '../../engine/index.ts'
import type { Source } from '../sources/source.ts'
import { commit, type WritingPorts } from './ports.ts'

/** A plan that somebody has to look at: of a pull request, or one that may not be applied without a word. */
export interface PlanRecord {
  readonly sourceId: string
  readonly commit: string
  readonly pullRequest?: number
  /** What would be done, apart from when and on which serial; approvals bind to it. */
  readonly digest: string
  /** The plan without what stays as it is. */
  readonly document: PlanDocument
  readonly state: 'pending' | 'approved' | 'applied' | 'discarded' | 'superseded'
  /** ISO instant since which it can be read at the forge, by the forge's clock. */
  readonly publishedAt?: string
  readonly approvals: readonly Approval[]
}

export interface Approval {
  readonly by: string
  /** ISO instant. */
  readonly at: string
}

/** A plan with what its record says of it. */
export interface StoredPlan extends PlanRecord {
  readonly id: string
  readonly tenant: string
  /** Of the record, for compare-and-swap. */
  readonly version: number
  /** ISO instant since which it can be looked at. */
  readonly createdAt: string
  readonly updatedAt: string
}

export const planCollection = 'plan'

/**
 * What a plan would do, as one digest: two plans with equal digests act alike. Times, serials, what stays as it is and
 * what blocks it do not enter, nor do values of secrets: nobody sees them in a plan.
 */
export function planDigest({ changes }: Pick<PlanDocument, 'changes'>): string {
  const acts = changes
    .filter(({ action }) => action !== 'no-op')
    .toSorted((a, b) => (a.address < b.address ? -1 : 1))
    .map(actOf)
  return `sha256:${createHash('sha256')
    .update(`[${acts.join(',')}]`)
    .digest('hex')}`
}

/** What a change does, as a text: equal for changes that do the same, in whatever plan they stand. */
export const actOf = ({ address, action, reason, diffs }: Change): string =>
  JSON.stringify({ address, action, reason, diffs })

/** A plan for people to decide on. Earlier open ones of the same place (branch or pull request) are superseded. */
export async function recordPlan(
  ports: WritingPorts & { readonly random: Random },
  source: Source,
  plan: Pick<PlanRecord, 'commit' | 'document' | 'pullRequest'>,
  actor: string,
): Promise<StoredPlan> {
  const digest = planDigest(plan.document)
  const open = (await openPlans(ports.store, source)).filter(each => each.pullRequest === plan.pullRequest)
  const same = open.find(each => each.commit === plan.commit && each.digest === digest)
  if (same) return same
  const id = newId('plan', ports.random)
  const changes = plan.document.changes.filter(({ action }) => action !== 'no-op')
  const document = { ...plan.document, changes }
  const record: PlanRecord = { ...plan, sourceId: source.id, digest, document, state: 'pending', approvals: [] }
  await commit(ports, source.tenant, actor, () => [
    putPlan(id, record, null),
    ...open.map(each => changePlan(each, { state: 'superseded' })),
  ])
  return planById(ports.store, source.tenant, id)
}

/** Plans of a source that somebody may still decide on, or has approved; newest first. */
export async function openPlans(store: StateStore, source: Pick<Source, 'id' | 'tenant'>): Promise<StoredPlan[]> {
  const records = await store.records(source.tenant, {
    ...{ collection: planCollection, parent: source.id, newestFirst: true, limit: 200 },
  })
  return records
    .map(record => planOf(source.tenant, record))
    .filter(({ state }) => state === 'pending' || state === 'approved')
}

/**
 * Marks what came of plans. One that somebody decided on meanwhile keeps what they said: they woke a pass, which finds
 * out by itself.
 */
export async function settlePlans(
  ports: WritingPorts,
  plans: readonly StoredPlan[],
  state: 'applied' | 'superseded',
  actor: string,
): Promise<void> {
  for (const plan of plans) {
    try {
      await commit(ports, plan.tenant, actor, () => [changePlan(plan, { state })])
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'state_conflict') throw error
    }
  }
}

/** Notes since when a plan can be read. `state_conflict` when somebody decided on it meanwhile. */
export async function publishPlan(
  ports: WritingPorts,
  plan: StoredPlan,
  publishedAt: string,
  actor: string,
): Promise<StoredPlan> {
  await commit(ports, plan.tenant, actor, () => [changePlan(plan, { publishedAt })])
  return planById(ports.store, plan.tenant, plan.id)
}

/** Throws `not_found`. */
async function planById(store: StateStore, tenant: string, id: string): Promise<StoredPlan> {
  const record = await store.record(tenant, planCollection, id)
  if (record) return planOf(tenant, record)
  throw new EngineError('not_found', `there is no plan ${id}`, { remedy: 'list the plans' })
}

/** Approves a plan on the version that was decided on; of two who decide at once the second gets `state_conflict`. */
export async function approvePlan(
  ports: WritingPorts,
  plan: StoredPlan,
  by: readonly string[],
  actor: string,
  beside: readonly Mutation[] = [],
): Promise<void> {
  const { id, tenant, sourceId, commit: head, digest, approvals } = plan
  await commit(ports, tenant, actor, at => [
    changePlan(plan, { state: 'approved', approvals: [...approvals, ...by.map(each => ({ by: each, at }))] }),
    audited('plan_approve', { at, actor, subject: id, data: { source: sourceId, commit: head, digest, by } }),
    told('plan.approved', { at, actor, subject: id, data: { source: sourceId, commit: head, by } }),
    ...beside,
  ])
}

/** On the version that was read. */
export function changePlan(plan: StoredPlan, change: Partial<PlanRecord>): Mutation {
  const { id, tenant: _tenant, version, createdAt: _made, updatedAt: _changed, ...record } = plan
  return putPlan(id, { ...record, ...change }, version)
}

function putPlan(id: string, record: PlanRecord, expectedVersion: number | null): Mutation {
  // A plan is JSON by construction; interfaces lack the index signature that says so.
  const data = record as unknown as JsonObject
  return {
    type: 'put-record',
    record: { collection: planCollection, id, parent: record.sourceId, data },
    expectedVersion,
  }
}

export function planOf(tenant: string, { id, data, version, createdAt, updatedAt }: StoredRecord): StoredPlan {
  // Only `putPlan` writes these records, through the type.
  return { ...(data as unknown as PlanRecord), id, tenant, version, createdAt, updatedAt }
}
