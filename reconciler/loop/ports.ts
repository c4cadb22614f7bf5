import type { Clock, Engine, Log, Random, StateStore, Trace } from '../../engine/index.ts'
import type { Forge } from '../forges/forge.ts'
import type { Repository, SignaturePolicy } from '../sources/repository.ts'
import type { Source } from '../sources/source.ts'
import type { Turns } from './turns.ts'

/** What a pass over a source needs; `server.ts` supplies it. */
export interface LoopPorts {
  readonly store: StateStore
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Each phase of a pass runs in a span: `reconcile.fetch`, `reconcile.verify` and so on. */
  readonly trace: Trace
  /** Where people find this service; links in statuses and comments. */
  readonly publicUrl?: string
  /** A place among the passes that load, plan and apply at the same time; fetching needs none. */
  readonly turn: Turns
  /** The engine that owns what a source declares; shared, never closed by the caller. */
  engineOf(source: Source): Promise<Engine>
  /** The engine of the service's own work for a tenant: renewals. */
  engineOfService(tenant: string): Promise<Engine>
  repositoryOf(source: Source): Promise<Repository>
  /** Undefined where commits need no signature. */
  signaturesOf(source: Source): Promise<SignaturePolicy | undefined>
  /** Undefined where the source names no forge. */
  forgeOf(source: Source): Promise<Forge | undefined>
}
