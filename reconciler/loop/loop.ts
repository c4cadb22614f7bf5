import { EngineError } from '../../engine/index.ts'
import type { JobHandler, JobQueue } from '../jobs/queue.ts'
import { previewRequest, reconcileRequest } from '../jobs/requests.ts'
import { findSource } from '../records/source-records.ts'
import type { Source } from '../sources/source.ts'
import { setCommitStatus } from './commit-status.ts'
import type { Connections } from './connections.ts'
import { watchDrift } from './drift.ts'
import { keepHouse } from './housekeeping.ts'
import { poll } from './poller.ts'
import { previewPullRequest } from './preview.ts'
import { watchPullRequests } from './pull-requests.ts'
import { watchRemoved } from './removed-sources.ts'
import { renew } from './renewals.ts'
import { endStaleRuns, type Trigger } from './runs.ts'
import { watchStranded } from './stranded.ts'
import { createTurns } from './turns.ts'
import { reconcileSource } from './work.ts'

/** The service's own work: polls, passes, renewals, drift. */
export interface Loop {
  /** The queues that it works on. */
  readonly queues: readonly string[]
  /** Ends what a dead process left, then begins. */
  start(): Promise<void>
  /** Starts nothing new, lets passes checkpoint, and returns when nothing runs any more. */
  stop(): Promise<void>
}

/** Previews, and passes beyond their fetch, at the same time; one source is worked on once at a time. */
const concurrency = 4
/** Fetches at the same time: a server that keeps us waiting must not keep the other sources from theirs. */
const fetches = 16

/** Milliseconds after which a preview that failed again and again is tried once more. */
const putOff = 900_000

export interface LoopOptions {
  /** Seconds between two looks at what changed outside; default 600. */
  readonly driftInterval?: number | undefined
}

/** `beat` is called again and again while polling goes on. */
export function createLoop(
  given: Omit<Connections, 'close' | 'secretOf'>,
  queue: JobQueue,
  beat: () => void,
  { driftInterval }: LoopOptions = {},
): Loop {
  const ports = { ...given, turn: createTurns(concurrency) }
  const stopping = new AbortController()
  const running: Promise<void>[] = []

  function enqueue(source: Source, trigger: Trigger): Promise<void> {
    return queue.enqueue(source.tenant, reconcileRequest(source.id, trigger))
  }

  function enqueuePreview({ id, tenant }: Source, number: number): Promise<void> {
    return queue.enqueue(tenant, previewRequest(id, number))
  }

  const handlers: Readonly<Record<string, JobHandler>> = {
    reconcile: {
      concurrency: fetches,
      run: job => {
        const { source, trigger } = job.payload
        // Only this module and the records enqueue it, with these two fields.
        return reconcileSource(ports, job, { source: String(source), trigger: trigger as Trigger })
      },
    },
    preview: {
      concurrency,
      async run(job) {
        const source = await findSource(ports.store, job.tenant, String(job.payload.source))
        try {
          if (source) await previewPullRequest(ports, source, Number(job.payload.number), job)
          return undefined
        } catch (error) {
          // Nothing else would wake it once what is down is back: it must not die as long as the pull request lives.
          if (!job.isLast || job.signal.aborted) throw error
          const reason = error instanceof EngineError ? `${error.code}: ${error.message}` : 'internal'
          ports.log.warn('a preview is put off', { source: source?.spec.name ?? '', reason })
          return { again: new Date(ports.clock.now().getTime() + putOff) }
        }
      },
    },
    'commit-status': {
      concurrency,
      async run(job) {
        await setCommitStatus(ports, job)
        return undefined
      },
    },
  }

  return {
    queues: Object.keys(handlers),
    async start() {
      const interrupted = await endStaleRuns(ports)
      if (interrupted > 0) ports.log.info('runs of an earlier process were interrupted', { runs: interrupted })
      queue.start(handlers)
      const { signal } = stopping
      running.push(
        poll({ ...ports, beat, wake: source => enqueue(source, 'poll') }, signal),
        renew(ports, signal),
        keepHouse(ports, signal),
        watchDrift(ports, source => enqueue(source, 'drift'), signal, driftInterval),
        watchPullRequests(ports, enqueuePreview, signal),
        watchStranded(ports, signal),
        watchRemoved(ports, ports.forgetRemoved, signal),
      )
    },
    async stop() {
      stopping.abort()
      // At once: what runs ends its steps and goes on after the next start, however long it would have taken.
      await queue.stop(AbortSignal.abort())
      await Promise.allSettled(running)
    },
  }
}
