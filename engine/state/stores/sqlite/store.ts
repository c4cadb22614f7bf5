import { randomUUID } from 'node:crypto'
import type { Address } from '../../../core/address.ts'
import type { StoreChange } from '../../records.ts'
import type { Commit, StateStore } from '../../store.ts'
import { applyCommit } from './apply-commit.ts'
import { claim, nextDue } from './claims.ts'
import { findResource, readHistory, tenantNames } from './declared.ts'
import { createWriter, defaultPatience, patiently } from './group-commit.ts'
import { findCertificates } from './inventory.ts'
import { countJobs, endJobLeases, extendJobLease, findJob, findJobs } from './jobs.ts'
import { openOperations } from './journal.ts'
import { acquire, breakHeld, release, renew } from './leases.ts'
import { findEntries, headOf } from './logs.ts'
import { type OpenFile, openFile, readOnly } from './open-file.ts'
import { allRecords, findNamed, findRecord, findRecords } from './records.ts'
import { dataKeysOf, findSealed, pageOfSealed } from './sealed.ts'
import { createSnapshots } from './snapshots.ts'
import { explain } from './sqlite-error.ts'
import { verifyState } from './verify.ts'

/** Opens the SQLite store at a path, `:memory:` for one that ends with the process. */
export async function openSqliteStore(path: string): Promise<StateStore> {
  return sqliteStore(await openFile(path))
}

/** The store over an open database; `patience` is how many milliseconds another process may keep it locked. */
export function sqliteStore(file: OpenFile, { patience = defaultPatience } = {}): StateStore {
  const { database, runner, path, readOnly: mayOnlyRead } = file
  const writer = createWriter(database, runner, path, patience)

  async function write<T>(work: () => T): Promise<T> {
    if (mayOnlyRead) throw readOnly(path, 'was opened for reading only')
    return writer.write(work)
  }

  /** One statement sees one moment by itself. */
  async function glance<T>(work: () => T): Promise<T> {
    try {
      return await patiently(work, patience)
    } catch (error) {
      throw explain(error, path)
    }
  }

  /** One deferred transaction, so that several queries see one moment. Synchronous: no write comes in between. */
  function read<T>(work: () => T): Promise<T> {
    return glance(() => {
      runner.exec('BEGIN')
      try {
        return work()
      } finally {
        if (database.isTransaction) runner.exec('COMMIT')
      }
    })
  }

  const snapshots = createSnapshots(runner)
  const watchers = new Set<(change: StoreChange) => void>()

  async function commit(tenant: string, asked: Commit) {
    const committed = await write(() => applyCommit(runner, tenant, asked, randomUUID))
    const declared = declaredIn(asked)
    if (declared.length > 0) snapshots.note(tenant, committed.serial, declared)
    const change = changeOf(tenant, asked)
    if (change.events || change.jobs) for (const told of [...watchers]) told(change)
    return committed
  }

  return {
    url: `sqlite:${path}`,
    snapshot: async tenant =>
      (await glance(() => snapshots.unchanged(tenant))) ?? (await read(() => snapshots.read(tenant))),
    resource: (tenant, address) => glance(() => findResource(runner, tenant, address)),
    commit,
    certificates: (tenant, asked) => glance(() => findCertificates(runner, tenant, asked)),
    sealed: (tenant, id) => glance(() => findSealed(runner, tenant, id)),
    sealedRows: (tenant, after, limit) => read(() => pageOfSealed(runner, tenant, after, limit)),
    operations: tenant => read(() => openOperations(runner, tenant)),
    history: (tenant, asked) => read(() => readHistory(runner, tenant, asked)),
    acquireLease: (tenant, request) => write(() => acquire(runner, tenant, request)),
    renewLease: (tenant, lease, ttlMs, now) => write(() => renew(runner, tenant, lease, ttlMs, now)),
    releaseLease: (tenant, lease) => write(() => release(runner, tenant, lease)),
    breakLease: (tenant, name) => write(() => breakHeld(runner, tenant, name)),
    dataKeys: tenant => read(() => dataKeysOf(runner, tenant)),
    tenants: () => read(() => tenantNames(runner)),
    record: (tenant, collection, id) => read(() => findRecord(runner, tenant, collection, id)),
    recordNamed: (tenant, collection, name) => read(() => findNamed(runner, tenant, collection, name)),
    records: async (tenant, asked) => (await read(() => findRecords(runner, tenant, asked))).map(withoutTenant),
    recordsEverywhere: asked => read(() => findRecords(runner, undefined, asked)),
    allRecords: tenant => read(() => allRecords(runner, tenant)),
    log: (tenant, asked) => read(() => findEntries(runner, tenant, asked)),
    logHead: (tenant, log) => read(() => headOf(runner, tenant, log)),
    claimJobs: asked => write(() => claim(runner, asked)),
    touchJob: (id, attempt, until) => write(() => extendJobLease(runner, id, attempt, until)),
    releaseJobs: now => write(() => endJobLeases(runner, now)),
    job: id => read(() => findJob(runner, id)),
    jobs: asked => read(() => findJobs(runner, asked)),
    jobCounts: () => read(() => countJobs(runner)),
    nextJobAt: queues => read(() => nextDue(runner, queues)),
    watch: listener => {
      // An own function, so that the same listener may watch twice.
      const told = (change: StoreChange) => listener(change)
      watchers.add(told)
      return () => void watchers.delete(told)
    },
    verify: tenant => read(() => verifyState(runner, tenant)),
    close: async () => {
      await writer.idle()
      if (database.isOpen) database.close()
    },
  }
}

/** What it puts and deletes. */
function declaredIn({ mutations }: Commit): Address[] {
  return mutations.flatMap(mutation => {
    if (mutation.type === 'put-resource') return [mutation.resource.address]
    return mutation.type === 'delete-resource' ? [mutation.address] : []
  })
}

function changeOf(tenant: string, { mutations }: Commit): StoreChange {
  return {
    tenant,
    events: mutations.some(mutation => mutation.type === 'append-log' && mutation.entry.log === 'event'),
    jobs: mutations.some(({ type }) => type === 'enqueue-job' || type === 'return-job' || type === 'restore'),
  }
}

function withoutTenant<T extends { readonly tenant: string }>({ tenant: _tenant, ...rest }: T): Omit<T, 'tenant'> {
  return rest
}
