import type { JsonObject } from '../../engine/index.ts'

/** Work that outlives the process. The embedded queue runs on the state store; `pg-boss` follows on PostgreSQL. */
export interface JobQueue {
  /** Durable when it resolves. */
  enqueue(tenant: string, request: JobRequest): Promise<void>
  /** Starts working: each queue's handler runs at most `concurrency` jobs at a time, one per key. */
  start(handlers: Readonly<Record<string, JobHandler>>): void
  cancel(id: string): Promise<void>
  /** Takes no new job, waits until what runs has ended or checkpointed, gives the rest back. */
  stop(signal?: AbortSignal): Promise<void>
  /** Waiting, running and dead jobs by queue, for metrics. */
  depth(): Promise<
    Readonly<Record<string, { readonly waiting: number; readonly running: number; readonly dead: number }>>
  >
}

export interface JobRequest {
  readonly queue: string
  readonly payload: JsonObject
  /** Jobs of one key run one at a time. */
  readonly key?: string
  /** The newest waiting job of this name takes the place of an older one. */
  readonly singleton?: string
  /** Not before this instant. */
  readonly runAt?: Date
  readonly maxAttempts?: number
}

export interface RunningJob {
  readonly id: string
  readonly tenant: string
  readonly payload: JsonObject
  readonly attempt: number
  /** Whether the job is dead when this attempt fails. */
  readonly isLast: boolean
  /** Aborts when the queue stops for good or the lease is lost. */
  readonly signal: AbortSignal
}

/** What a handler answers: done, or again at a time. A throw is a failed attempt with backoff. */
export type JobOutcome = { readonly again: Date } | undefined

export interface JobHandler {
  readonly concurrency: number
  run(job: RunningJob): Promise<JobOutcome>
}
