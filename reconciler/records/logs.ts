import { type Clock, type LogEntry, type StateStore, verifyAudit } from '../../engine/index.ts'
import type { LogFilter, LogLine, Logs, Page, PageRequest } from '../services.ts'

/** Milliseconds between two looks for events that another process committed. */
const lookInterval = 2_000
/** Milliseconds after which a silent stream says that it is still there. */
const silence = 15_000

/** Events and audit of the state store. */
export function createLogs({ store, clock }: { readonly store: StateStore; readonly clock: Clock }): Logs {
  async function page(log: LogEntry['log'], tenant: string, filter: LogFilter, { after, limit }: PageRequest) {
    const query = { log, ...filter, ...(after !== undefined && { after }), limit: limit + 1 }
    const entries = await store.log(tenant, query)
    const last = entries[limit - 1]
    return { items: entries.slice(0, limit), ...(entries.length > limit && last && { next: last.sequence }) }
  }

  return {
    async events(tenant, filter, request): Promise<Page<LogLine>> {
      const { items, ...rest } = await page('event', tenant, filter, request)
      return { items: items.map(lineOf), ...rest }
    },
    async audit(tenant, filter, request) {
      const { items, ...rest } = await page('audit', tenant, filter, request)
      return { items: items.map(entry => ({ ...lineOf(entry), hash: entry.hash })), ...rest }
    },
    async verifyAudit(tenant) {
      const { entries, broken } = await verifyAudit(store, tenant)
      return { entries, ...(broken && { broken: broken.sequence }) }
    },
    async changed(tenant, after, signal) {
      const head = async () => (await store.logHead(tenant, 'event'))?.sequence ?? 0
      const woken = new AbortController()
      const either = AbortSignal.any([woken.signal, signal])
      const unwatch = store.watch(change => {
        if (change.tenant === tenant && change.events) woken.abort()
      })
      try {
        for (let waited = 0; waited < silence && !signal.aborted; waited += lookInterval) {
          if (woken.signal.aborted || (await head()) > after) return true
          await clock.sleep(lookInterval, either).catch(() => undefined)
        }
        return woken.signal.aborted && !signal.aborted
      } finally {
        unwatch()
      }
    },
  }
}

function lineOf({ sequence, at, type, actor, subject, data }: LogEntry): LogLine {
  return { sequence, at, type, actor, subject, data }
}
