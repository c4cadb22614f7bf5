import type { Clock, Engine, Log, Random, StateStore } from '../../engine/index.ts'
import type { Forge } from '../forges/forge.ts'
import type { Repository, SignaturePolicy } from '../sources/repository.ts'
import type { SourceState } from '../sources/source.ts'

/** A source as its record stands. */
export interface KnownSource extends SourceState {
  /** `src_…`. */
  readonly id: string
  readonly tenant: string
  /** Of the record, for compare-and-swap. */
  readonly version: number
}

/** What a pass over a source needs; `server.ts` supplies it. */
export interface LoopPorts {
  readonly store: StateStore
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Where people find this service; links in statuses and comments. */
  readonly publicUrl?: string
  /** The engine that owns what a source declares; shared, never closed by the caller. */
  engineOf(source: KnownSource): Promise<Engine>
  /** The engine of the service's own work for a tenant: renewals. */
  engineOfService(tenant: string): Promise<Engine>
  repositoryOf(source: KnownSource): Promise<Repository>
  /** Undefined where commits need no signature. */
  signaturesOf(source: KnownSource): Promise<SignaturePolicy | undefined>
  /** Undefined where the source names no forge. */
  forgeOf(source: KnownSource): Promise<Forge | undefined>
}

/** The owner under which a source applies: what another door or source owns it does not touch. */
export const ownerOf = (source: Pick<KnownSource, 'spec'>): string => `git:${source.spec.name}`
