import type { Mutation, StateStore, StoredRecord } from '../../engine/index.ts'
import { planDocumentCollection } from '../records/plan-documents.ts'
import { isOpen, openPlanCollection, planCollection } from '../records/plan-records.ts'
import { commit, type WritingPorts } from '../records/ports.ts'
import { sourceCollection } from '../records/source-records.ts'
import type { LoopPorts } from './ports.ts'

const hour = 3_600_000
const day = 24 * hour

/** Milliseconds after the start until the first round, and between two rounds. */
const firstRound = hour / 12
const roundInterval = 6 * hour

/** Rows that one commit forgets, so that nobody waits long for the writer, and commits of one round and kind. */
const batch = 200
const mostBatches = 50

/** How long what ended is kept; `docs/gitops.md` says the same. The audit log is kept for ever. */
export const retention = {
  runsPerSource: 200,
  settledPlansPerSource: 100,
  settledPlanDays: 30,
  /** Runs of a source that was removed. */
  orphanDays: 30,
  deliveryDays: 7,
  noticeDays: 400,
  eventDays: 90,
  deadJobDays: 30,
  operationDays: 30,
} as const

/** What a rule knows of a record. */
interface Kept {
  readonly record: StoredRecord
  /** Its place among the ended ones of its source, newest first, from 1. */
  readonly rank: number
  /** Milliseconds since it was written last. */
  readonly age: number
  /** Its source was removed. */
  readonly orphan: boolean
}

interface Rule {
  readonly collection: string
  /** Collections whose records of the same id go along. */
  readonly with?: readonly string[]
  /** Records that may still matter are never forgotten, and take no place. */
  readonly ended: (record: StoredRecord, orphan: boolean) => boolean
  readonly goes: (kept: Kept) => boolean
}

const rules: readonly Rule[] = [
  {
    collection: 'run',
    ended: ({ data }) => data.state !== 'running',
    goes: ({ rank, orphan, age }) => rank > retention.runsPerSource || (orphan && age > retention.orphanDays * day),
  },
  {
    collection: planCollection,
    with: [planDocumentCollection, openPlanCollection],
    // One that a preview made while its source was being removed is nobody's to decide on.
    ended: ({ data }, orphan) => orphan || !isOpen(data.state),
    goes: ({ record, rank, age }) =>
      isOpen(record.data.state) || rank > retention.settledPlansPerSource || age > retention.settledPlanDays * day,
  },
  { collection: 'delivery', ended: () => true, goes: ({ age }) => age > retention.deliveryDays * day },
  { collection: 'notice', ended: () => true, goes: ({ age }) => age > retention.noticeDays * day },
]

/**
 * Forgets what piles up. Each commit is whole by itself and the next round begins again at the top, so that a crash
 * costs nothing; what one round does not get to is left to the next.
 */
export async function keepHouse(ports: Pick<LoopPorts, 'store' | 'clock' | 'log'>, signal: AbortSignal): Promise<void> {
  const { clock, log } = ports
  for (let wait = firstRound; ; wait = roundInterval) {
    await clock.sleep(wait, signal).catch(() => undefined)
    if (signal.aborted) return
    try {
      const forgotten = await tidy(ports, signal)
      if (forgotten > 0) log.info('old records were forgotten', { count: forgotten })
    } catch (error) {
      log.warn('old records could not be forgotten', { reason: error instanceof Error ? error.message : String(error) })
    }
  }
}

/** One round over all tenants. Answers how many records, jobs and events went. */
export async function tidy(ports: WritingPorts, signal?: AbortSignal): Promise<number> {
  const { store } = ports
  let forgotten = 0
  for (const tenant of await store.tenants()) {
    for (const rule of rules) forgotten += await forgetRecords(ports, tenant, rule, signal)
    forgotten += await forgetEvents(ports, tenant, signal)
    await forgetOperations(ports, tenant)
    if (signal?.aborted) return forgotten
  }
  return forgotten + (await forgetDeadJobs(ports))
}

const actor = 'service'

async function forgetRecords(
  ports: WritingPorts,
  tenant: string,
  { collection, with: beside = [], ended, goes }: Rule,
  signal: AbortSignal | undefined,
): Promise<number> {
  const sources = new Set((await ports.store.records(tenant, { collection: sourceCollection })).map(({ id }) => id))
  const now = ports.clock.now().getTime()
  const ranks = new Map<string, number>()
  let forgotten = 0
  let batches = 0
  for await (const page of pages(ports.store, tenant, collection)) {
    const gone = page.filter(record => {
      const { parent = '', updatedAt } = record
      const orphan = parent !== '' && !sources.has(parent)
      if (!ended(record, orphan)) return false
      const rank = (ranks.get(parent) ?? 0) + 1
      ranks.set(parent, rank)
      return goes({ record, rank, age: now - Date.parse(updatedAt), orphan })
    })
    if (gone.length > 0) {
      await commit(ports, tenant, actor, () =>
        gone.flatMap(({ id }) =>
          [collection, ...beside].map((each): Mutation => ({ type: 'delete-record', collection: each, id })),
        ),
      )
      forgotten += gone.length
      if (++batches >= mostBatches) break
    }
    if (signal?.aborted) break
  }
  return forgotten
}

/** Newest first. */
async function* pages(store: StateStore, tenant: string, collection: string): AsyncGenerator<readonly StoredRecord[]> {
  for (let after: number | undefined; ; ) {
    const query = { collection, newestFirst: true, limit: batch, ...(after !== undefined && { after }) }
    const page = await store.records(tenant, query)
    if (page.length > 0) yield page
    after = page.at(-1)?.sequence
    if (after === undefined || page.length < batch) return
  }
}

async function forgetEvents(ports: WritingPorts, tenant: string, signal: AbortSignal | undefined): Promise<number> {
  const before = since(ports, retention.eventDays)
  let forgotten = 0
  for (let round = 0; round < mostBatches && !signal?.aborted; round++) {
    const page = await ports.store.log(tenant, { log: 'event', limit: batch })
    const newest = (await ports.store.logHead(tenant, 'event'))?.sequence
    // The newest one stays, however old it is: the next one is numbered after it.
    const old = page.filter(({ at, sequence }) => at < before && sequence !== newest)
    const through = old.at(-1)?.sequence
    if (through === undefined) break
    await commit(ports, tenant, actor, () => [{ type: 'trim-events', through }])
    forgotten += old.length
    if (old.length < batch) break
  }
  return forgotten
}

async function forgetOperations(ports: WritingPorts, tenant: string): Promise<void> {
  const before = since(ports, retention.operationDays)
  await commit(ports, tenant, actor, () => [{ type: 'trim-operations', before, most: batch * 10 }])
}

async function forgetDeadJobs(ports: WritingPorts): Promise<number> {
  const before = since(ports, retention.deadJobDays)
  const dead = await ports.store.jobs({ state: 'dead', limit: batch * mostBatches })
  const old = dead.filter(({ runAt }) => runAt < before)
  for (const { tenant, id } of old) await commit(ports, tenant, actor, () => [{ type: 'cancel-job', id }])
  return old.length
}

function since({ clock }: WritingPorts, days: number): string {
  return new Date(clock.now().getTime() - days * day).toISOString()
}
