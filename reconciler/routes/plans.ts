import { actorOf, callerOf } from '../auth/authenticate.ts'
import type { StoredPlan } from '../records/plan-records.ts'
import { listOf, view } from '../schemas.ts'
import type { PlanFilter } from '../services.ts'
import type { Routes } from './context.ts'
import { found, idParams, type Paging, pageRequest, pageView, pagingQuery, sourceQuery } from './paging.ts'

type One = { Params: { plan_id: string } }

const tags = ['plans']
const params = idParams('plan_id', 'Id of the plan.')

export const planRoutes: Routes = (app, { services: { plans } }) => {
  const one = async (tenant: string, id: string) => found(await plans.get(tenant, id), 'plan', id)
  const planView = async (plan: StoredPlan) => ({ ...planListed(plan), document: await plans.document(plan) })

  app.get<{ Querystring: Paging & PlanFilter }>(
    '/v1/plans',
    {
      config: { access: { scope: 'plans:read' } },
      schema: {
        operationId: 'listPlans',
        summary: 'list plans, newest first',
        tags,
        querystring: {
          type: 'object',
          properties: {
            ...pagingQuery,
            ...sourceQuery,
            state: {
              type: 'string',
              enum: ['pending', 'approved', 'applied', 'discarded', 'superseded'],
              description: 'Only those that stand so.',
            },
          },
          additionalProperties: false,
        },
        response: { 200: listOf('PlanListed') },
      },
    },
    async request => {
      const { source, state, ...paging } = request.query
      const filter = { ...(source !== undefined && { source }), ...(state !== undefined && { state }) }
      return pageView(await plans.list(callerOf(request).tenant, filter, pageRequest(paging)), planListed)
    },
  )

  app.get<One>(
    '/v1/plans/:plan_id',
    {
      config: { access: { scope: 'plans:read' } },
      schema: {
        operationId: 'getPlan',
        summary: 'get a plan with every change',
        tags,
        params,
        response: { 200: view('Plan') },
      },
    },
    async request => planView(await one(callerOf(request).tenant, request.params.plan_id)),
  )

  app.post<One & { Body: { digest?: string; commit?: string } | null }>(
    '/v1/plans/:plan_id/approve',
    {
      config: { access: { scope: 'plans:approve' } },
      schema: {
        operationId: 'approvePlan',
        summary: 'approve a plan: exactly it is applied next',
        tags,
        params,
        body: { anyOf: [view('PlanApproval'), { type: 'null' }] },
        response: { 200: view('Plan') },
        errors: ['conflict', 'plan_stale'],
      },
    },
    async request => {
      const plan = await one(callerOf(request).tenant, request.params.plan_id)
      return planView(await plans.approve(plan, request.body ?? {}, actorOf(request)))
    },
  )

  app.post<One>(
    '/v1/plans/:plan_id/discard',
    {
      config: { access: { scope: 'plans:approve' } },
      schema: {
        operationId: 'discardPlan',
        summary: 'discard a plan: it is neither applied nor asked for again while the same would be done',
        tags,
        params,
        response: { 200: view('Plan') },
        errors: ['conflict'],
      },
    },
    async request => {
      const plan = await one(callerOf(request).tenant, request.params.plan_id)
      return planView(await plans.discard(plan, actorOf(request)))
    },
  )
}

function planListed(plan: StoredPlan) {
  const { id, sourceId, commit, digest, state, pullRequest, approvals, discarded, summary, createdAt, updatedAt } = plan
  return {
    ...{ id, commit, digest, state, approvals, summary },
    source_id: sourceId,
    ...(pullRequest !== undefined && { pull_request: pullRequest }),
    ...(discarded && { discarded }),
    created_at: createdAt,
    updated_at: updatedAt,
  }
}
