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
import { putPlanDocument } from './plan-documents.ts'
import { commit, type WritingPorts } from './ports.ts'
import { sourceById } from './source-records.ts'

/**
 * A plan that somebody has to look at: of a pull request, or one that may not be applied without a word. What it would
 * do is a record of its own (`plan-documents.ts`), so that lists stay small.
 */
export interface PlanRecord {
  readonly sourceId: string
  readonly commit: string
  readonly pullRequest?: number
  /** What would be done, apart from when and on which serial; approvals bind to it. */
  readonly digest: string
  /** Counts by action. */
  readonly summary: PlanDocument['summary']
  readonly state: 'pending' | 'approved' | 'applied' | 'discarded' | 'superseded'
  /** ISO instant since which it can be read at the forge, by the forge's clock. */
  readonly publishedAt?: string
  readonly approvals: readonly Decision[]
  /** Who discarded it; it may have been approved or superseded after that. */
  readonly discarded?: Decision
}

/** Whose word it was. */
export interface Decision {
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
 * One record beside each open plan, under its id and with its state, so that open ones are found among the many that
 * are settled.
 */
export const openPlanCollection = 'plan-open'

const openStates: ReadonlySet<unknown> = new Set<PlanRecord['state']>(['pending', 'approved', 'discarded'])

/**
 * Whether a plan is what its place (branch or pull request) has by now. A discarded one is, too: as long as the same
 * would be done, nobody is asked again.
 */
export const isOpen = (state: unknown): boolean => openStates.has(state)

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

/**
 * A plan for people to decide on, or the one that they have for the same: also what was discarded stays so. Earlier
 * ones of the same place (branch or pull request) are superseded. Throws `not_found` when the source was removed.
 */
export async function recordPlan(
  ports: WritingPorts & { readonly random: Random },
  source: Source,
  { document, ...plan }: Pick<PlanRecord, 'commit' | 'pullRequest'> & { readonly document: PlanDocument },
  actor: string,
): Promise<StoredPlan> {
  const digest = planDigest(document)
  const open = (await openPlans(ports.store, source)).filter(each => each.pullRequest === plan.pullRequest)
  const same = open.find(each => each.commit === plan.commit && each.digest === digest)
  if (same) return same
  // Planning takes its time; nobody would ever settle the plan of a source that was removed meanwhile.
  await sourceById(ports.store, source.tenant, source.id)
  const id = newId('plan', ports.random)
  const { summary } = document
  const record: PlanRecord = { ...plan, sourceId: source.id, digest, summary, state: 'pending', approvals: [] }
  await commit(ports, source.tenant, actor, () => [
    ...putNewPlan(id, record, document),
    ...open.flatMap(each => changePlan(each, { state: 'superseded' })),
  ])
  return planById(ports.store, source.tenant, id)
}

/** Plans of a source that its places have by now; newest first. */
export async function openPlans(store: StateStore, source: Pick<Source, 'id' | 'tenant'>): Promise<StoredPlan[]> {
  const { id: parent, tenant } = source
  return plansAt(store, await openPointers(store, { tenant, parent }))
}

/** Ids and states of open plans, newest first; of all tenants when none is named. */
export async function openPointers(
  store: StateStore,
  { tenant, parent }: { readonly tenant?: string | undefined; readonly parent?: string },
): Promise<readonly OpenPointer[]> {
  const query = { collection: openPlanCollection, newestFirst: true }
  if (tenant === undefined) return store.recordsEverywhere(query)
  const found = await store.records(tenant, { ...query, ...(parent !== undefined && { parent }) })
  return found.map(record => ({ ...record, tenant }))
}

type OpenPointer = Pick<StoredRecord, 'id' | 'data'> & { readonly tenant: string }

/** What pointers stand for, but for what was settled meanwhile. */
export async function plansAt(store: StateStore, pointers: readonly OpenPointer[]): Promise<StoredPlan[]> {
  const records = await Promise.all(
    pointers.map(async ({ tenant, id }) => {
      const record = await store.record(tenant, planCollection, id)
      return record && planOf(tenant, record)
    }),
  )
  return records.filter(plan => plan !== undefined).filter(({ state }) => isOpen(state))
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
      await commit(ports, plan.tenant, actor, () => changePlan(plan, { state }))
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
  await commit(ports, plan.tenant, actor, () => changePlan(plan, { publishedAt }))
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
    ...changePlan(plan, { state: 'approved', approvals: [...approvals, ...by.map(each => ({ by: each, at }))] }),
    audited('plan_approve', { at, actor, subject: id, data: { source: sourceId, commit: head, digest, by } }),
    told('plan.approved', { at, actor, subject: id, data: { source: sourceId, commit: head, by } }),
    ...beside,
  ])
}

/** On the version that was read. */
export function changePlan(plan: StoredPlan, change: Partial<PlanRecord>): readonly Mutation[] {
  const { id, tenant: _tenant, version, createdAt: _made, updatedAt: _changed, ...record } = plan
  return putPlan(id, { ...record, ...change }, version)
}

/** A plan with what it would do. */
export function putNewPlan(id: string, record: PlanRecord, document: PlanDocument): readonly Mutation[] {
  return [...putPlan(id, record, null), putPlanDocument(id, record.sourceId, document)]
}

function putPlan(id: string, plan: PlanRecord, expectedVersion: number | null): readonly Mutation[] {
  // A plan is JSON by construction; interfaces lack the index signature that says so.
  const data = plan as unknown as JsonObject
  const { sourceId: parent, state } = plan
  const pointer = { collection: openPlanCollection, id }
  return [
    { type: 'put-record', record: { collection: planCollection, id, parent, data }, expectedVersion },
    isOpen(state)
      ? { type: 'put-record', record: { ...pointer, parent, data: { state } }, expectedVersion: 'any' }
      : { type: 'delete-record', ...pointer },
  ]
}

export function planOf(tenant: string, { id, data, version, createdAt, updatedAt }: StoredRecord): StoredPlan {
  // Only `putPlan` writes these records, through the type.
  return { ...(data as unknown as PlanRecord), id, tenant, version, createdAt, updatedAt }
}
