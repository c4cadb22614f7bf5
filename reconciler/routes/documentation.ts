import { openApi } from '../openapi.ts'
import { documentationPage } from '../web/documentation-page.ts'
import { sendPage } from '../web/page.ts'
import type { Routes } from './context.ts'

const tags = ['documentation']

export const documentationRoutes: Routes = (app, { table, publicUrl }) => {
  // Made when first asked for: by then every route is there.
  let made: ReturnType<typeof openApi> | undefined
  const document = () => {
    made ??= openApi(table.routes, publicUrl)
    return made
  }

  app.get(
    '/v1/openapi.json',
    {
      config: { access: 'open' },
      schema: {
        operationId: 'openapi',
        summary: 'this document',
        tags,
        response: { 200: { type: 'object', additionalProperties: true, description: 'OpenAPI 3.1.' } },
      },
    },
    async (_request, reply) =>
      reply.type('application/json; charset=utf-8').serializer(JSON.stringify).send(document()),
  )

  app.get(
    '/docs',
    {
      config: { access: 'open' },
      schema: {
        operationId: 'docs',
        summary: 'the API for people',
        tags,
        produces: { 200: 'text/html' },
        response: { 200: { type: 'string', description: 'HTML.' } },
      },
    },
    async (_request, reply) => sendPage(reply, documentationPage(document())),
  )
}
