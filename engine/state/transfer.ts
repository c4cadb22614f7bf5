import { EngineError } from '../core/errors.ts'
import type { CertificateRow } from '../core/resource.ts'
import type { SealedRow, WrappedKey } from '../core/sealed.ts'
import type { Job, LogEntry, StoredRecord } from './records.ts'
import type { Commit, HistoryEntry, Mutation, OpenOperation, Snapshot, StateStore } from './store.ts'

const format = 'trustform-state'
/** 2: with records, logs and jobs. */
const version = 2
const pageSize = 1000

/** All of a tenant's state; leases, also those of running jobs, stay behind. */
interface TenantState {
  readonly tenant: string
  readonly declared: Snapshot
  readonly history: readonly HistoryEntry[]
  /** Oldest first. */
  readonly certificates: readonly CertificateRow[]
  readonly dataKeys: readonly WrappedKey[]
  readonly sealed: readonly SealedRow[]
  readonly operations: readonly OpenOperation[]
  /** In the order of their creation. Absent in documents of version 1. */
  readonly records?: readonly StoredRecord[]
  readonly logs?: readonly LogEntry[]
  readonly jobs?: readonly Job[]
}

/**
 * The document of `state export`: JSON, octets as `{"$base64": …}`. Private keys and other secrets are in it as they
 * are in the state, sealed: without the master key they are useless.
 */
interface StateDocument extends TenantState {
  readonly format: typeof format
  readonly version: number
}

/** Who writes, and when. */
type Author = Pick<Commit, 'actor' | 'at'>

/** A tenant's state as text. Take the state's lease first if others may write meanwhile. */
export async function exportState(store: StateStore, tenant: string): Promise<string> {
  const document: StateDocument = { format, version, ...(await readTenant(store, tenant)) }
  return `${JSON.stringify(document, encodeOctets, 1)}\n`
}

/**
 * Writes an exported state into a store where its tenant does not exist yet, whole or not at all, and answers the
 * tenant: the name stays, because sealed rows are bound to it. Throws `input_unreadable` or `state_conflict`.
 */
export async function importState(store: StateStore, text: string, author: Author): Promise<string> {
  const document = parseDocument(text)
  await writeTenant(store, document, author)
  return document.tenant
}

/** Copies every tenant (or the one named) from one store to another that does not have it; answers their names. */
export async function copyState(
  from: StateStore,
  to: StateStore,
  author: Author,
  only?: string,
): Promise<readonly string[]> {
  const tenants = only === undefined ? await from.tenants() : [only]
  for (const tenant of tenants) await writeTenant(to, await readTenant(from, tenant), author)
  return tenants
}

async function readTenant(store: StateStore, tenant: string): Promise<TenantState> {
  const declared = await store.snapshot(tenant)
  if (declared.lineage === '') {
    throw new EngineError('not_found', `the tenant "${tenant}" has no state`, {
      remedy: 'choose a tenant with --tenant',
    })
  }
  const newestFirst = await store.certificates(tenant, {})
  const sealed: SealedRow[] = []
  for (let page = await store.sealedRows(tenant, '', pageSize); page.length > 0; ) {
    sealed.push(...page)
    page = await store.sealedRows(tenant, page.at(-1)?.id ?? '', pageSize)
  }
  return {
    tenant,
    declared,
    history: await store.history(tenant, {}),
    certificates: newestFirst.toReversed(),
    dataKeys: await store.dataKeys(tenant),
    sealed,
    operations: await store.operations(tenant),
    records: await store.allRecords(tenant),
    logs: [...(await readLog(store, tenant, 'audit')), ...(await readLog(store, tenant, 'event'))],
    jobs: (await store.jobs({ tenant })).map(({ tenant: _tenant, leaseUntil: _lease, ...job }) => job),
  }
}

async function readLog(store: StateStore, tenant: string, log: LogEntry['log']): Promise<LogEntry[]> {
  const entries: LogEntry[] = []
  for (let after = 0; ; ) {
    const page = await store.log(tenant, { log, after, limit: pageSize })
    const last = page.at(-1)
    if (last === undefined) return entries
    entries.push(...page)
    after = last.sequence
  }
}

async function writeTenant(store: StateStore, state: TenantState, author: Author): Promise<void> {
  const mutations: Mutation[] = [
    {
      type: 'restore',
      declared: state.declared,
      history: state.history,
      records: state.records ?? [],
      logs: state.logs ?? [],
      jobs: state.jobs ?? [],
    },
    ...state.dataKeys.map((key): Mutation => ({ type: 'put-data-key', key })),
    ...state.sealed.map((row): Mutation => ({ type: 'put-sealed', row })),
    ...state.certificates.map((certificate): Mutation => ({ type: 'add-certificate', certificate })),
    ...state.operations.flatMap(({ steps, ...operation }): Mutation[] => [
      { type: 'begin-operation', operation },
      ...steps.map((step): Mutation => ({ type: 'put-step', operationId: operation.id, step })),
    ]),
  ]
  await store.commit(state.tenant, { mutations, ...author })
}

function parseDocument(text: string): StateDocument {
  let parsed: unknown
  try {
    parsed = JSON.parse(text, decodeOctets)
  } catch (error) {
    throw notOurs('the file is not JSON', error)
  }
  if (!isDocument(parsed)) throw notOurs('the file is not an exported state')
  if (parsed.version > version) {
    throw new EngineError('state_newer', `the exported state has version ${parsed.version}`, {
      remedy: 'import it with the version of trustform that wrote it, or a newer one',
    })
  }
  return parsed
}

/** Checks the frame; what is inside is ours, and the store refuses what does not fit its tables. */
function isDocument(value: unknown): value is StateDocument {
  if (typeof value !== 'object' || value === null) return false
  const fields = new Map(Object.entries(value))
  const known = ['history', 'certificates', 'dataKeys', 'sealed', 'operations']
  const lists = fields.get('version') === 1 ? known : [...known, 'records', 'logs', 'jobs']
  const declared = fields.get('declared')
  return (
    fields.get('format') === format &&
    typeof fields.get('version') === 'number' &&
    typeof fields.get('tenant') === 'string' &&
    lists.every(name => Array.isArray(fields.get(name))) &&
    typeof declared === 'object' &&
    declared !== null &&
    typeof declared.lineage === 'string' &&
    Number.isSafeInteger(declared.serial) &&
    Array.isArray(declared.resources)
  )
}

function notOurs(what: string, cause?: unknown): EngineError {
  return new EngineError('input_unreadable', what, { remedy: 'name a file that `trustform state export` wrote', cause })
}

/** Looks at the holder's field, because a Buffer has become an object by the time it is `value`. */
function encodeOctets(this: unknown, key: string, value: unknown): unknown {
  const field: unknown = Reflect.get(Object(this), key)
  return field instanceof Uint8Array ? { $base64: Buffer.from(field).toString('base64') } : value
}

function decodeOctets(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('$base64' in value)) return value
  return typeof value.$base64 === 'string' && Object.keys(value).length === 1
    ? new Uint8Array(Buffer.from(value.$base64, 'base64'))
    : value
}
