import { createHash } from 'node:crypto'
import type { Agent, Dispatcher } from 'undici'
import manifest from '../../package.json' with { type: 'json' }
import { unlessAborted } from '../core/abort.ts'
import { refusalIn } from '../core/egress.ts'
import { type Http, HttpFailure, type HttpRequest, type HttpResponse } from '../core/ports.ts'
import { type ConnectorOptions, connectorFor } from './connector.ts'
import { untrustedCodes } from './untrusted.ts'

export interface HttpOptions extends ConnectorOptions {
  /** Octets of a response body; default 4 MiB. */
  readonly bodyLimit?: number
  readonly userAgent?: string
}

export interface ClosableHttp extends Http {
  /** Ends idle connections; requests after it are refused. */
  close(): Promise<void>
}

/** CommonJS: a bundle has its names on the default export only. */
type Undici = typeof import('undici')['default']

const defaultBodyLimit = 4 * 1024 * 1024
const defaultTimeout = 30_000

/**
 * The `Http` port on undici, loaded with the first request. Connections are kept alive, per set of trusted roots, so
 * that a private CA's roots are never trusted for another server. No redirect is followed.
 */
export function createHttp(options: HttpOptions = {}): ClosableHttp {
  const bodyLimit = options.bodyLimit ?? defaultBodyLimit
  const userAgent = options.userAgent ?? `trustform/${manifest.version}`
  const agents = new Map<string, Agent>()
  const running = new Set<Promise<HttpResponse>>()
  let undici: Promise<Undici> | undefined
  let closed = false

  async function agentFor(roots: readonly string[] | undefined): Promise<Agent> {
    undici ??= import('undici').then(module => module.default)
    const { Agent, buildConnector } = await undici
    const key = roots === undefined ? 'system' : createHash('sha256').update(roots.join('\n')).digest('hex')
    let agent = agents.get(key)
    if (!agent) {
      agent = new Agent({ connect: connectorFor(buildConnector, roots, options) })
      agents.set(key, agent)
    }
    return agent
  }

  async function exchange(request: HttpRequest): Promise<HttpResponse> {
    const agent = await agentFor(request.trustedRoots)
    const limit = timeLimit(request)
    try {
      const { origin, pathname, search } = new URL(request.url)
      const answer = agent.request({
        origin,
        path: pathname + search,
        method: request.method,
        headers: { 'user-agent': userAgent, ...request.headers },
        body: request.body ?? null,
        signal: limit.signal,
        // The whole exchange has one limit; undici's own ones per phase would only blur its reason.
        headersTimeout: 0,
        bodyTimeout: 0,
      })
      // undici (8, verified 2026-11) looks at the signal only once its connection is made, or ten seconds later.
      const response = await unlessAborted(answer, limit.signal)
      return { status: response.statusCode, headers: response.headers, body: await readBody(response, bodyLimit) }
    } catch (error) {
      throw failureOf(error, request, limit)
    } finally {
      limit.clear()
    }
  }

  return {
    async request(request) {
      if (closed) throw new HttpFailure('aborted', 'the HTTP client is closed')
      const answer = exchange(request)
      running.add(answer)
      try {
        return await answer
      } finally {
        running.delete(answer)
      }
    },
    async close() {
      closed = true
      await Promise.allSettled(running)
      // Not `close`, which waits for connections that nobody waits for any more.
      await Promise.all([...agents.values()].map(agent => agent.destroy()))
      agents.clear()
    },
  }
}

interface TimeLimit {
  readonly signal: AbortSignal
  readonly milliseconds: number
  expired(): boolean
  clear(): void
}

function timeLimit(request: HttpRequest): TimeLimit {
  const milliseconds = request.timeout ?? defaultTimeout
  const expiry = new AbortController()
  const timer = setTimeout(() => expiry.abort(), milliseconds)
  return {
    signal: request.signal ? AbortSignal.any([request.signal, expiry.signal]) : expiry.signal,
    milliseconds,
    expired: () => expiry.signal.aborted,
    clear: () => clearTimeout(timer),
  }
}

async function readBody(response: Dispatcher.ResponseData, limit: number): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response.body) {
    const octets: Buffer = chunk // undici's body is a byte stream without an encoding set
    size += octets.length
    // Leaving the loop destroys the stream, so the rest is never read.
    if (size > limit) throw new HttpFailure('too_large', `the response is larger than ${limit} octets`)
    chunks.push(octets)
  }
  return Buffer.concat(chunks, size)
}

function failureOf(error: unknown, request: HttpRequest, limit: TimeLimit): HttpFailure {
  if (error instanceof HttpFailure) return error
  const where = hostOf(request.url)
  if (request.signal?.aborted) return new HttpFailure('aborted', `the request to ${where} was interrupted`, error)
  if (limit.expired()) {
    return new HttpFailure('timeout', `${where} did not answer within ${limit.milliseconds} ms`, error)
  }
  const causes = flatten(error)
  const refusal = causes.map(refusalIn).find(found => found !== undefined)
  if (refusal) return new HttpFailure('refused', refusal.message, refusal)
  const untrusted = causes.find(cause => untrustedCodes.has(codeOf(cause)))
  if (untrusted) {
    return new HttpFailure('untrusted', `the TLS certificate of ${where} is not trusted: ${untrusted.message}`, error)
  }
  const words = causes.find(cause => cause.message !== '')?.message ?? String(error)
  return new HttpFailure('unreachable', `${where} could not be reached: ${words}`, error)
}

/** An error, what it aggregates (one failed attempt per address) and what caused it. */
function flatten(error: unknown, depth = 0): Error[] {
  if (!(error instanceof Error) || depth > 5) return []
  const inner = error instanceof AggregateError ? error.errors : []
  return [error, ...inner.flatMap(each => flatten(each, depth + 1)), ...flatten(error.cause, depth + 1)]
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'the server'
}
