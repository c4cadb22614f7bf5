import type { Selectable } from 'kysely'
import { EngineError } from '../../../core/errors.ts'
import type { JsonObject } from '../../../core/json.ts'
import type { Job, JobDraft } from '../../records.ts'
import type { Tables } from '../../tables.ts'
import { query, type Runner, template } from './query.ts'
import { isUniqueViolation } from './sqlite-error.ts'

/** A job as the service's workers see it: of which tenant it is. */
export type OwnedJob = Job & { readonly tenant: string }

interface NewJob {
  [column: string]: string | number | null
  tenant: string
  id: string
  queue: string
  key: string
  payload: string
  run_at: string
  max_attempts: number
  singleton: string | null
  state: string
  attempts: number
  last_error: string | null
}

const insertJob = template<NewJob>()(slot =>
  query.insertInto('job').values({
    tenant: slot.tenant,
    id: slot.id,
    queue: slot.queue,
    key: slot.key,
    payload: slot.payload,
    run_at: slot.run_at,
    max_attempts: slot.max_attempts,
    singleton: slot.singleton,
    state: slot.state,
    attempts: slot.attempts,
    last_error: slot.last_error,
  }),
)

const readJob = template<{ id: string }>()(slot => query.selectFrom('job').selectAll().where('id', '=', slot.id))

const readRunning = template<{ tenant: string; id: string; attempt: number }>()(slot =>
  query
    .selectFrom('job')
    .select(['queue', 'singleton', 'max_attempts'])
    .where('tenant', '=', slot.tenant)
    .where('id', '=', slot.id)
    .where('attempts', '=', slot.attempt)
    .where('state', '=', 'running'),
)

const readWaitingSingleton = template<{ tenant: string; queue: string; singleton: string }>()(slot =>
  query
    .selectFrom('job')
    .select('id')
    .where('tenant', '=', slot.tenant)
    .where('queue', '=', slot.queue)
    .where('singleton', '=', slot.singleton)
    .where('singleton', 'is not', null)
    .where('state', '=', 'waiting'),
)

const deleteJob = template<{ tenant: string; id: string }>()(slot =>
  query.deleteFrom('job').where('tenant', '=', slot.tenant).where('id', '=', slot.id),
)

const giveBack = template<{ tenant: string; id: string; state: string; run_at: string; last_error: string }>()(slot =>
  query
    .updateTable('job')
    .set({ state: slot.state, run_at: slot.run_at, last_error: slot.last_error, lease_until: null })
    .where('tenant', '=', slot.tenant)
    .where('id', '=', slot.id),
)

const extendJob = template<{ id: string; attempt: number; lease_until: string }>()(slot =>
  query
    .updateTable('job')
    .set({ lease_until: slot.lease_until })
    .where('id', '=', slot.id)
    .where('attempts', '=', slot.attempt)
    .where('state', '=', 'running'),
)

const endLeases = template<{ lease_until: string }>()(slot =>
  query.updateTable('job').set({ lease_until: slot.lease_until }).where('state', '=', 'running'),
)

export function enqueueJob(runner: Runner, tenant: string, job: JobDraft, yields: boolean): void {
  const waiting = waitingSingleton(runner, tenant, job.queue, job.singleton)
  if (waiting !== undefined && yields) return
  if (waiting !== undefined) runner.run(deleteJob, { tenant, id: waiting })
  insert(runner, tenant, { ...job, state: 'waiting', attempts: 0 })
}

export function finishJob(runner: Runner, tenant: string, id: string, attempt: number): void {
  expectRunning(runner, tenant, id, attempt)
  runner.run(deleteJob, { tenant, id })
}

export function returnJob(
  runner: Runner,
  tenant: string,
  { id, attempt, runAt, error }: { id: string; attempt: number; runAt: string; error: string },
): void {
  const { queue, singleton, max_attempts } = expectRunning(runner, tenant, id, attempt)
  const state = attempt >= max_attempts ? 'dead' : 'waiting'
  if (state === 'waiting' && waitingSingleton(runner, tenant, queue, singleton ?? undefined) !== undefined) {
    runner.run(deleteJob, { tenant, id })
    return
  }
  runner.run(giveBack, { tenant, id, state, run_at: runAt, last_error: error })
}

