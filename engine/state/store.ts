import type { Address } from '../core/address.ts'
import type { CertificateRow, JournalStep, RecordedResource } from '../core/resource.ts'
import type { Sealed, SealedRow, WrappedKey } from '../core/sealed.ts'
import type { Job, LogEntry, RecordMutation, RecordReader, StoredRecord } from './records.ts'

export type { Sealed, SealedRow, WrappedKey } from '../core/sealed.ts'

/**
 * The state port. It holds two things of different nature: *declared state* (what a configuration manages: one
 * revision per resource, compare-and-swap) and *inventory* (certificates, journal, history: append-only or
 * row-locked), so that issuing thousands a second makes no plan stale. Beside it a service keeps records, logs and jobs
 * (`records.ts`), written by the same commits.
 *
 * Writes are data: a `Commit` is applied whole or not at all. A store may group concurrent commits into one
 * transaction (one fsync); each caller is answered only after its own data is durable.
 *
 * Every store passes `state/contract.ts`.
 */
export interface StateStore extends RecordReader {
  /** How people name this store; never with a password. */
  readonly url: string

  snapshot(tenant: string): Promise<Snapshot>
  resource(tenant: string, address: Address): Promise<RecordedResource | undefined>

  /**
   * Applies the mutations atomically and durably. Errors: `state_conflict` (a revision differs),
   * `state_fenced` (the lease's epoch is no longer current), `disk_full`, `state_read_only`.
   */
  commit(tenant: string, commit: Commit): Promise<Committed>

  certificates(tenant: string, query: CertificateQuery): Promise<readonly CertificateRow[]>
  sealed(tenant: string, id: string): Promise<Sealed | undefined>
  /** Every sealed row, in id order, for key rotation; `after` pages. */
  sealedRows(tenant: string, after: string, limit: number): Promise<readonly SealedRow[]>
  operations(tenant: string): Promise<readonly OpenOperation[]>
  history(tenant: string, query: HistoryQuery): Promise<readonly HistoryEntry[]>

  /** Takes the lease or says who holds it. The epoch grows with each acquisition (fencing token). */
  acquireLease(tenant: string, request: LeaseRequest): Promise<LeaseAnswer>
  /** Extends a held lease; `state_fenced` when another took it over. */
  renewLease(tenant: string, lease: Lease, ttlMs: number, now: Date): Promise<Lease>
  releaseLease(tenant: string, lease: Lease): Promise<void>
  /** Ends whatever lease of that name is held: `state unlock`. */
  breakLease(tenant: string, name: string): Promise<Lease | undefined>

  /** Wrapped data keys of a tenant, newest version last. */
  dataKeys(tenant: string): Promise<readonly WrappedKey[]>
  tenants(): Promise<readonly string[]>

  /** Structural checks: integrity of the file, dangling rows. Empty when sound. */
  verify(tenant: string): Promise<readonly string[]>
  close(): Promise<void>
}

export interface Snapshot {
  /** Random identity of this state, made with the tenant's first commit; `''` before it. */
  readonly lineage: string
  /** Grows by one with each commit that changes declared state. */
  readonly serial: number
  readonly resources: readonly RecordedResource[]
}

export type ResourceDraft = Omit<RecordedResource, 'revision'>

export interface CertificateQuery {
  readonly id?: string
  readonly objectId?: string
  readonly issuerId?: string
  readonly serial?: string
  readonly revoked?: boolean
  readonly limit?: number
}

export interface OpenOperation {
  readonly id: string
  readonly address: Address
  readonly action: string
  /** Digest of the inputs; a later attempt adopts the steps only when it is equal. */
  readonly inputHash: string
  readonly attempt: number
  readonly epoch: number
  readonly startedAt: string
  readonly steps: readonly JournalStep[]
}

