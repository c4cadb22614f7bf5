import { sendPage } from '../web/page.ts'
import { statusPage } from '../web/status-page.ts'
import type { Routes } from './context.ts'

/** Rows of each table; the lists of the API have the rest. */
const rows = 20

export const statusRoutes: Routes = (app, { services }) => {
  app.get(
    '/',
    {
      config: { access: { scope: 'status:read', local: true } },
      schema: {
        operationId: 'status',
        summary: 'the status page',
        tags: ['operations'],
        produces: { 200: 'text/html' },
        response: { 200: { type: 'string', description: 'HTML.' } },
      },
    },
    async (request, reply) => {
      const { sources, observations, clock } = services
      const tenant = request.caller?.tenant
      const scope = { tenant, limit: rows }
      const [all, runs, plans, expiries, unready] = await Promise.all([
        sources.everywhere(),
        observations.recentRuns(scope),
        observations.pendingPlans(scope),
        observations.expiries(scope),
        observations.unready(),
      ])
      const seen = all.filter(source => tenant === undefined || source.tenant === tenant)
      return sendPage(reply, statusPage({ now: clock.now(), tenant, sources: seen, runs, plans, expiries, unready }))
    },
  )
}
