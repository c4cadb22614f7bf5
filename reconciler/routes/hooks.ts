import type { Routes } from './context.ts'
import { idParams } from './paging.ts'

const mebibyte = 1024 * 1024

/**
 * Deliveries of forges. Every one is answered alike, so that nobody learns which sources exist or whether a signature
 * was right; what is behind it is only a hint to look at git.
 */
export const hookRoutes: Routes = (app, { services: { hooks } }) => {
  // A context of its own: here bodies stay the octets that were signed.
  app.register(async inner => {
    inner.removeAllContentTypeParsers()
    inner.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    inner.post<{ Params: { source: string }; Body: Buffer | undefined }>(
      '/v1/hooks/:source',
      {
        bodyLimit: mebibyte,
        config: { access: 'open' },
        schema: {
          operationId: 'deliverHook',
          summary: 'tell that a repository changed',
          description:
            'Takes the webhooks of GitHub, GitLab, Gitea and Forgejo and, for others, an HMAC over the body. It is answered with 202 whatever comes of it.',
          tags: ['hooks'],
          params: idParams('source', "The source's name or id."),
          response: {
            202: {
              type: 'object',
              properties: { status: { const: 'accepted', type: 'string', description: 'It was taken.' } },
              required: ['status'],
            },
          },
        },
      },
      async (request, reply) => {
        const headers = Object.fromEntries(
          Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
        )
        const body = request.body ?? Buffer.alloc(0)
        try {
          await hooks.deliver(request.params.source, { headers, body })
        } catch (error) {
          // Only sources that exist can fail; polling finds what this would have hinted at.
          request.log.error({ err: error }, 'hook failed')
        }
        return reply.code(202).send({ status: 'accepted' })
      },
    )
  })
}
