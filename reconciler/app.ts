import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { EngineError, newId } from '../engine/index.ts'
import { authenticate } from './auth/authenticate.ts'
import { defaultRateLimits, limitRates, type RateLimits } from './auth/rate.ts'
import { answerClientError, answerEarlyFailure, answerFailures } from './failures.ts'
import { createMetrics } from './metrics.ts'
import { recordRoutes } from './route-table.ts'
import { routes } from './routes/routes.ts'
import { compilers } from './schemas.ts'
import type { Services } from './services.ts'

export interface AppOptions {
  /** Where people find the service; a host of its own there means that a proxy stands before us. */
  readonly publicUrl?: string
  readonly logger?: FastifyBaseLogger
  readonly rates?: RateLimits
  /** Also take repositories over plain http and file URLs, for tests. */
  readonly allowInsecureGit?: boolean
  /** Aborts when the service is about to stop: streams end, new requests are refused. */
  readonly stopping?: AbortSignal
}

/** Octets of a body; routes that take more or less say so. */
const bodyLimit = 256 * 1024

/** The HTTP application on its ports; it listens nowhere yet. */
export async function createApp(services: Services, options: AppOptions = {}): Promise<FastifyInstance> {
  const app = Fastify({
    bodyLimit,
    // Ids of ours have 24 characters; names are shorter than this, too.
    routerOptions: { maxParamLength: 300, ignoreTrailingSlash: false },
    // One exchange may take this long to arrive; answers may take longer (streams).
    requestTimeout: 30_000,
    keepAliveTimeout: 10_000,
    http: { maxHeaderSize: 16 * 1024, headersTimeout: 10_000 },
    // Nothing in front of us is believed; addresses are the sockets' own.
    trustProxy: false,
    return503OnClosing: false,
    // One line a request, of our own making.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    frameworkErrors: answerEarlyFailure,
    clientErrorHandler: answerClientError,
    genReqId: request => requestId(request.headers['x-request-id'], services),
    ...(options.logger ? { loggerInstance: options.logger } : { logger: false }),
  })
  compilers(app)
  const table = recordRoutes(app)
  answerFailures(app, table)
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
    for (const [name, value] of Object.entries(securityHeaders)) reply.header(name, value)
    if (!options.stopping?.aborted) return
    reply.header('connection', 'close')
    throw new EngineError('unavailable', 'the service is stopping', { remedy: 'try again', retryAfter: 5 })
  })
  const metrics = await createMetrics(app, services)
  const limiters = await limitRates(app, options.rates ?? defaultRateLimits)
  authenticate(app, {
    keys: services.keys,
    publicUrl: options.publicUrl,
    onFailure: limiters.failure,
    onCaller: limiters.caller,
  })
  logRequests(app)
  for (const add of routes) add(app, { services, table, metrics, ...options })
  await app.ready()
  return app
}

const securityHeaders: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
}

/** A caller's own id is kept, so that its logs and ours meet; anything that could forge a log line is not. */
function requestId(given: string | string[] | undefined, { random }: Services): string {
  return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : newId('req', random)
}

function logRequests(app: FastifyInstance): void {
  app.addHook('onResponse', async (request, reply) => {
    const { method, routeOptions, caller, ip } = request
    request.log.info(
      {
        method,
        route: routeOptions.url ?? '(none)',
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        ip,
        ...(caller && { tenant: caller.tenant, key_id: caller.keyId }),
      },
      'request',
    )
  })
}
