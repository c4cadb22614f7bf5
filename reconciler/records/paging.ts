import type { RecordQuery, StoredRecord } from '../../engine/index.ts'
import type { Page, PageRequest } from '../services.ts'
import type { RecordPorts } from './ports.ts'

/** A page of records; `keep` filters what the store cannot. */
export async function pageOf<T>(
  { store }: Pick<RecordPorts, 'store'>,
  tenant: string,
  query: Omit<RecordQuery, 'limit' | 'after'>,
  { after, limit }: PageRequest,
  read: (record: StoredRecord) => T,
  keep: (record: StoredRecord) => boolean = () => true,
): Promise<Page<T>> {
  const items: T[] = []
  for (let from = after; ; ) {
    // One more than asked for tells whether another page follows.
    const asked = Math.max(limit + 1 - items.length, 50)
    const records = await store.records(tenant, { ...query, ...(from !== undefined && { after: from }), limit: asked })
    for (const record of records) {
      if (keep(record)) {
        if (items.length === limit && from !== undefined) return { items, next: from }
        items.push(read(record))
      }
      // Also what was passed over: a next page need not look at it again.
      if (items.length <= limit) from = record.sequence
    }
    if (records.length < asked) return { items }
  }
}
