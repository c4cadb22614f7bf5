import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../engine/index.ts'
import { type Service, startService } from '../../reconciler/server.ts'
import type { DeclaredSource } from '../../reconciler/services.ts'
import type { Workspace } from './workspace.ts'

/** The machine's time, which a test moves ahead; whoever sleeps wakes when his moment has passed. */
export interface MovedClock extends Clock {
  ahead(ms: number): void
}

export function createMovedClock(ahead = 0): MovedClock {
  let offset = ahead
  let moved = new AbortController()
  const now = () => Date.now() + offset
  return {
    now: () => new Date(now()),
    async sleep(ms, signal) {
      for (const end = now() + ms; now() < end; ) {
        const either = signal ? AbortSignal.any([moved.signal, signal]) : moved.signal
        await sleep(Math.min(end - now(), 2 ** 31 - 1), undefined, { signal: either }).catch(() => undefined)
        signal?.throwIfAborted()
      }
    },
    ahead(ms) {
      offset += ms
      moved.abort()
      moved = new AbortController()
    },
  }
}

/** The service in this process, so that a test can hold its clock, and what it shows. */
export interface ServiceInProcess extends Service {
  readonly clock: MovedClock
  events(type: string): Promise<readonly { readonly subject: string; readonly data: Record<string, unknown> }[]>
  json(path: string): Promise<Record<string, unknown>>
  post(path: string): Promise<number>
  text(path: string): Promise<string>
}

export interface ServiceOptions {
  readonly clock?: MovedClock
  readonly sources?: readonly DeclaredSource[]
  /** Seconds between two looks at what changed outside. */
  readonly driftInterval?: number
  /** Beside the workspace's own environment. */
  readonly env?: Readonly<Record<string, string>>
}

/** Starts it on the workspace's own state, with a key that may see everything. */
export async function startInProcess(work: Workspace, options: ServiceOptions = {}): Promise<ServiceInProcess> {
  const { clock = createMovedClock(), sources = [], env = {}, driftInterval } = options
  const scopes = 'sources:read,sources:write,runs:read,events:read,status:read'
  const created = await work.expect(0, [
    'key',
    'create',
    '--name',
    'test',
    '--state',
    'sqlite:state.db',
    '--scopes',
    scopes,
  ])
  const headers = { authorization: `Bearer ${created.stdout.trim()}` }
  const service = await startService({
    config: {
      listen: { host: '127.0.0.1', port: 0 },
      egressAllow: ['127.0.0.0/8'],
      allowInsecureGit: true,
      sources,
      folder: work.folder,
    },
    state: `sqlite:${work.folder}/state.db`,
    env: { ...work.env, ...env },
    logLevel: 'silent',
    clock,
    driftInterval,
  })
  const ask = async (path: string, method = 'GET') => {
    const response = await fetch(service.url + path, { method, headers })
    return { status: response.status, text: await response.text() }
  }
  const json = async (path: string) => JSON.parse((await ask(path)).text) as Record<string, unknown>
  return {
    ...service,
    clock,
    json,
    async events(type) {
      const { data } = await json(`/v1/events?type=${type}&limit=100`)
      return data as { subject: string; data: Record<string, unknown> }[]
    },
    post: async path => (await ask(path, 'POST')).status,
    text: async path => (await ask(path)).text,
  }
}
