import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { EngineError, type Mutation, type StateStore } from '../../engine/index.ts'
import type { JobHandler, JobOutcome, JobQueue, JobRequest, RunningJob } from './queue.ts'

/** Workers on the same jobs, and what happens to them. */
export interface QueueWorld {
  readonly store: StateStore
  now(): Date
  /** Another worker, not started. Attempts are 1 s, 2 s, 4 s… apart at most; a lease lasts 15 s. */
  worker(): JobQueue
  /** Enqueues in a commit of the store. */
  mutation(request: JobRequest): Mutation
  /** Time goes by, and whoever had to wake has done what it had to. */
  pass(ms: number): Promise<void>
  /** The worker's process is gone; nothing of it reaches the jobs any more. */
  kill(worker: JobQueue): void
  close(): Promise<void>
}

const tenant = 'acme'

/** What every implementation of the job queue must do. Call it from the implementation's own test. */
export function describeJobQueue(name: string, open: () => Promise<QueueWorld>): void {
  describe(`job queue contract: ${name}`, () => {
    let world: QueueWorld
    beforeEach(async () => {
      world = await open()
    })
    afterEach(() => world.close())

    const later = (ms: number) => new Date(world.now().getTime() + ms)
    const seen = (jobs: readonly RunningJob[]) => jobs.map(({ payload }) => payload.n)
    const arrives = (check: () => void) => vi.waitFor(check, { timeout: 10_000, interval: 2 })
    const depth = async () => (await world.worker().depth()).work ?? { waiting: 0, running: 0, dead: 0 }
    const nothing = { waiting: 0, running: 0, dead: 0 }

    /** Starts a worker; what it is given is in `jobs`. */
    function start(run: (job: RunningJob) => Promise<JobOutcome> = async () => undefined, concurrency = 4) {
      const jobs: RunningJob[] = []
      const handler: JobHandler = {
        concurrency,
        run: job => {
          jobs.push(job)
          return run(job)
        },
      }
      const worker = world.worker()
      worker.start({ work: handler })
      return { worker, jobs }
    }

    /** Jobs that end when the test says so. */
    function gates() {
      const open = new Map<unknown, (outcome?: JobOutcome) => void>()
      const run = ({ payload, signal }: RunningJob) =>
        new Promise<JobOutcome>((resolve, reject) => {
          open.set(payload.n, resolve)
          signal.addEventListener('abort', () => reject(signal.reason))
        })
      return { run, end: (n: number, outcome?: JobOutcome) => open.get(n)?.(outcome) }
    }

    const add = (n: number, more: Partial<JobRequest> = {}, of = tenant) =>
      world.worker().enqueue(of, { queue: 'work', payload: { n }, ...more })

    test('a job is run once with what it was enqueued with, and is gone', async () => {
      const { jobs } = start()
      await add(1)
      await arrives(() => expect(jobs).toHaveLength(1))
      expect(jobs[0]).toMatchObject({ tenant, payload: { n: 1 }, attempt: 1 })
      await world.pass(120_000)
      expect(jobs).toHaveLength(1)
      expect(await depth()).toEqual(nothing)
    })

    test('a job outlives the worker that enqueued it', async () => {
      await add(1)
      expect(await depth()).toEqual({ ...nothing, waiting: 1 })
      const { jobs } = start()
      await arrives(() => expect(seen(jobs)).toEqual([1]))
    })

    test('a job that is enqueued in a commit is there with the rest of it, or not at all', async () => {
      const { jobs } = start()
      const record: Mutation = {
        type: 'put-record',
        record: { collection: 'source', id: 'src_1', data: {} },
        expectedVersion: null,
      }
      const commit = (n: number) =>
        world.store.commit(tenant, {
          mutations: [world.mutation({ queue: 'work', payload: { n } }), record],
          actor: 'test',
          at: world.now().toISOString(),
        })
      await commit(1)
      await expect(commit(2)).rejects.toMatchObject({ code: 'state_conflict' })
      await arrives(() => expect(seen(jobs)).toEqual([1]))
      await world.pass(1000)
      expect(seen(jobs)).toEqual([1])
    })

    test('a delayed job waits for its moment', async () => {
      const { jobs } = start()
      await add(1, { runAt: later(90_000) })
      await world.pass(89_000)
      expect(jobs).toEqual([])
      await world.pass(1000)
      await arrives(() => expect(seen(jobs)).toEqual([1]))
    })

    test('no more jobs run at a time than the handler allows, and all of them run', async () => {
      const { run, end } = gates()
      const { jobs } = start(run, 2)
      for (let n = 1; n <= 4; n++) await add(n)
      await arrives(() => expect(seen(jobs)).toEqual([1, 2]))
      await world.pass(1000)
      expect(jobs).toHaveLength(2)
      end(1)
      end(2)
      await arrives(() => expect(seen(jobs)).toEqual([1, 2, 3, 4]))
    })

    test('jobs of one key run one after the other over all workers; others do not wait for them', async () => {
      const { run, end } = gates()
      const one = start(run)
      const two = start(run)
      const all = () => seen([...one.jobs, ...two.jobs]).toSorted()
      await add(1, { key: 'a' })
      await arrives(() => expect(all()).toEqual([1]))
      await add(2, { key: 'a' })
      await add(3, { key: 'b' })
      await add(4, { key: 'a' }, 'other')
      await arrives(() => expect(all()).toEqual([1, 3, 4]))
      await world.pass(60_000)
      expect(all()).toEqual([1, 3, 4])
      end(1)
      await world.pass(60_000)
      await arrives(() => expect(all()).toEqual([1, 2, 3, 4]))
    })

    test('a failed job is tried again, each time later, and becomes a dead letter', async () => {
      const { jobs } = start(async () => {
        throw new EngineError('backend_timeout', 'no answer')
      })
      await add(1, { maxAttempts: 3 })
      await arrives(() => expect(jobs).toHaveLength(1))
      await world.pass(400)
      expect(jobs).toHaveLength(1)
      await world.pass(600)
      await arrives(() => expect(jobs).toHaveLength(2))
      await world.pass(900)
      expect(jobs).toHaveLength(2)
      await world.pass(1100)
      await arrives(() => expect(jobs.map(({ attempt }) => attempt)).toEqual([1, 2, 3]))
      await vi.waitFor(async () => expect(await depth()).toEqual({ ...nothing, dead: 1 }))
      await world.pass(3_600_000)
      expect(jobs).toHaveLength(3)
    })

    test('a failure that names its time is not tried again before', async () => {
      const { jobs } = start(async () => {
        throw new EngineError('backend_rate_limited', 'slow down', { retryAfter: 100 })
      })
      await add(1)
      await arrives(() => expect(jobs).toHaveLength(1))
      await world.pass(99_000)
      expect(jobs).toHaveLength(1)
      await world.pass(1000)
      await arrives(() => expect(jobs).toHaveLength(2))
    })

    test('of what waits under one name only the newest runs; each tenant has its own', async () => {
      const options = { singleton: 'src_1' }
      for (const n of [1, 2, 3]) await add(n, options)
      await add(4, options, 'other')
      const { jobs } = start()
      await arrives(() => expect(seen(jobs).toSorted()).toEqual([3, 4]))
      await world.pass(60_000)
      expect(jobs).toHaveLength(2)
    })

    test('what is enqueued under a name that runs waits for its turn', async () => {
      const { run, end } = gates()
      const { jobs } = start(run)
      const options = { singleton: 'src_1', key: 'src_1' }
      await add(1, options)
      await arrives(() => expect(seen(jobs)).toEqual([1]))
      await add(2, options)
      await add(3, options)
      end(1)
      await arrives(() => expect(seen(jobs)).toEqual([1, 3]))
    })

    test('a job that asks for it runs again at that time, with attempts counted anew', async () => {
      const { run, end } = gates()
      const { jobs } = start(run)
      await add(1)
      await arrives(() => expect(jobs).toHaveLength(1))
      end(1, { again: later(30_000) })
      await world.pass(29_000)
      expect(jobs).toHaveLength(1)
      await world.pass(1000)
      await arrives(() => expect(jobs.map(({ attempt }) => attempt)).toEqual([1, 1]))
    })

    test('what asks to run again gives way to a newer one of its name', async () => {
      const { run, end } = gates()
      const { jobs } = start(run)
      const options = { singleton: 'src_1', key: 'src_1' }
      await add(1, options)
      await arrives(() => expect(jobs).toHaveLength(1))
      await add(2, options)
      end(1, { again: later(30_000) })
      await arrives(() => expect(seen(jobs)).toEqual([1, 2]))
      end(2)
      await world.pass(60_000)
      expect(seen(jobs)).toEqual([1, 2])
    })

    test('a failed job gives way to a newer one of its name', async () => {
      const first = Promise.withResolvers<JobOutcome>()
      const { jobs } = start(async ({ payload }) => (payload.n === 1 ? first.promise : undefined))
      await add(1, { singleton: 'src_1', key: 'src_1' })
      await arrives(() => expect(jobs).toHaveLength(1))
      await add(2, { singleton: 'src_1', key: 'src_1' })
      first.reject(new EngineError('backend_timeout', 'no answer'))
      await arrives(() => expect(seen(jobs)).toEqual([1, 2]))
      await world.pass(60_000)
      expect(seen(jobs)).toEqual([1, 2])
    })

    test('a cancelled job does not run; one that runs is told, and does not come back', async () => {
      const { run } = gates()
      await add(1)
      const { worker, jobs } = start(run)
      await arrives(() => expect(jobs).toHaveLength(1))
      await worker.cancel(jobs[0]?.id ?? '')
      await arrives(() => expect(jobs[0]?.signal.aborted).toBe(true))
      await add(2, { runAt: later(10_000) })
      for (const { id } of await world.store.jobs({ queue: 'work', state: 'waiting' })) await worker.cancel(id)
      await worker.cancel('job_unknown')
      await world.pass(120_000)
      expect(seen(jobs)).toEqual([1])
      expect(await depth()).toEqual(nothing)
    })

    test('the job of a worker that died is run by another when its lease is over, and the dead one cannot end it', async () => {
      const { run, end } = gates()
      const dead = start(run)
      await add(1, { key: 'a' })
      await arrives(() => expect(dead.jobs).toHaveLength(1))
      world.kill(dead.worker)
      const live = start(() => new Promise(() => undefined))
      await add(2, { key: 'a' })
      await world.pass(14_000)
      expect(live.jobs).toEqual([])
      await world.pass(2000)
      await arrives(() => expect(live.jobs).toMatchObject([{ payload: { n: 1 }, attempt: 2 }]))
      end(1)
      await world.pass(60_000)
      expect(await depth()).toEqual({ waiting: 1, running: 1, dead: 0 })
    })

    test('a worker that is alive keeps its job however long it takes', async () => {
      const { run } = gates()
      const one = start(run)
      await add(1)
      await arrives(() => expect(one.jobs).toHaveLength(1))
      const two = start(run)
      for (let seconds = 0; seconds < 60; seconds += 5) await world.pass(5000)
      expect(two.jobs).toEqual([])
      expect(one.jobs[0]?.signal.aborted).toBe(false)
    })

    test('a job whose workers keep dying becomes a dead letter', async () => {
      const { run } = gates()
      await add(1, { maxAttempts: 2 })
      for (const attempt of [1, 2]) {
        const { worker, jobs } = start(run)
        await arrives(() => expect(jobs).toMatchObject([{ attempt }]))
        world.kill(worker)
        await world.pass(16_000)
      }
      const { jobs } = start(run)
      await vi.waitFor(async () => expect(await depth()).toEqual({ ...nothing, dead: 1 }))
      expect(jobs).toEqual([])
    })

    test('a failing job does not hold up the others', async () => {
      const { jobs } = start(async ({ payload }) => {
        if (payload.n === 1) throw new TypeError('a bug')
        return undefined
      }, 1)
      for (const n of [1, 2, 3]) await add(n)
      await arrives(() => expect(seen(jobs)).toEqual([1, 2, 3]))
    })

    test('what a bug says is not kept', async () => {
      start(async () => {
        throw new TypeError('the password is hunter2')
      })
      await add(1, { maxAttempts: 1 })
      await vi.waitFor(async () => expect(await depth()).toEqual({ ...nothing, dead: 1 }))
      expect(JSON.stringify(await world.store.jobs({}))).not.toContain('hunter2')
    })

    test('stopping waits for what runs and takes nothing new; the rest is there for the next worker', async () => {
      const { run, end } = gates()
      const { worker, jobs } = start(run, 1)
      await add(1)
      await add(2)
      await arrives(() => expect(jobs).toHaveLength(1))
      let stopped = false
      const stop = worker.stop().then(() => {
        stopped = true
      })
      await world.pass(30_000)
      expect(stopped).toBe(false)
      end(1)
      await stop
      expect(seen(jobs)).toEqual([1])
      expect(await depth()).toEqual({ ...nothing, waiting: 1 })
      const next = start()
      await arrives(() => expect(seen(next.jobs)).toEqual([2]))
    })

    test('stopping for good interrupts what runs; the attempt is not held against it', async () => {
      const { run } = gates()
      const { worker, jobs } = start(run)
      await add(1, { maxAttempts: 1 })
      await arrives(() => expect(jobs).toHaveLength(1))
      await worker.stop(AbortSignal.abort())
      expect(jobs[0]?.signal.aborted).toBe(true)
      expect(await depth()).toEqual({ ...nothing, waiting: 1 })
      const next = start()
      await arrives(() => expect(next.jobs).toMatchObject([{ payload: { n: 1 }, attempt: 1 }]))
    })
  })
}
