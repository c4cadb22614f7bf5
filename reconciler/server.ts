import { createHash } from 'node:crypto'
import { homedir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import type { FastifyInstance } from 'fastify'
import {
  type Clock,
  createApiKeys,
  createHttp,
  EngineError,
  openStore,
  type Random,
  type StateStore,
  systemPorts,
  type Trace,
} from '../engine/index.ts'
import { createApp } from './app.ts'
import type { Config, Listen } from './config.ts'
import { createEmbeddedQueue } from './jobs/embedded.ts'
import { createLogger, type LogLevel, logOf } from './log.ts'
import { createConnections } from './loop/connections.ts'
import { createLoop } from './loop/loop.ts'
import { createEgress } from './net/egress.ts'
import { beTheService } from './one-service.ts'
import { createPulse, createReadiness } from './readiness.ts'
import { createApiKeyPort } from './records/api-keys.ts'
import { createHooks } from './records/hooks.ts'
import { createLogs } from './records/logs.ts'
import { createObservations } from './records/observations.ts'
import { createPlans } from './records/plans.ts'
import { createRuns } from './records/runs.ts'
import { createSources } from './records/sources.ts'

export interface ServiceOptions {
  readonly config: Config
  /** `sqlite:PATH`. */
  readonly state: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly logLevel: LogLevel
  /** Where http-01 challenges are answered, and who is asked for addresses. */
  readonly http01Listen?: string | undefined
  readonly resolver?: string | undefined
  readonly clock?: Clock | undefined
  readonly random?: Random | undefined
  readonly trace?: Trace | undefined
  /** Milliseconds to wait for another service on the same state to end. */
  readonly patience?: number | undefined
  /** Seconds between two looks at what changed outside. */
  readonly driftInterval?: number | undefined
  readonly wrapStore?: ((store: StateStore) => StateStore) | undefined
}

export interface Service {
  /** `http://HOST:PORT`. */
  readonly url: string
  /** Takes nothing new, lets what runs checkpoint, and closes everything within a bound. */
  stop(): Promise<void>
}

/** Milliseconds in which open requests have to end. */
const requestGrace = 5_000
/** Milliseconds in which passes have to checkpoint; well below what supervisors wait before they kill. */
const passGrace = 20_000

/** Opens the state, starts the loop and listens. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { config, env } = options
  const system = await systemPorts()
  const { clock = system.clock, random = system.random, trace = system.trace } = options
  const logger = createLogger(options.logLevel)
  const log = logOf(logger)
  const opened = await openStore(options.state)
  const store = options.wrapStore?.(opened) ?? opened
  const egress = createEgress(config.egressAllow)
  const http = await createHttp({ guard: egress.guard })
  const held = await beTheService({ store, log, clock }, options.patience).catch(async error => {
    await store.close()
    throw error
  })
  const ports = { store, clock, random, log, trace }
  const { publicUrl, allowInsecureGit } = config
  const connections = createConnections({
    ...{ ...ports, env, http, egress, allowInsecureGit, cacheFolder: cacheFolder(options.state, env) },
    ...(publicUrl !== undefined && { publicUrl }),
    ...(options.http01Listen !== undefined && { http01Listen: options.http01Listen }),
    ...(options.resolver !== undefined && { resolver: options.resolver }),
  })
  const queue = createEmbeddedQueue(ports)
  const pulse = createPulse(clock)
  const loop = createLoop(connections, queue, pulse.beat, { driftInterval: options.driftInterval })
  const stopping = new AbortController()
  const sources = createSources(ports)

  async function close(app?: FastifyInstance): Promise<void> {
    stopping.abort()
    // It answers that it is stopping while passes checkpoint: a closed port looks like a crash to who watches it.
    await within(loop.stop(), passGrace)
    if (app) await closeWithin(app)
    await connections.close()
    await http.close()
    await held.release()
    await store.close()
  }
  // Two that work on one state would do everything twice; whoever supervises this one sees that it is not ready.
  held.lost.addEventListener('abort', () => {
    log.warn('another service works on this state now; this one stops working')
    stopping.abort()
    void loop.stop()
  })

  try {
    await sources.declare(config.sources)
    const app = await createApp(
      {
        ...{ clock, random, log, sources },
        keys: createApiKeyPort(await createApiKeys(ports)),
        plans: createPlans(ports),
        runs: createRuns(ports),
        logs: createLogs(ports),
        hooks: createHooks({
          ...{ ...ports, sources },
          webhookSecretOf: async source =>
            source.spec.webhookSecret && (await connections.secretOf(source, source.spec.webhookSecret)),
        }),
        observations: createObservations(store, queue, createReadiness({ store, clock, pulse, queues: loop.queues })),
      },
      { logger, stopping: stopping.signal, allowInsecureGit, ...(publicUrl !== undefined && { publicUrl }) },
    )
    const url = await listen(app, config.listen)
    await loop.start()
    log.info('started', { url, state: store.url, sources: config.sources.length })
    return {
      url,
      async stop() {
        log.info('stopping')
        await close(app)
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function listen(app: FastifyInstance, { host, port }: Listen): Promise<string> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    await app.close()
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    throw new EngineError('listener_failed', `cannot listen at ${host}:${port}${code === '' ? '' : ` (${code})`}`, {
      remedy: code === 'EADDRINUSE' ? 'stop what listens there, or choose another port' : 'choose another address',
      cause: error,
    })
  }
  const address = app.server.address()
  const bound = typeof address === 'object' && address !== null ? address.port : port
  return `http://${host.includes(':') ? `[${host}]` : host}:${bound}`
}

/** Requests that are under way end; connections that stay open after that are closed. */
async function closeWithin(app: FastifyInstance): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), requestGrace)
  await app.close()
  clearTimeout(timer)
}

/** What does not end in time is left to its lease; the next start takes it up. */
async function within(work: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>(resolve => {
    timer = setTimeout(resolve, milliseconds)
  })
  await Promise.race([work, late])
  clearTimeout(timer)
}

/**
 * Beside the state where that is a file; it can be deleted at any time. Each state has its own: what belongs to none of
 * its sources is removed.
 */
function cacheFolder(state: string, env: ServiceOptions['env']): string {
  const path = /^sqlite:(.+)$/s.exec(state)?.[1]
  if (path !== undefined) return resolve(dirname(path), 'repositories', basename(path))
  const name = createHash('sha256').update(state).digest('hex').slice(0, 16)
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'trustform', 'repositories', name)
}
