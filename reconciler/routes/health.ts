import { EngineError } from '../../engine/index.ts'
import manifest from '../../package.json' with { type: 'json' }
import { view } from '../schemas.ts'
import type { Routes } from './context.ts'

const tags = ['operations']

export const healthRoutes: Routes = (app, { services: { observations }, metrics }) => {
  app.get(
    '/healthz',
    {
      config: { access: 'open' },
      schema: {
        operationId: 'health',
        summary: 'whether the process answers',
        tags,
        response: { 200: view('Health') },
      },
    },
    async () => ({ status: 'ok', version: manifest.version }),
  )

  app.get(
    '/readyz',
    {
      config: { access: 'open' },
      schema: {
        operationId: 'readiness',
        summary: 'whether it can do its work',
        tags,
        response: { 200: view('Health') },
        errors: ['unavailable'],
      },
    },
    async () => {
      const reason = await observations.unready()
      if (reason === undefined) return { status: 'ok' }
      throw new EngineError('unavailable', reason, { remedy: 'see the log', retryAfter: 5 })
    },
  )

  app.get(
    '/metrics',
    {
      config: { access: { scope: 'status:read', local: true } },
      schema: {
        operationId: 'metrics',
        summary: 'metrics for Prometheus',
        tags,
        produces: { 200: 'text/plain' },
        response: { 200: { type: 'string', description: 'Prometheus text format.' } },
      },
    },
    async (request, reply) =>
      reply
        .type(metrics.contentType)
        .serializer((text: unknown) => String(text))
        .send(await metrics.text(request.caller?.tenant)),
  )
}
