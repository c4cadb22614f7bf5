import { audited, EngineError, type Mutation, type StoredRecord, told } from '../../engine/index.ts'
import { jobMutation } from '../jobs/job-mutation.ts'
import { previewRequest, reconcileRequest } from '../jobs/requests.ts'
import type { Plans } from '../services.ts'
import { pageOf } from './paging.ts'
import { planDocument } from './plan-documents.ts'
import {
  approvePlan,
  changePlan,
  isOpen,
  openPlanCollection,
  planCollection,
  planOf,
  plansAt,
  type StoredPlan,
} from './plan-records.ts'
import { commit, type RecordPorts } from './ports.ts'

/** The plans that the loop recorded; an approval wakes it in the same commit. */
export function createPlans(ports: RecordPorts): Plans {
  const { store } = ports

  async function get(tenant: string, id: string): Promise<StoredPlan | undefined> {
    const record = await store.record(tenant, planCollection, id)
    return record && planOf(tenant, record)
  }

  async function written({ tenant, id }: StoredPlan): Promise<StoredPlan> {
    const plan = await get(tenant, id)
    if (plan) return plan
    throw new EngineError('state_conflict', `the plan ${id} was removed meanwhile`, { remedy: 'list the plans' })
  }

  /** Its comment and status say so, too. */
  function tellPullRequest({ sourceId, pullRequest }: StoredPlan): readonly Mutation[] {
    return pullRequest === undefined ? [] : [jobMutation(previewRequest(sourceId, pullRequest), ports)]
  }

  return {
    get,
    async list(tenant, { source, state }, page) {
      const collection = isOpen(state) ? openPlanCollection : planCollection
      const query = { collection, newestFirst: true, ...(source !== undefined && { parent: source }) }
      const isWanted = ({ data }: StoredRecord) => state === undefined || data.state === state
      const { items, ...next } = await pageOf(ports, tenant, query, page, record => ({ ...record, tenant }), isWanted)
      const plans = isOpen(state) ? await plansAt(store, items) : items.map(record => planOf(tenant, record))
      return { items: plans, ...next }
    },
    document: plan => planDocument(store, plan),

    async approve(plan, { digest = plan.digest, commit: head = plan.commit }, actor) {
      // Whoever discarded it may think again, as long as nothing else is planned.
      if (plan.state !== 'discarded') refuseDecided(plan)
      if (digest !== plan.digest || head !== plan.commit) {
        throw new EngineError('plan_stale', `the plan ${plan.id} is not the one that is approved`, {
          remedy: 'look at the plan again and approve what it says now',
        })
      }
      const beside = [jobMutation(reconcileRequest(plan.sourceId, 'approval'), ports), ...tellPullRequest(plan)]
      await approvePlan(ports, plan, [actor], actor, beside)
      return written(plan)
    },

    async discard(plan, actor) {
      refuseDecided(plan)
      const { id, tenant, sourceId, commit: head, pullRequest } = plan
      await commit(ports, tenant, actor, at => [
        ...changePlan(plan, { state: 'discarded', discarded: { by: actor, at } }),
        audited('plan_discard', { at, actor, subject: id, data: { source: sourceId, commit: head } }),
        told('plan.discarded', { at, actor, subject: id, data: { source: sourceId, commit: head } }),
        // The source says that it waits no more, and why.
        ...(pullRequest === undefined ? [jobMutation(reconcileRequest(sourceId, 'request'), ports)] : []),
        ...tellPullRequest(plan),
      ])
      return written(plan)
    },
  }
}

function refuseDecided({ id, state }: StoredPlan): void {
  if (state === 'pending') return
  throw new EngineError('conflict', `the plan ${id} is ${state}`, { remedy: 'only a pending plan can be decided on' })
}
