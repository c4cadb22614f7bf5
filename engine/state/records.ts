import type { JsonObject } from '../core/json.ts'

/**
 * What a service remembers beside declared state: documents, append-only logs and jobs. They share the commits of
 * the state store, so that a run's outcome, its events and the jobs that follow are durable together or not at all.
 */

/** A document of a named collection: a source, a run, a plan waiting for approval, an API key. */
export interface StoredRecord {
  readonly collection: string
  /** Unique within tenant and collection. */
  readonly id: string
  /** A second unique name within tenant and collection, to look it up by: a source's name, a key's hash. */
  readonly name?: string
  /** The record that it belongs to, to list by: a run's source. */
  readonly parent?: string
  readonly data: JsonObject
  /** Grows with each change; compare-and-swap. */
  readonly version: number
  /** Order of creation over the whole store; what cursors are made of. */
  readonly sequence: number
  readonly createdAt: string
  readonly updatedAt: string
}

export type RecordDraft = Pick<StoredRecord, 'collection' | 'id' | 'name' | 'parent' | 'data'>

export interface RecordQuery {
  readonly collection: string
  readonly parent?: string
  /** Records after this sequence (before it, newest first). */
  readonly after?: number
  readonly newestFirst?: boolean
  readonly limit?: number
}

/** An entry of an append-only log. `audit` is hash-chained per tenant; `event` is what subscribers read. */
export interface LogEntry {
  readonly log: 'audit' | 'event'
  /** Grows over the whole log of a tenant, without gaps. */
  readonly sequence: number
  readonly at: string
  /** `certificate_issue`, `source_create` (audit); `certificate.issued` (event). */
  readonly type: string
  /** Who did it: `cli`, `git:<source>`, `key_…`. */
  readonly actor: string
  /** What it is about: an address, an id. */
  readonly subject: string
  /** Never a secret. */
  readonly data: JsonObject
  /** SHA-256 (hex) over the previous entry's hash and this entry's canonical JSON; '' in the event log. */
  readonly hash: string
}

export type LogDraft = Omit<LogEntry, 'sequence' | 'hash'>

export interface LogQuery {
  readonly log: LogEntry['log']
  readonly after?: number
  readonly newestFirst?: boolean
  readonly limit?: number
  readonly type?: string
  readonly subject?: string
  /** ISO instant; entries at or after it. */
  readonly since?: string
}

/** How far a log has come. */
export type LogHead = Pick<LogEntry, 'sequence' | 'hash'>

/** Work to be done later. Payloads hold ids only, never secrets. */
export interface JobDraft {
  readonly id: string
  readonly queue: string
  /** Jobs of one key (within a tenant, over all queues) run one at a time, as they fall due; '' means no such bond. */
  readonly key: string
  readonly payload: JsonObject
  /** ISO instant before which it does not run. */
  readonly runAt: string
  /** Attempts before it becomes a dead letter. */
  readonly maxAttempts: number
  /** A job that waits with the same queue and singleton name takes this one's place: the newest supersedes. */
  readonly singleton?: string
}

export interface Job extends JobDraft {
  readonly state: 'waiting' | 'running' | 'dead'
  /** Attempts begun so far. */
  readonly attempts: number
  readonly lastError?: string
  /** While running: until when its worker is believed alive. */
  readonly leaseUntil?: string
}

export interface JobClaim {
  readonly queues: readonly string[]
  readonly limit: number
  readonly now: Date
  readonly leaseMs: number
}

/** The mutations that this port adds to a `Commit`. */
export type RecordMutation =
  | { readonly type: 'put-record'; readonly record: RecordDraft; readonly expectedVersion: number | null | 'any' }
  | { readonly type: 'delete-record'; readonly collection: string; readonly id: string }
  | { readonly type: 'append-log'; readonly entry: LogDraft }
  /**
   * Forgets events up to that sequence, but never the newest one: numbers go on where they were. The audit log has no
   * such mutation.
   */
  | { readonly type: 'trim-events'; readonly through: number }
  /** With `yields`, a job that waits already under its singleton name stays, and this one is not needed. */
  | { readonly type: 'enqueue-job'; readonly job: JobDraft; readonly yields?: boolean }
  /** Ends a job that this worker runs. `state_fenced` when its lease was lost: the whole commit is without effect. */
  | { readonly type: 'finish-job'; readonly id: string; readonly attempt: number }
  /**
   * Gives a running job back: again at `runAt`, or dead when its attempts are used up. A newer one that waits under its
   * singleton name takes its place. `state_fenced` when its lease was lost.
   */
  | {
      readonly type: 'return-job'
      readonly id: string
      readonly attempt: number
      readonly runAt: string
      readonly error: string
    }
  /** Waiting, running or dead: it is gone. A worker that runs it notices at its next `touchJob`. */
  | { readonly type: 'cancel-job'; readonly id: string }

/** What a commit brought beside declared state, for those who wait for it. */
export interface StoreChange {
  readonly tenant: string
  /** New entries in the event log. */
  readonly events: boolean
  /** A job that may be run. */
  readonly jobs: boolean
}

/** What a store reads of it; every state store is one, and passes the same contract suite. */
export interface RecordReader {
  record(tenant: string, collection: string, id: string): Promise<StoredRecord | undefined>
  /** By second name. Without a tenant over all of them, for what identifies its tenant itself (an API key's hash). */
  recordNamed(
    tenant: string | undefined,
    collection: string,
    name: string,
  ): Promise<(StoredRecord & { readonly tenant: string }) | undefined>
  records(tenant: string, query: RecordQuery): Promise<readonly StoredRecord[]>
  /** Over all tenants, for the service's own loops. */
  recordsEverywhere(query: RecordQuery): Promise<readonly (StoredRecord & { readonly tenant: string })[]>
  /** Every collection, in the order of creation, for export. */
  allRecords(tenant: string): Promise<readonly StoredRecord[]>
  log(tenant: string, query: LogQuery): Promise<readonly LogEntry[]>
  /** Undefined while the log is empty. */
  logHead(tenant: string, log: LogEntry['log']): Promise<LogHead | undefined>
  /** Takes due jobs for a worker: oldest first, one per key at a time, also those whose worker died. */
  claimJobs(claim: JobClaim): Promise<readonly (Job & { readonly tenant: string })[]>
  /** Extends the lease of a running job; false when it was lost. */
  touchJob(id: string, attempt: number, leaseUntil: Date): Promise<boolean>
  /** Ends the leases of all running jobs: for who knows that no worker is alive. They are claimed like those of the dead. */
  releaseJobs(now: Date): Promise<void>
  job(id: string): Promise<(Job & { readonly tenant: string }) | undefined>
  /** In the order in which they were enqueued. */
  jobs(query: {
    readonly tenant?: string
    readonly queue?: string
    readonly state?: Job['state']
    readonly limit?: number
  }): Promise<readonly (Job & { readonly tenant: string })[]>
  /** How many jobs there are, for metrics. */
  jobCounts(): Promise<readonly { readonly queue: string; readonly state: Job['state']; readonly count: number }[]>
  /** When a claim may next find something: a job falls due, or a worker that is not heard of loses its lease. */
  nextJobAt(queues: readonly string[]): Promise<string | undefined>
  /**
   * Calls back after each commit through this very store that brought events or jobs, until the answered function is
   * called. What other processes commit is not told.
   */
  watch(listener: (change: StoreChange) => void): () => void
}
