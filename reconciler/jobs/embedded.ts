import {
  type Clock,
  EngineError,
  type Job,
  type Log,
  type Mutation,
  type Random,
  type StateStore,
} from '../../engine/index.ts'
import { type Backoff, delayAfter, usualBackoff } from './backoff.ts'
import { framesOf } from './frames.ts'
import { jobMutation } from './job-mutation.ts'
import { createNap } from './nap.ts'
import type { JobHandler, JobOutcome, JobQueue, JobRequest } from './queue.ts'

export interface EmbeddedQueuePorts {
  readonly store: StateStore
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Milliseconds for which a worker that is not heard of is believed alive; default 15,000. */
  readonly leaseMs?: number
  readonly backoff?: Backoff
}

type Handlers = Readonly<Record<string, JobHandler>>
type Claimed = Job & { readonly tenant: string }

/** A job in our hands. */
interface Running {
  readonly job: Claimed
  readonly abort: AbortController
  /** Ends the heartbeat. */
  readonly done: AbortController
  readonly ended: Promise<void>
}

/** Milliseconds of the longest sleep: jobs that another process enqueues are found at the latest then. */
const longestNap = 60_000
/** Milliseconds after something went wrong with the store, or another worker was faster. */
const shortNap = 1_000
/** Milliseconds that handlers have to end once they were told to: a step under way at a CA is worth waiting for. */
const grace = 15_000

