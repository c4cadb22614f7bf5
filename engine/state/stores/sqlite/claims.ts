import { sql } from 'kysely'
import type { JobClaim } from '../../records.ts'
import { jobFrom, type OwnedJob } from './jobs.ts'
import { query, type Runner, template } from './query.ts'

/** What a job that lost its worker says when that was its last attempt. */
const workerLost = 'the process that ran it ended without a word'

const buryLost = template<{ now: string; told: string }>()(slot =>
  query
    .updateTable('job')
    .set({ state: 'dead', last_error: slot.told, lease_until: null })
    .where('state', '=', 'running')
    .where('lease_until', '<=', slot.now)
    .whereRef('attempts', '>=', 'max_attempts'),
)

const startJob = template<{ id: string; lease_until: string }>()(slot =>
  query
    .updateTable('job')
    .set(({ eb }) => ({ state: 'running', attempts: eb('attempts', '+', 1), lease_until: slot.lease_until }))
    .where('id', '=', slot.id)
    .returningAll(),
)

/**
 * Takes due jobs inside the caller's transaction: first those due longest, one per key, none whose key somebody alive
 * works on. A lease that ran out makes a running job due again.
 */
export function claim(runner: Runner, { queues, limit, now, leaseMs }: JobClaim): OwnedJob[] {
  const instant = now.toISOString()
  runner.run(buryLost, { now: instant, told: workerLost })
  if (queues.length === 0 || limit <= 0) return []
  const until = new Date(now.getTime() + leaseMs).toISOString()
  return runner.select(dueJobs(queues, limit, instant)).map(({ id }) => {
    const row = runner.get(startJob, { id, lease_until: until })
    if (row === undefined) throw new Error(`job ${id} vanished inside a transaction`)
    return jobFrom(row)
  })
}

function dueJobs(queues: readonly string[], limit: number, now: string) {
  return sql<{ id: string }>`
    select id from (
      select id, run_at, seq, key,
        row_number() over (partition by tenant, key order by run_at, seq) as place
      from job
      where queue in (${sql.join(queues)})
        and ((state = 'waiting' and run_at <= ${now}) or (state = 'running' and lease_until <= ${now}))
        and not exists (
          select 1 from job as busy
          where busy.state = 'running' and busy.tenant = job.tenant and busy.key = job.key and busy.key <> ''
            and busy.lease_until > ${now}
        )
    )
    where key = '' or place = 1
    order by run_at, seq
    limit ${limit}`.compile(query)
}

/** The soonest moment at which `claim` may find something in these queues. */
export function nextDue(runner: Runner, queues: readonly string[]): string | undefined {
  if (queues.length === 0) return undefined
  const [row] = runner.select(
    sql<{ due: string | null }>`
      select min(max(
        case state when 'waiting' then run_at else lease_until end,
        coalesce((
          select max(busy.lease_until) from job as busy
          where busy.state = 'running' and busy.tenant = job.tenant and busy.key = job.key and busy.key <> ''
        ), '')
      )) as due
      from job where queue in (${sql.join(queues)}) and state in ('waiting', 'running')`.compile(query),
  )
  return row?.due ?? undefined
}