export type Mutation =
  | RecordMutation
  | { readonly type: 'put-resource'; readonly resource: ResourceDraft; readonly expectedRevision: number | null }
  | { readonly type: 'delete-resource'; readonly address: Address; readonly expectedRevision: number }
  | { readonly type: 'add-certificate'; readonly certificate: CertificateRow }
  | { readonly type: 'revoke-certificate'; readonly id: string; readonly at: string; readonly reason: string }
  /** `state_conflict` when the data key of its version is gone: the row could never be opened again. */
  | { readonly type: 'put-sealed'; readonly row: SealedRow }
  /** Replaces a row only where it still has that nonce; otherwise someone changed or deleted it: no effect. */
  | { readonly type: 'reseal'; readonly row: SealedRow; readonly replacesNonce: Uint8Array }
  /** Also takes the row off the certificates whose key it was. */
  | { readonly type: 'delete-sealed'; readonly id: string }
  /** A new version, or with `rewraps` (the master key id before) the same data key under another master key. */
  | { readonly type: 'put-data-key'; readonly key: WrappedKey; readonly rewraps?: string }
  /** `state_conflict` while a sealed row uses the version. */
  | { readonly type: 'delete-data-key'; readonly version: number }
  /** A known id with a higher attempt continues that operation with its steps. */
  | { readonly type: 'begin-operation'; readonly operation: Omit<OpenOperation, 'steps'> }
  | { readonly type: 'put-step'; readonly operationId: string; readonly step: JournalStep }
  | { readonly type: 'end-operation'; readonly operationId: string; readonly outcome: 'done' | 'failed' | 'abandoned' }
  /** Forgets operations that ended and began before that instant, with their steps; at most so many. */
  | { readonly type: 'trim-operations'; readonly before: string; readonly most: number }
  /**
   * Import and copy: identity, revisions, history, records, logs and jobs as they were; records are numbered anew, in
   * their order. Only as the first write of an empty tenant.
   */
  | {
      readonly type: 'restore'
      readonly declared: Snapshot
      readonly history: readonly HistoryEntry[]
      readonly records?: readonly StoredRecord[]
      readonly logs?: readonly LogEntry[]
      /** Not the leases of those that ran: they wait. */
      readonly jobs?: readonly Job[]
    }

export interface Commit {
  readonly mutations: readonly Mutation[]
  /** Present for every write made under a lease; a stale epoch fails the whole commit. */
  readonly lease?: Lease
  /** Who and when, for the history. */
  readonly actor: string
  readonly at: string
}

export interface Committed {
  readonly lineage: string
  readonly serial: number
  /** New revision of each resource put. */
  readonly revisions: ReadonlyMap<Address, number>
}

export interface HistoryQuery {
  readonly address?: Address
  /** Entries after this serial. */
  readonly sinceSerial?: number
  readonly limit?: number
}

/** One change of one resource; `before`/`after` are null for creation and deletion. */
export interface HistoryEntry {
  readonly serial: number
  readonly at: string
  readonly actor: string
  readonly address: Address
  readonly before: RecordedResource | null
  readonly after: RecordedResource | null
}

/** Who holds a lease; enough to tell a dead process of this machine from a live one elsewhere. */
export interface LeaseHolder {
  readonly host: string
  readonly pid: number
  /** Kernel start time of the process, so that a reused pid is not taken for the holder. */
  readonly startedAt: string
  readonly operation: string
}

export interface Lease {
  readonly name: string
  readonly holder: LeaseHolder
  readonly epoch: number
  readonly expiresAt: string
  /** When it was acquired; ISO instant. */
  readonly since?: string
}

export interface LeaseRequest {
  readonly name: string
  readonly holder: LeaseHolder
  readonly ttlMs: number
  readonly now: Date
  /** Tells a holder that cannot be alive any more; its lease is taken over before it expires. */
  readonly presumedDead?: (holder: LeaseHolder) => boolean
}

export type LeaseAnswer = { readonly acquired: Lease } | { readonly heldBy: Lease }
