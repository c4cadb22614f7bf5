import type { Socket } from 'node:net'
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

/** Failures before there is a route: a path that cannot be decoded. */
export function answerEarlyFailure(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  void send(request, reply, problemOf(error))
}

/** Octets that are no HTTP: answered by hand, because there is no request yet. */
export function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  // The other side is gone, or hears nothing any more.
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [line, answer] = clientErrors[error.code ?? ''] ?? notHttp
  const body = JSON.stringify(answer)
  const head = [`HTTP/1.1 ${line}`, `content-type: ${problemType}`, `content-length: ${Buffer.byteLength(body)}`]
  socket.end(`${[...head, 'connection: close'].join('\r\n')}\r\n\r\n${body}`)
}

const notHttp: readonly [string, Problem] = [
  '400 Bad Request',
  problem('malformed', 'the request is not valid HTTP', 'send a valid request'),
]
const clientErrors: Readonly<Record<string, readonly [line: string, answer: Problem]>> = {
  HPE_HEADER_OVERFLOW: [
    '431 Request Header Fields Too Large',
    problem('input_too_large', 'the headers are too large', 'send fewer or shorter headers', { status: 431 }),
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [
    '408 Request Timeout',
    problem('malformed', 'the request did not arrive in time', 'send it faster', { status: 408 }),
  ],
}

function send(request: FastifyRequest, reply: FastifyReply, answer: Problem): FastifyReply {
  if (answer.retry_after !== undefined) reply.header('retry-after', String(answer.retry_after))
  // Also where no hook ran yet.
  reply.header('x-request-id', request.id)
  // Past the serialisers of routes: what a problem holds is decided here alone.
  const body = JSON.stringify({ ...answer, request_id: request.id })
  return reply
    .code(answer.status)
    .type(problemType)
    .serializer((text: string) => text)
    .send(body)
}