export function cancelJob(runner: Runner, tenant: string, id: string): void {
  runner.run(deleteJob, { tenant, id })
}

export function extendJobLease(runner: Runner, id: string, attempt: number, until: Date): boolean {
  return runner.run(extendJob, { id, attempt, lease_until: until.toISOString() }) > 0
}

export function endJobLeases(runner: Runner, now: Date): void {
  runner.run(endLeases, { lease_until: now.toISOString() })
}

/** As they were elsewhere; one that ran waits, because its worker is not here. */
export function restoreJobs(runner: Runner, tenant: string, jobs: readonly Job[]): void {
  for (const job of jobs) insert(runner, tenant, { ...job, state: job.state === 'running' ? 'waiting' : job.state })
}

export function findJob(runner: Runner, id: string): OwnedJob | undefined {
  const row = runner.get(readJob, { id })
  return row && jobFrom(row)
}

/** In the order in which they were enqueued. */
export function findJobs(
  runner: Runner,
  asked: { tenant?: string; queue?: string; state?: string; limit?: number },
): OwnedJob[] {
  let built = query.selectFrom('job').selectAll().orderBy('seq')
  if (asked.tenant !== undefined) built = built.where('tenant', '=', asked.tenant)
  if (asked.queue !== undefined) built = built.where('queue', '=', asked.queue)
  if (asked.state !== undefined) built = built.where('state', '=', asked.state)
  if (asked.limit !== undefined) built = built.limit(asked.limit)
  return runner.select(built.compile()).map(jobFrom)
}

export function countJobs(runner: Runner): { queue: string; state: Job['state']; count: number }[] {
  const built = query
    .selectFrom('job')
    .select(({ fn }) => ['queue', 'state', fn.countAll<number>().as('count')])
    .groupBy(['queue', 'state'])
    .orderBy('queue')
    .orderBy('state')
  return runner.select(built.compile()).map(row => ({ ...row, state: row.state as Job['state'] })) // only we write it
}

/** JSON and states read back from our own columns are cast: only this module and `claims.ts` write them. */
export function jobFrom(row: Selectable<Tables['job']>): OwnedJob {
  return {
    tenant: row.tenant,
    id: row.id,
    queue: row.queue,
    key: row.key,
    payload: JSON.parse(row.payload) as JsonObject,
    runAt: row.run_at,
    maxAttempts: row.max_attempts,
    ...(row.singleton !== null && { singleton: row.singleton }),
    state: row.state as Job['state'],
    attempts: row.attempts,
    ...(row.last_error !== null && { lastError: row.last_error }),
    ...(row.lease_until !== null && { leaseUntil: row.lease_until }),
  }
}

function insert(runner: Runner, tenant: string, job: Omit<Job, 'leaseUntil'>): void {
  try {
    runner.run(insertJob, {
      tenant,
      id: job.id,
      queue: job.queue,
      key: job.key,
      payload: JSON.stringify(job.payload),
      run_at: job.runAt,
      max_attempts: job.maxAttempts,
      singleton: job.singleton ?? null,
      state: job.state,
      attempts: job.attempts,
      last_error: job.lastError ?? null,
    })
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
    throw new EngineError('state_conflict', `the job ${job.id} exists already`, {
      remedy: 'enqueue it once, or under another id',
      cause: error,
    })
  }
}

function waitingSingleton(
  runner: Runner,
  tenant: string,
  queue: string,
  singleton: string | undefined,
): string | undefined {
  if (singleton === undefined) return undefined
  return runner.get(readWaitingSingleton, { tenant, queue, singleton })?.id
}

function expectRunning(runner: Runner, tenant: string, id: string, attempt: number) {
  const running = runner.get(readRunning, { tenant, id, attempt })
  if (running !== undefined) return running
  throw new EngineError('state_fenced', `the job ${id} is no longer run here: it was cancelled or taken over`, {
    remedy: 'leave it to the worker that has it now',
  })
}
