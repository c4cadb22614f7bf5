import { callerOf } from '../auth/authenticate.ts'
import { listOf, view } from '../schemas.ts'
import type { Routes } from './context.ts'
import { type LogQuerystring, logFilter, logQuery } from './log-query.ts'
import { pageRequest, pageView } from './paging.ts'

const tags = ['audit']
const config = { access: { scope: 'audit:read' } } as const

export const auditRoutes: Routes = (app, { services: { logs } }) => {
  app.get<{ Querystring: LogQuerystring & { action?: string } }>(
    '/v1/audit',
    {
      config,
      schema: {
        operationId: 'listAudit',
        summary: 'list what was done, by whom',
        tags,
        querystring: logQuery('action', 'Only entries of this action, such as source_create.'),
        response: { 200: listOf('AuditEntry') },
      },
    },
    async request => {
      const filter = logFilter(request.query, request.query.action)
      const page = await logs.audit(callerOf(request).tenant, filter, pageRequest(request.query))
      return pageView(page, ({ type, ...entry }) => ({ ...entry, action: type }))
    },
  )

  app.get(
    '/v1/audit/verify',
    {
      config,
      schema: {
        operationId: 'verifyAudit',
        summary: 'check that no entry was changed or taken out',
        tags,
        response: { 200: view('AuditVerification') },
      },
    },
    async request => {
      const { entries, broken } = await logs.verifyAudit(callerOf(request).tenant)
      return { valid: broken === undefined, entries, ...(broken !== undefined && { broken }) }
    },
  )
}
