import { createHash } from 'node:crypto'
import {
  type JsonObject,
  newId,
  type PlanDocument,
  type RecordMutation,
  type StoredRecord,
} from '../../engine/index.ts'
import { type KnownSource, type LoopPorts, ownerOf } from './ports.ts'

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
  readonly approvals: readonly { readonly by: string; readonly at: string }[]
}

/** A plan's record with its id. */
export interface KnownPlan {
  readonly id: string
  readonly record: PlanRecord
  /** ISO instant since which it can be looked at. */
  readonly createdAt: string
}

const collection = 'plan'

/**
 * What a plan would do, as one digest: two plans with equal digests act alike. Times, serials, what stays as it is and
 * what blocks it do not enter.
 */
export function planDigest({ changes }: Pick<PlanDocument, 'changes'>): string {
  const acts = changes
    .filter(({ action }) => action !== 'no-op')
    .map(({ address, action, reason, diffs }) => ({ address, action, reason, diffs }))
    .toSorted((a, b) => (a.address < b.address ? -1 : 1))
  return `sha256:${createHash('sha256').update(JSON.stringify(acts)).digest('hex')}`
}

/** A plan for people to decide on. Earlier open ones of the same place (branch or pull request) are superseded. */
export async function recordPlan(
  ports: LoopPorts,
  source: KnownSource,
  plan: Pick<PlanRecord, 'commit' | 'document' | 'pullRequest'>,
): Promise<KnownPlan> {
  const digest = planDigest(plan.document)
  const open = (await openPlans(ports, source)).filter(each => each.record.pullRequest === plan.pullRequest)
  const same = open.find(({ record }) => record.commit === plan.commit && record.digest === digest)
  if (same) return same
  const id = newId('plan', ports.random)
  const changes = plan.document.changes.filter(({ action }) => action !== 'no-op')
  const document = { ...plan.document, changes }
  const record: PlanRecord = { ...plan, sourceId: source.id, digest, document, state: 'pending', approvals: [] }
  const superseded = open.map(each => put(source, { ...each, record: { ...each.record, state: 'superseded' } }, 'any'))
  const made = { id, record, createdAt: ports.clock.now().toISOString() }
  await write(ports, source, [put(source, made, null), ...superseded])
  return made
}

/** Plans of a source that somebody may still decide on, or has approved; newest first. */
export async function openPlans(ports: Pick<LoopPorts, 'store'>, source: KnownSource): Promise<KnownPlan[]> {
  const query = { collection, parent: source.id, newestFirst: true, limit: 50 }
  const records = await ports.store.records(source.tenant, query)
  return records.map(knownPlan).filter(({ record }) => record.state === 'pending' || record.state === 'approved')
}

/** Marks what came of a plan. */
export async function settlePlan(
  ports: Pick<LoopPorts, 'store' | 'clock'>,
  source: KnownSource,
  plan: Pick<KnownPlan, 'id' | 'record'>,
  change: Partial<PlanRecord>,
): Promise<void> {
  await write(ports, source, [put(source, { ...plan, record: { ...plan.record, ...change } }, 'any')])
}

function write(ports: Pick<LoopPorts, 'store' | 'clock'>, source: KnownSource, mutations: readonly RecordMutation[]) {
  return ports.store.commit(source.tenant, { mutations, actor: ownerOf(source), at: ports.clock.now().toISOString() })
}

function put(
  source: KnownSource,
  { id, record }: Pick<KnownPlan, 'id' | 'record'>,
  expectedVersion: null | 'any',
): RecordMutation {
  const data = record as unknown as JsonObject // JSON by construction
  return { type: 'put-record', record: { collection, id, parent: source.id, data }, expectedVersion }
}

function knownPlan({ id, data, createdAt }: StoredRecord): KnownPlan {
  return { id, createdAt, record: data as unknown as PlanRecord } // only written through the type
}
