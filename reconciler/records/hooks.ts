import { createHash } from 'node:crypto'
import { EngineError, type Log, type Mutation } from '../../engine/index.ts'
import type { Hint } from '../forges/forge.ts'
import { type Received, receiveHook } from '../forges/hooks/receive.ts'
import { jobMutation } from '../jobs/job-mutation.ts'
import type { JobRequest } from '../jobs/queue.ts'
import { previewRequest, reconcileRequest } from '../jobs/requests.ts'
import type { Hooks, Sources } from '../services.ts'
import type { Source } from '../sources/source.ts'
import { commit, type RecordPorts } from './ports.ts'

/** Records of deliveries, below their source. */
export const deliveryCollection = 'delivery'
const collection = deliveryCollection
/** Deliveries remembered of one source; forges repeat within minutes. */
const mostRemembered = 500

export interface HookPorts extends RecordPorts {
  readonly log: Log
  readonly sources: Sources
  /** The key of a source's webhook; undefined where deliveries are not accepted. */
  webhookSecretOf(source: Source): Promise<string | undefined>
}

/** Checks deliveries and wakes the loop; the delivery is remembered by the commit that wakes it. */
export function createHooks(ports: HookPorts): Hooks {
  const { store, log, sources, webhookSecretOf } = ports

  async function wake(source: Source, { delivery, hint }: Received): Promise<void> {
    const job = jobFor(source, hint)
    if (!job) return
    // Without a number, two alike are two: what is said by `{"branch": "main"}` is true more than once.
    if (delivery === undefined) return commit(ports, source.tenant, 'webhook', () => [jobMutation(job, ports)])
    const id = createHash('sha256').update(`${source.id} ${delivery}`).digest('hex')
    try {
      await commit(ports, source.tenant, 'webhook', () => [
        { type: 'put-record', record: { collection, id, parent: source.id, data: {} }, expectedVersion: null },
        jobMutation(job, ports),
      ])
    } catch (error) {
      // It was delivered before: the record is there.
      if (error instanceof EngineError && error.code === 'state_conflict') return
      throw error
    }
    // Looked at now and then, by chance of the digest, because counting costs more than the delivery.
    if (id.startsWith('0')) await forgetOldest(source)
  }

  async function forgetOldest({ id, tenant }: Source): Promise<void> {
    const known = await store.records(tenant, { collection, parent: id, newestFirst: true })
    const old = known.slice(mostRemembered)
    if (old.length === 0) return
    await commit(ports, tenant, 'webhook', () =>
      old.map((record): Mutation => ({ type: 'delete-record', collection, id: record.id })),
    )
  }

  /** Names are unique per tenant only: a key that cannot be had must not keep another tenant's from being tried. */
  async function secretOf(source: Source): Promise<string | undefined> {
    try {
      return await webhookSecretOf(source)
    } catch (error) {
      const reason = error instanceof EngineError ? error.code : 'internal'
      log.warn('the key of a webhook cannot be had', { tenant: source.tenant, source: source.spec.name, reason })
      return undefined
    }
  }

  return {
    async deliver(named, delivery) {
      for (const source of await sources.addressed(named)) {
        const secret = await secretOf(source)
        if (secret === undefined) continue
        const received = receiveHook(source.spec.forge?.type ?? 'generic', secret, delivery)
        if (received) return wake(source, received)
      }
      log.info('a delivery was not accepted', { hook: named })
    },
  }
}

/** What a hint asks for. It is only that: what is true is asked of git and the forge. */
function jobFor({ id, spec, suspended }: Source, hint: Hint): JobRequest | undefined {
  if (suspended) return undefined
  switch (hint.type) {
    case 'push':
      if (hint.branch !== spec.branch) return undefined
      return reconcileRequest(id, 'webhook')
    case 'pull-request':
    case 'comment': {
      return spec.forge && previewRequest(id, hint.number)
    }
    case 'other':
      return undefined
  }
}
