import { checkChain } from '../state/audit-chain.ts'
import type { RecordReader } from '../state/records.ts'

const pageSize = 1000

/** What following the chain of audit entries showed. */
export interface AuditVerdict {
  /** How many entries were read. */
  readonly entries: number
  /** Hash of the last entry; noted elsewhere, it shows later that nothing before it was changed. */
  readonly head: string
  /** The first entry that does not fit, and why. */
  readonly broken?: { readonly sequence: number; readonly reason: string }
}

/** Recomputes a tenant's audit chain from its beginning, page by page. */
export async function verifyAudit(store: Pick<RecordReader, 'log' | 'logHead'>, tenant: string): Promise<AuditVerdict> {
  // Taken first: what is appended while we read lies after it.
  const head = await store.logHead(tenant, 'audit')
  const check = checkChain()
  let [entries, last, hash] = [0, 0, '']
  while (last < (head?.sequence ?? 0)) {
    const page = await store.log(tenant, { log: 'audit', after: last, limit: pageSize })
    for (const entry of page) {
      if (entry.sequence > (head?.sequence ?? 0)) break
      const reason = check.next(entry)
      if (reason !== undefined) return { entries, head: hash, broken: { sequence: entry.sequence, reason } }
      entries++
      hash = entry.hash
    }
    last = Math.max(page.at(-1)?.sequence ?? Number.POSITIVE_INFINITY, last)
  }
  const reason = check.end(head)
  return { entries, head: hash, ...(reason !== undefined && { broken: { sequence: entries + 1, reason } }) }
}
