import { audited, EngineError, type JsonObject, type Mutation, type StoredRecord, told } from '../../engine/index.ts'
import { jobMutation } from '../jobs/job-mutation.ts'
import type { PlanRecord } from '../loop/plan-records.ts'
import type { Plans, StoredPlan } from '../services.ts'
import { commit, pageOf, type RecordPorts } from './ports.ts'

const collection = 'plan'

/** The plans that the loop recorded; an approval wakes it in the same commit. */
export function createPlans(ports: RecordPorts): Plans {
  const { store, clock } = ports

  async function get(tenant: string, id: string): Promise<StoredPlan | undefined> {
    const record = await store.record(tenant, collection, id)
    return record && planOf(tenant, record)
  }

  async function written({ tenant, id }: StoredPlan): Promise<StoredPlan> {
    const plan = await get(tenant, id)
    if (plan) return plan
    throw new EngineError('state_conflict', `the plan ${id} was removed meanwhile`, { remedy: 'list the plans' })
  }

  return {
    get,
    list: (tenant, { source, state }, page) =>
      pageOf(
        ports,
        tenant,
        { collection, newestFirst: true, ...(source !== undefined && { parent: source }) },
        page,
        record => planOf(tenant, record),
        ({ data }) => state === undefined || data.state === state,
      ),

    async approve(plan, { digest = plan.digest, commit: head = plan.commit }, actor) {
      refuseDecided(plan)
      if (digest !== plan.digest || head !== plan.commit) {
        throw new EngineError('plan_stale', `the plan ${plan.id} is not the one that is approved`, {
          remedy: 'look at the plan again and approve what it says now',
        })
      }
      const { id, tenant, sourceId, approvals } = plan
      const approved = { by: actor, at: clock.now().toISOString() }
      await commit(ports, tenant, actor, at => [
        put(plan, { state: 'approved', approvals: [...approvals, approved] }),
        audited('plan_approve', { at, actor, subject: id, data: { source: sourceId, commit: head, digest } }),
        told('plan.approved', { at, actor, subject: id, data: { source: sourceId, commit: head } }),
        jobMutation(
          {
            queue: 'reconcile',
            key: sourceId,
            singleton: sourceId,
            payload: { source: sourceId, trigger: 'approval' },
          },
          ports,
        ),
      ])
      return written(plan)
    },

    async discard(plan, actor) {
      refuseDecided(plan)
      const { id, tenant, sourceId, commit: head } = plan
      await commit(ports, tenant, actor, at => [
        put(plan, { state: 'discarded' }),
        audited('plan_discard', { at, actor, subject: id, data: { source: sourceId, commit: head } }),
        told('plan.discarded', { at, actor, subject: id, data: { source: sourceId, commit: head } }),
      ])
      return written(plan)
    },
  }
}

function refuseDecided({ id, state }: StoredPlan): void {
  if (state === 'pending') return
  throw new EngineError('conflict', `the plan ${id} is ${state}`, { remedy: 'only a pending plan can be decided on' })
}

/** On the version that was decided on: of two who decide at once, one is told that the other was first. */
function put(plan: StoredPlan, change: Partial<PlanRecord>): Mutation {
  const { id, tenant: _tenant, version, createdAt: _made, updatedAt: _changed, ...record } = plan
  // A plan is JSON by construction; interfaces lack the index signature that says so.
  const data = { ...record, ...change } as unknown as JsonObject
  return { type: 'put-record', record: { collection, id, parent: plan.sourceId, data }, expectedVersion: version }
}

export function planOf(tenant: string, { id, data, version, createdAt, updatedAt }: StoredRecord): StoredPlan {
  // Only the loop and this module write these records, both through the type.
  return { ...(data as unknown as PlanRecord), id, tenant, version, createdAt, updatedAt }
}
