import type { Selectable } from 'kysely'
import { EngineError } from '../../../core/errors.ts'
import type { JsonObject } from '../../../core/json.ts'
import type { RecordDraft, RecordQuery, StoredRecord } from '../../records.ts'
import type { Tables } from '../../tables.ts'
import { query, type Runner, template } from './query.ts'
import { isUniqueViolation } from './sqlite-error.ts'

type OwnedRecord = StoredRecord & { readonly tenant: string }

const readRecord = template<{ tenant: string; collection: string; id: string }>()(slot =>
  query
    .selectFrom('record')
    .selectAll()
    .where('tenant', '=', slot.tenant)
    .where('collection', '=', slot.collection)
    .where('id', '=', slot.id),
)

interface Changed {
  [column: string]: string | number | null
  tenant: string
  collection: string
  id: string
  name: string | null
  parent: string | null
  data: string
  version: number
  updated_at: string
}
interface Created extends Changed {
  created_at: string
}

const insertRecord = template<Created>()(slot =>
  query.insertInto('record').values({
    tenant: slot.tenant,
    collection: slot.collection,
    id: slot.id,
    name: slot.name,
    parent: slot.parent,
    data: slot.data,
    version: slot.version,
    created_at: slot.created_at,
    updated_at: slot.updated_at,
  }),
)

const updateRecord = template<Changed>()(slot =>
  query
    .updateTable('record')
    .set({
      name: slot.name,
      parent: slot.parent,
      data: slot.data,
      version: slot.version,
      updated_at: slot.updated_at,
    })
    .where('tenant', '=', slot.tenant)
    .where('collection', '=', slot.collection)
    .where('id', '=', slot.id),
)

const deleteRecord = template<{ tenant: string; collection: string; id: string }>()(slot =>
  query
    .deleteFrom('record')
    .where('tenant', '=', slot.tenant)
    .where('collection', '=', slot.collection)
    .where('id', '=', slot.id),
)

export function findRecord(runner: Runner, tenant: string, collection: string, id: string): StoredRecord | undefined {
  const row = runner.get(readRecord, { tenant, collection, id })
  return row && recordFrom(row)
}

/** Over all tenants when none is named; the oldest where several use the name. */
export function findNamed(
  runner: Runner,
  tenant: string | undefined,
  collection: string,
  name: string,
): OwnedRecord | undefined {
  let built = query
    .selectFrom('record')
    .selectAll()
    .where('collection', '=', collection)
    .where('name', '=', name)
    .orderBy('seq')
    .limit(1)
  if (tenant !== undefined) built = built.where('tenant', '=', tenant)
  const [row] = runner.select(built.compile())
  return row && { ...recordFrom(row), tenant: row.tenant }
}

/** By sequence; of every tenant when none is named. */
export function findRecords(runner: Runner, tenant: string | undefined, asked: RecordQuery): OwnedRecord[] {
  let built = query
    .selectFrom('record')
    .selectAll()
    .where('collection', '=', asked.collection)
    .orderBy('seq', asked.newestFirst ? 'desc' : 'asc')
  if (tenant !== undefined) built = built.where('tenant', '=', tenant)
  if (asked.parent !== undefined) built = built.where('parent', '=', asked.parent)
  if (asked.after !== undefined) built = built.where('seq', asked.newestFirst ? '<' : '>', asked.after)
  if (asked.limit !== undefined) built = built.limit(asked.limit)
  return runner.select(built.compile()).map(row => ({ ...recordFrom(row), tenant: row.tenant }))
}

/** Every record of a tenant in the order of creation, for export. */
export function allRecords(runner: Runner, tenant: string): StoredRecord[] {
  const built = query.selectFrom('record').selectAll().where('tenant', '=', tenant).orderBy('seq')
  return runner.select(built.compile()).map(recordFrom)
}

export function writeRecord(
  runner: Runner,
  tenant: string,
  record: RecordDraft,
  expected: number | null | 'any',
  at: string,
): void {
  const { collection, id, name = null, parent = null } = record
  const before = runner.get(readRecord, { tenant, collection, id })
  if (expected !== 'any' && (before?.version ?? null) !== expected) throw changed(record, before?.version, expected)
  const version = (before?.version ?? 0) + 1
  const row = { tenant, collection, id, name, parent, data: JSON.stringify(record.data), version, updated_at: at }
  try {
    if (before === undefined) runner.run(insertRecord, { ...row, created_at: at })
    else runner.run(updateRecord, row)
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
    throw new EngineError('conflict', `another ${collection} has the name of ${id}`, {
      remedy: 'choose another name',
      cause: error,
    })
  }
}

export function removeRecord(runner: Runner, tenant: string, collection: string, id: string): void {
  runner.run(deleteRecord, { tenant, collection, id })
}

/** As they were elsewhere, in their order, with numbers of this store. */
export function restoreRecords(runner: Runner, tenant: string, records: readonly StoredRecord[]): void {
  for (const { collection, id, name = null, parent = null, data, version, createdAt, updatedAt } of records) {
    runner.run(insertRecord, {
      tenant,
      collection,
      id,
      name,
      parent,
      data: JSON.stringify(data),
      version,
      created_at: createdAt,
      updated_at: updatedAt,
    })
  }
}

/** JSON read back from our own column is cast, not parsed: only `writeRecord` and `restoreRecords` write it. */
function recordFrom(row: Selectable<Tables['record']>): StoredRecord {
  return {
    collection: row.collection,
    id: row.id,
    ...(row.name !== null && { name: row.name }),
    ...(row.parent !== null && { parent: row.parent }),
    data: JSON.parse(row.data) as JsonObject,
    version: row.version,
    sequence: row.seq,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

function changed({ collection, id }: RecordDraft, found: number | undefined, expected: number | null): EngineError {
  const what =
    found === undefined
      ? `the ${collection} ${id} no longer exists`
      : expected === null
        ? `the ${collection} ${id} exists already`
        : `the ${collection} ${id} was changed meanwhile (version ${found}, expected ${expected})`
  return new EngineError('state_conflict', what, { remedy: 'read it again, then repeat the change' })
}
