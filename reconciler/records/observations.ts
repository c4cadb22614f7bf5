import type { StateStore } from '../../engine/index.ts'
import type { JobQueue } from '../jobs/queue.ts'
import { failedRenewals } from '../loop/failed-renewals.ts'
import type { Expiry, Observations, Scope } from '../services.ts'
import { openPointers, plansAt } from './plan-records.ts'
import { runOf } from './runs.ts'

/** What the whole service shows of itself, read when asked. */
export function createObservations(
  store: StateStore,
  queue: Pick<JobQueue, 'depth'>,
  unready: Observations['unready'],
): Observations {
  async function newest(collection: string, { tenant, limit }: Scope) {
    const query = { collection, newestFirst: true, limit }
    if (tenant === undefined) return store.recordsEverywhere(query)
    return (await store.records(tenant, query)).map(record => ({ ...record, tenant }))
  }

  return {
    unready,
    queueDepth: () => queue.depth(),
    async expiries({ tenant, limit }) {
      const found: Expiry[] = []
      for (const each of tenant === undefined ? await store.tenants() : [tenant]) {
        const { resources } = await store.snapshot(each)
        const failed = await failedRenewals(store, each)
        for (const { address, owner, status } of resources) {
          if (typeof status.notAfter !== 'string') continue
          const failing = failed.get(address)
          found.push({ tenant: each, address, owner, notAfter: status.notAfter, ...(failing && { failing }) })
        }
      }
      return found.toSorted((a, b) => Date.parse(a.notAfter) - Date.parse(b.notAfter)).slice(0, limit)
    },
    async recentRuns(scope) {
      return (await newest('run', scope)).map(record => runOf(record.tenant, record))
    },
    async pendingPlans({ tenant, limit }) {
      const pending = (await openPointers(store, { tenant })).filter(({ data }) => data.state === 'pending')
      return plansAt(store, pending.slice(0, limit))
    },
  }
}
