import { Readable } from 'node:stream'
import { EngineError } from '../../engine/index.ts'
import { callerOf } from '../auth/authenticate.ts'
import { listOf } from '../schemas.ts'
import type { Routes } from './context.ts'
import { eventStream } from './event-stream.ts'
import { type LogQuerystring, logFilter, logQuery } from './log-query.ts'
import { pageRequest, pageView } from './paging.ts'

/** Open streams of one key; each asks the state now and then. */
const mostStreams = 16

export const eventRoutes: Routes = (app, { services, stopping }) => {
  const open = new Map<string, number>()

  app.get<{ Querystring: LogQuerystring & { type?: string } }>(
    '/v1/events',
    {
      config: { access: { scope: 'events:read' } },
      schema: {
        operationId: 'listEvents',
        summary: 'list events, or follow them',
        description:
          'With `Accept: text/event-stream` the answer is a stream of server-sent events: those to come, or after ' +
          '`Last-Event-ID` where that is given. It ends when the key is revoked.',
        tags: ['events'],
        querystring: logQuery('type', 'Only events of this type, such as certificate.issued.'),
        response: { 200: listOf('Event') },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request)
      const filter = logFilter(request.query, request.query.type)
      const wantsStream = /\btext\/event-stream\b/.test(request.headers.accept ?? '')
      if (!wantsStream || request.method === 'HEAD') {
        return pageView(await services.logs.events(caller.tenant, filter, pageRequest(request.query)), event => event)
      }
      const count = open.get(caller.keyId) ?? 0
      if (count >= mostStreams) {
        throw new EngineError('rate_limited', `this API key has ${mostStreams} streams open`, {
          remedy: 'close one of them',
          retryAfter: 10,
        })
      }
      open.set(caller.keyId, count + 1)
      const gone = new AbortController()
      reply.raw.once('close', () => {
        gone.abort()
        const left = (open.get(caller.keyId) ?? 1) - 1
        if (left === 0) open.delete(caller.keyId)
        else open.set(caller.keyId, left)
      })
      const signal = stopping ? AbortSignal.any([gone.signal, stopping]) : gone.signal
      const last = Number(request.headers['last-event-id'])
      const after = Number.isSafeInteger(last) && last > 0 ? { after: last } : {}
      const stream = eventStream(services, caller, { ...filter, newestFirst: false }, { ...after, signal })
      return reply
        .type('text/event-stream')
        .header('x-accel-buffering', 'no')
        .serializer((text: unknown) => String(text))
        .send(Readable.from(stream))
    },
  )
}
