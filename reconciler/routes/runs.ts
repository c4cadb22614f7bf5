import { callerOf } from '../auth/authenticate.ts'
import { listOf, view } from '../schemas.ts'
import type { StoredRun } from '../services.ts'
import type { Routes } from './context.ts'
import { found, idParams, type Paging, pageRequest, pageView, pagingQuery, sourceQuery } from './paging.ts'

type One = { Params: { run_id: string } }

const tags = ['runs']
const params = idParams('run_id', 'Id of the run.')
const config = { access: { scope: 'runs:read' } } as const

export const runRoutes: Routes = (app, { services: { runs } }) => {
  const one = async (tenant: string, id: string) => found(await runs.get(tenant, id), 'run', id)

  app.get<{ Querystring: Paging & { source?: string } }>(
    '/v1/runs',
    {
      config,
      schema: {
        operationId: 'listRuns',
        summary: 'list runs, newest first',
        tags,
        querystring: {
          type: 'object',
          properties: {
            ...pagingQuery,
            ...sourceQuery,
          },
          additionalProperties: false,
        },
        response: { 200: listOf('Run') },
      },
    },
    async request => {
      const { source, ...paging } = request.query
      const filter = source === undefined ? {} : { source }
      return pageView(await runs.list(callerOf(request).tenant, filter, pageRequest(paging)), runView)
    },
  )

  app.get<One>(
    '/v1/runs/:run_id',
    {
      config,
      schema: { operationId: 'getRun', summary: 'get a run', tags, params, response: { 200: view('Run') } },
    },
    async request => runView(await one(callerOf(request).tenant, request.params.run_id)),
  )

  app.get<One & { Querystring: Paging }>(
    '/v1/runs/:run_id/logs',
    {
      config,
      schema: {
        operationId: 'getRunLogs',
        summary: 'get what a run said, oldest first',
        tags,
        params,
        querystring: {
          type: 'object',
          properties: { ...pagingQuery, limit: { ...pagingQuery.limit, maximum: 1000, default: 500 } },
          additionalProperties: false,
        },
        response: { 200: listOf('RunLine') },
      },
    },
    async request => {
      const { log } = await one(callerOf(request).tenant, request.params.run_id)
      const { after = 0, limit } = pageRequest(request.query)
      const items = log.slice(after, after + limit).map((text, index) => ({ line: after + index + 1, text }))
      return pageView({ items, ...(after + limit < log.length && { next: after + limit }) }, line => line)
    },
  )
}

function runView(run: StoredRun) {
  const { id, sourceId, sourceName, trigger, phase, state, commit, summary, message, startedAt, endedAt } = run
  return {
    ...{ id, trigger, phase, state, commit, summary, message },
    source_id: sourceId,
    source: sourceName,
    started_at: startedAt,
    ended_at: endedAt,
  }
}
