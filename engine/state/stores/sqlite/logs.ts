import type { Selectable } from 'kysely'
import type { JsonObject } from '../../../core/json.ts'
import { chainHash, checkChain } from '../../audit-chain.ts'
import type { LogDraft, LogEntry, LogHead, LogQuery } from '../../records.ts'
import type { Tables } from '../../tables.ts'
import { query, type Runner, template } from './query.ts'

const entryColumns = ['log', 'sequence', 'at', 'type', 'actor', 'subject', 'data', 'hash'] as const
type Row = Pick<Selectable<Tables['log_entry']>, (typeof entryColumns)[number]>

const readHead = template<{ tenant: string; log: string }>()(slot =>
  query
    .selectFrom('log_head')
    .select(['sequence', 'hash'])
    .where('tenant', '=', slot.tenant)
    .where('log', '=', slot.log),
)

const moveHead = template<{ tenant: string; log: string; sequence: number; hash: string }>()(slot =>
  query
    .insertInto('log_head')
    .values({ tenant: slot.tenant, log: slot.log, sequence: slot.sequence, hash: slot.hash })
    .onConflict(conflict =>
      conflict.columns(['tenant', 'log']).doUpdateSet({ sequence: slot.sequence, hash: slot.hash }),
    ),
)

const insertEntry = template<Selectable<Tables['log_entry']> & { [column: string]: string | number }>()(slot =>
  query.insertInto('log_entry').values({
    tenant: slot.tenant,
    log: slot.log,
    sequence: slot.sequence,
    at: slot.at,
    type: slot.type,
    actor: slot.actor,
    subject: slot.subject,
    data: slot.data,
    hash: slot.hash,
  }),
)

const removeEvents = template<{ tenant: string; through: number }>()(slot =>
  query
    .deleteFrom('log_entry')
    .where('tenant', '=', slot.tenant)
    .where('log', '=', 'event')
    .where('sequence', '<=', slot.through),
)

const readWhole = template<{ tenant: string; log: string }>()(slot =>
  query
    .selectFrom('log_entry')
    .select(entryColumns)
    .where('tenant', '=', slot.tenant)
    .where('log', '=', slot.log)
    .orderBy('sequence'),
)

export function headOf(runner: Runner, tenant: string, log: LogEntry['log']): LogHead | undefined {
  return runner.get(readHead, { tenant, log })
}

/** Appends a commit's entries in their order; each log's head is read and written once. */
export function appendEntries(runner: Runner, tenant: string, drafts: readonly LogDraft[]): void {
  const heads = new Map<LogEntry['log'], LogHead>()
  for (const draft of drafts) {
    const { log, at, type, data } = draft
    // SQLite keeps UTF-8: half a surrogate pair would come back as something else and break the chain.
    const [actor, subject] = [draft.actor.toWellFormed(), draft.subject.toWellFormed()]
    const head = heads.get(log) ?? headOf(runner, tenant, log) ?? { sequence: 0, hash: '' }
    const sequence = head.sequence + 1
    const text = JSON.stringify(data)
    const hash = log === 'audit' ? chainHash(head.hash, { log, sequence, at, type, actor, subject, data }) : ''
    runner.run(insertEntry, { tenant, log, sequence, at, type, actor, subject, data: text, hash })
    heads.set(log, { sequence, hash })
  }
  for (const [log, { sequence, hash }] of heads) runner.run(moveHead, { tenant, log, sequence, hash })
}

/** An export holds entries and no heads: from the newest one, which stays, the numbers go on elsewhere. */
export function trimEvents(runner: Runner, tenant: string, through: number): void {
  const newest = headOf(runner, tenant, 'event')?.sequence ?? 0
  runner.run(removeEvents, { tenant, through: Math.min(through, newest - 1) })
}

export function findEntries(runner: Runner, tenant: string, asked: LogQuery): LogEntry[] {
  let built = query
    .selectFrom('log_entry')
    .select(entryColumns)
    .where('tenant', '=', tenant)
    .where('log', '=', asked.log)
    .orderBy('sequence', asked.newestFirst ? 'desc' : 'asc')
  if (asked.after !== undefined) built = built.where('sequence', asked.newestFirst ? '<' : '>', asked.after)
  if (asked.type !== undefined) built = built.where('type', '=', asked.type)
  if (asked.subject !== undefined) built = built.where('subject', '=', asked.subject)
  if (asked.since !== undefined) built = built.where('at', '>=', asked.since)
  if (asked.limit !== undefined) built = built.limit(asked.limit)
  return runner.select(built.compile()).map(entryFrom)
}

/** As they were elsewhere, hashes included: a chain that was broken there is broken here. */
export function restoreEntries(runner: Runner, tenant: string, entries: readonly LogEntry[]): void {
  const heads = new Map<LogEntry['log'], LogHead>()
  for (const entry of entries) {
    const { log, sequence, at, type, actor, subject, data, hash } = entry
    runner.run(insertEntry, { tenant, log, sequence, at, type, actor, subject, data: JSON.stringify(data), hash })
    heads.set(log, { sequence, hash })
  }
  for (const [log, { sequence, hash }] of heads) runner.run(moveHead, { tenant, log, sequence, hash })
}

/** What is wrong with the audit chain: the first fault, because all after it follows from it. */
export function auditFaults(runner: Runner, tenant: string): string[] {
  const check = checkChain()
  let fault: string | undefined
  runner.map(readWhole, { tenant, log: 'audit' }, row => {
    fault ??= check.next(entryFrom(row))
  })
  fault ??= check.end(headOf(runner, tenant, 'audit'))
  return fault === undefined ? [] : [fault]
}

/** JSON and names read back from our own columns are cast: only this module writes them. */
function entryFrom(row: Row): LogEntry {
  return { ...row, log: row.log as LogEntry['log'], data: JSON.parse(row.data) as JsonObject }
}
