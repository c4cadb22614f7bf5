import type { JsonObject } from '../../engine/index.ts'

/** A git repository whose declarations are kept true; the shape of `sources[]` in `reconciler.yaml` and `/v1/sources`. */
export interface SourceSpec {
  readonly name: string
  readonly url: string
  readonly branch: string
  /** Folders in the repository; a later one overlays the earlier ones. */
  readonly paths: readonly string[]
  /** Seconds between polls, before jitter. */
  readonly interval: number
  /** Values are secret references as written; resolved when used. */
  readonly credentials?: JsonObject
  readonly autoApply: boolean
  /** Take over what another door or source owns. */
  readonly adopt: boolean
  readonly drift: 'detect' | 'report' | 'heal'
  readonly requireSignedBy?: JsonObject
  readonly forge?: ForgeSpec
  readonly webhookSecret?: JsonObject
  readonly tenant: string
}

export interface ForgeSpec {
  readonly type: 'github' | 'gitlab' | 'gitea'
  /** API root; the public service's when absent. */
  readonly url?: string
  /** `owner/name`, or a project path. */
  readonly repository: string
  readonly token: JsonObject
}

/** Kubernetes-style: what a source's owner looks at first. */
export interface Condition {
  readonly type: 'Ready' | 'Stalled' | 'Drifted'
  readonly status: 'True' | 'False' | 'Unknown'
  /** CamelCase, stable: `Applied`, `FetchFailed`, `InvalidConfiguration`, `Blocked`, `SignatureRefused`… */
  readonly reason: string
  readonly message: string
  /** ISO instant since which the status holds. */
  readonly since: string
}

/** What a source's record keeps. */
export interface SourceState {
  readonly spec: SourceSpec
  readonly declaredBy: 'configuration' | 'api'
  readonly suspended: boolean
  readonly observedCommit?: string
  readonly appliedCommit?: string
  /** The one that the conditions are about; a pass that is cut short has observed another. */
  readonly reportedCommit?: string
  readonly conditions: readonly Condition[]
  /** Failed attempts in a row, for the backoff. */
  readonly failures: number
  /** What the last look found changed outside and left so. */
  readonly drift?: readonly DriftNote[]
}

/** Something outside that is no longer as it was recorded. */
export interface DriftNote {
  readonly address: string
  /** `status is revoked, was valid`. */
  readonly what: string
}

/** A source as its record stands. */
export interface Source extends SourceState {
  /** `src_…`. */
  readonly id: string
  readonly tenant: string
  /** Of the record, for compare-and-swap. */
  readonly version: number
  /** ISO instants. */
  readonly createdAt: string
  readonly updatedAt: string
}

/** The owner under which a source applies: what another door or source owns it does not touch. */
export const ownerOf = (source: Pick<Source, 'spec'>): string => `git:${source.spec.name}`

/**
 * How one pass over a source ended. Each outcome says what happens next: nothing until the next poll, another attempt
 * at a time, or nothing until somebody changes something.
 */
export type Outcome = Seen &
  (
    | { readonly type: 'ready'; readonly reason: string; readonly message: string }
    | { readonly type: 'waiting'; readonly until: Date; readonly reason: string; readonly message: string }
    | { readonly type: 'stalled'; readonly reason: string; readonly message: string }
  )

/** What a pass saw of the world, however it ended. */
export interface Seen {
  /** What is left as it is; absent where nothing was compared with the world. */
  readonly drift?: readonly DriftNote[]
  /** What was mended. */
  readonly healed?: readonly DriftNote[]
}
