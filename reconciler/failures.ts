import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Problem, problem, problemOf, problemType } from './problem.ts'
import type { RouteTable } from './route-table.ts'

/** Answers every failure as a problem document, also those of paths and methods that do not exist. */
export function answerFailures(app: FastifyInstance, table: RouteTable): void {
  app.setErrorHandler((error, request, reply) => {
    const answer = problemOf(error)
    // Bugs are for the operator's log, with their stack; the caller gets the request id to name them by.
    if (answer.code === 'internal') request.log.error({ err: error }, 'request failed')
    return send(request, reply, answer)
  })
  app.setNotFoundHandler((request, reply) => {
    const methods = table.methodsAt(request.url.replace(/\?.*$/s, ''))
    if (methods.length === 0)
      return send(request, reply, problem('not_found', 'there is nothing at this path', 'see /docs'))
    reply.header('allow', methods.join(', '))
    const remedy = `use ${methods.join(' or ')}`
    return send(request, reply, problem('method_not_allowed', `this path does not take ${request.method}`, remedy))
  })
}

function send(request: FastifyRequest, reply: FastifyReply, answer: Problem): FastifyReply {
  if (answer.retry_after !== undefined) reply.header('retry-after', String(answer.retry_after))
  // Past the serialisers of routes: what a problem holds is decided here alone.
  const body = JSON.stringify({ ...answer, request_id: request.id })
  return reply
    .code(answer.status)
    .type(problemType)
    .serializer((text: string) => text)
    .send(body)
}