/** The job queue on the state store, worked by this process. Sleeps until a job is due or somebody enqueues one. */
export function createEmbeddedQueue(ports: EmbeddedQueuePorts): JobQueue {
  const { store, clock, random, log, leaseMs = 15_000, backoff = usualBackoff } = ports
  /** By claim, not by job: after a jump of the clock one job may be in our hands twice. */
  const running = new Set<Running>()
  const nap = createNap(clock)
  const stopping = new AbortController()
  let working: Promise<void> | undefined
  let unwatch: (() => void) | undefined

  const commit = (tenant: string, mutations: readonly Mutation[]) =>
    store.commit(tenant, { mutations, actor: 'jobs', at: clock.now().toISOString() })

  async function work(handlers: Handlers): Promise<void> {
    while (!stopping.signal.aborted) {
      nap.begin()
      try {
        const now = clock.now()
        const claimed = await claimAll(handlers, now)
        await nap.sleep(await pause(handlers, now, claimed))
      } catch (error) {
        log.warn('the job queue cannot reach the state', { reason: reasonOf(error) })
        await nap.sleep(shortNap)
      }
    }
  }

  /** Takes what is due for every queue with a free place. */
  async function claimAll(handlers: Handlers, now: Date): Promise<number> {
    let count = 0
    for (const [queue, handler] of Object.entries(handlers)) {
      const limit = handler.concurrency - runningIn(queue)
      if (limit <= 0 || stopping.signal.aborted) continue
      const jobs = await store.claimJobs({ queues: [queue], limit, now, leaseMs })
      for (const job of jobs) begin(handler, job)
      count += jobs.length
    }
    return count
  }

  /** Milliseconds until there may be something to do in a queue with a free place. */
  async function pause(handlers: Handlers, looked: Date, claimed: number): Promise<number> {
    const free = Object.entries(handlers).flatMap(([queue, { concurrency }]) =>
      runningIn(queue) < concurrency ? [queue] : [],
    )
    const due = await store.nextJobAt(free)
    if (due === undefined) return longestNap
    // Due when we looked, and yet not given to us: another worker was faster, and may still be at it.
    if (claimed === 0 && Date.parse(due) <= looked.getTime()) return shortNap
    return Math.min(longestNap, Math.max(0, Date.parse(due) - clock.now().getTime()))
  }

  const runningIn = (queue: string) => [...running].filter(({ job }) => job.queue === queue).length

  function begin(handler: JobHandler, job: Claimed): void {
    const abort = new AbortController()
    const done = new AbortController()
    void keepAlive(job, abort, done.signal)
    const earlier = [...running].filter(each => each.job.id === job.id)
    // Its lease ran out unseen; two at once would be two of one key.
    for (const each of earlier) each.abort.abort(fenced())
    const ended = Promise.all(earlier.map(each => each.ended))
      .then(() => perform(handler, job, abort.signal))
      .catch(error => log.warn('the outcome of a job could not be recorded', { job: job.id, reason: reasonOf(error) }))
      .finally(() => {
        done.abort()
        running.delete(entry)
        nap.wake()
      })
    const entry: Running = { job, abort, done, ended }
    running.add(entry)
  }

  async function perform(handler: JobHandler, job: Claimed, signal: AbortSignal): Promise<void> {
    const { id, tenant, payload, attempts: attempt, maxAttempts } = job
    const isLast = attempt >= maxAttempts
    let mutations: readonly Mutation[]
    try {
      const outcome: JobOutcome = await handler.run({ id, tenant, payload, attempt, isLast, signal })
      mutations = outcome ? again(job, outcome.again) : [{ type: 'finish-job', id, attempt }]
    } catch (error) {
      // Told to stop, it has not failed: the attempt is not held against it.
      mutations = signal.aborted ? again(job, clock.now()) : [failed(job, error)]
    }
    try {
      await commit(tenant, mutations)
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'state_fenced') throw error
      log.info('a job ended that was cancelled or taken over meanwhile', { job: id, queue: job.queue })
    }
  }

  /** Well ended, and once more at a time, with attempts counted anew; unless a newer one of its name waits already. */
  function again(job: Claimed, at: Date): Mutation[] {
    const { id, queue, key, payload, singleton, maxAttempts, attempts: attempt } = job
    const request = { queue, key, payload, maxAttempts, runAt: at, ...(singleton !== undefined && { singleton }) }
    return [{ type: 'finish-job', id, attempt }, jobMutation(request, ports, true)]
  }

  function failed({ id, queue, attempts: attempt, maxAttempts }: Claimed, error: unknown): Mutation {
    const reason = reasonOf(error)
    const facts = { job: id, queue, attempt, reason, ...(attempt >= maxAttempts && { dead: true }) }
    log.warn('a job failed', error instanceof EngineError ? facts : { ...facts, stack: framesOf(error) })
    const wait = error instanceof EngineError && error.retryAfter !== undefined ? error.retryAfter * 1000 : 0
    const delay = Math.max(delayAfter(attempt, random, backoff), wait)
    const runAt = new Date(clock.now().getTime() + delay).toISOString()
    return { type: 'return-job', id, attempt, runAt, error: reason }
  }

  /** Extends the lease until the job has ended; aborts the job when the lease is lost. */
  async function keepAlive({ id, attempts, leaseUntil }: Claimed, abort: AbortController, done: AbortSignal) {
    let until = Date.parse(leaseUntil ?? '')
    const lose = () => abort.abort(fenced())
    while (!done.aborted) {
      try {
        await clock.sleep(leaseMs / 3, done)
      } catch {
        return // it has ended
      }
      try {
        const next = new Date(clock.now().getTime() + leaseMs)
        if (!(await store.touchJob(id, attempts, next))) return lose()
        until = next.getTime()
      } catch (error) {
        // A store that cannot be reached may come back in time.
        log.debug('the lease of a job could not be extended', { job: id, reason: reasonOf(error) })
        if (clock.now().getTime() >= until) return lose()
      }
    }
  }

  return {
    async enqueue(tenant: string, request: JobRequest) {
      await commit(tenant, [jobMutation(request, ports)])
    },
    start(handlers) {
      if (working) throw new Error('the job queue is started once')
      unwatch = store.watch(({ jobs }) => {
        if (jobs) nap.wake()
      })
      working = work(handlers)
    },
    async cancel(id) {
      const job = await store.job(id)
      if (!job) return
      await commit(job.tenant, [{ type: 'cancel-job', id }])
      for (const { job: held, abort } of running) {
        if (held.id === id) abort.abort(new EngineError('interrupted', 'the job was cancelled'))
      }
    },
    async stop(signal) {
      unwatch?.()
      stopping.abort()
      nap.wake()
      await working
      const left = () => Promise.all([...running].map(({ ended }) => ended))
      await (signal ? Promise.race([left(), aborted(signal)]) : left())
      if (running.size === 0) return
      for (const { abort } of running) abort.abort(new EngineError('interrupted', 'the service is stopping'))
      const rest = new AbortController()
      await Promise.race([left(), clock.sleep(grace, rest.signal).catch(() => undefined)])
      rest.abort()
      // What has not ended by now keeps its lease until that runs out; then another worker takes it.
      for (const { done } of running) done.abort()
    },
    async depth() {
      const depth: Record<string, { waiting: number; running: number; dead: number }> = {}
      for (const { queue, state, count } of await store.jobCounts()) {
        depth[queue] ??= { waiting: 0, running: 0, dead: 0 }
        depth[queue][state] = count
      }
      return depth
    },
  }
}

const fenced = () => new EngineError('state_fenced', 'the job was cancelled or taken over')

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/** What is kept of a failure. The words of what is no `EngineError` may hold anything, so only its name is. */
function reasonOf(error: unknown): string {
  if (error instanceof EngineError) return `${error.code}: ${error.message}`
  return error instanceof Error ? error.name : 'an unexpected failure'
}
