import type { Clock, JsonObject, Log, PlanDocument, Random } from '../engine/index.ts'
import type { Run, Trigger } from './loop/runs.ts'
import type { StoredPlan } from './records/plan-records.ts'
import type { Source, SourceSpec } from './sources/source.ts'

/**
 * What the service's application stands on, as plain ports. Everything that a request touches is here, so that the
 * routes can be tested on a real store without git, a forge or the loop.
 */
export interface Services {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly keys: ApiKeys
  readonly sources: Sources
  readonly plans: Plans
  readonly runs: Runs
  readonly logs: Logs
  readonly hooks: Hooks
  readonly observations: Observations
}

/** One page of a list, oldest or newest first as the port says. */
export interface Page<T> {
  readonly items: readonly T[]
  /** Passed as `after` to get the next page; absent on the last one. */
  readonly next?: number
}

export interface PageRequest {
  readonly after?: number
  readonly limit: number
}

// ---------------------------------------------------------------------------------------------------- keys

/** Who asks: everything that a route may know of it. */
export interface Caller {
  readonly keyId: string
  readonly tenant: string
  readonly user: string
  readonly scopes: ReadonlySet<string>
}

/** An API key as it may be shown: never its value. */
export interface ApiKeyView {
  readonly id: string
  readonly user: string
  readonly name: string
  /** Its first characters, to recognise it by. */
  readonly prefix: string
  readonly scopes: readonly string[]
  /** ISO instants. */
  readonly createdAt: string
  readonly expiresAt?: string
  readonly lastUsedAt?: string
}

export interface ApiKeyRequest {
  readonly user: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly expiresAt?: Date
}

/** API keys (`engine/access` behind it). Errors: `schema_violation` for unknown scopes, `forbidden`, `not_found`. */
export interface ApiKeys {
  /** Undefined for an unknown, expired or revoked token; takes as long for each of them. */
  authenticate(token: string): Promise<Caller | undefined>
  /** Whether the key still opens what it opened: asked while a stream is open. */
  isActive(caller: Caller): Promise<boolean>
  /** The value is answered here and never again. A creator grants only scopes that it holds. */
  create(caller: Caller, request: ApiKeyRequest): Promise<{ readonly view: ApiKeyView; readonly key: string }>
  list(caller: Caller, user: string, page: PageRequest): Promise<Page<ApiKeyView>>
  get(caller: Caller, user: string, id: string): Promise<ApiKeyView | undefined>
  /** False where there is no such key. Durable when it resolves. */
  revoke(caller: Caller, user: string, id: string): Promise<boolean>
}

// ---------------------------------------------------------------------------------------------------- sources

/** The sources of every tenant, in the collection `source` (second name: the spec's name), beside the loop's writes. */
export interface Sources {
  list(tenant: string, page: PageRequest): Promise<Page<Source>>
  get(tenant: string, id: string): Promise<Source | undefined>
  /** Every source of that name or id over all tenants: what a webhook's path may mean. */
  addressed(nameOrId: string): Promise<readonly Source[]>
  /** Over all tenants, for metrics and the status page. */
  everywhere(): Promise<readonly Source[]>
  /** Errors: `conflict` when the name is taken. Enqueues the first pass. */
  create(tenant: string, spec: SourceSpec, suspended: boolean, actor: string): Promise<Source>
  /** Errors: `conflict` for one that `reconciler.yaml` declares, `state_conflict` when it changed meanwhile. */
  update(source: Source, spec: SourceSpec, actor: string): Promise<Source>
  /** What it applied stays; nothing is deleted. Errors: `conflict` for one that `reconciler.yaml` declares. */
  remove(source: Source, actor: string): Promise<void>
  suspend(source: Source, suspended: boolean, actor: string): Promise<Source>
  /** Asks for a pass now; several requests that wait become one. Errors: `conflict` while suspended. */
  reconcile(source: Source, trigger: Trigger, actor: string): Promise<void>
  /** Makes the declared sources those of `reconciler.yaml`: new ones appear, those no longer declared are removed. */
  declare(declared: readonly DeclaredSource[]): Promise<void>
}

/** A source of `reconciler.yaml`. */
export interface DeclaredSource {
  readonly spec: SourceSpec
  readonly suspended: boolean
}

// ---------------------------------------------------------------------------------------------------- plans and runs

export interface PlanFilter {
  readonly source?: string
  readonly state?: StoredPlan['state']
}

export interface Plans {
  /** Newest first. */
  list(tenant: string, filter: PlanFilter, page: PageRequest): Promise<Page<StoredPlan>>
  get(tenant: string, id: string): Promise<StoredPlan | undefined>
  /** What a plan would do; lists are made without it. Errors: `not_found`. */
  document(plan: StoredPlan): Promise<PlanDocument>
  /**
   * Also one that was discarded, as long as nothing else is planned. Errors: `conflict` when it is settled, `plan_stale`
   * when it is another than `expect` says. Wakes the loop.
   */
  approve(plan: StoredPlan, expect: { digest?: string; commit?: string }, actor: string): Promise<StoredPlan>
  /** It stays so as long as the same would be done. Errors: `conflict` when it is not pending. Wakes the loop. */
  discard(plan: StoredPlan, actor: string): Promise<StoredPlan>
}

export interface StoredRun extends Run {
  readonly id: string
  readonly tenant: string
  readonly createdAt: string
}

export interface Runs {
  /** Newest first. */
  list(tenant: string, filter: { readonly source?: string }, page: PageRequest): Promise<Page<StoredRun>>
  get(tenant: string, id: string): Promise<StoredRun | undefined>
}

// ---------------------------------------------------------------------------------------------------- logs

export interface LogLine {
  readonly sequence: number
  readonly at: string
  readonly type: string
  readonly actor: string
  readonly subject: string
  readonly data: JsonObject
}

export interface LogFilter {
  readonly type?: string
  readonly subject?: string
  /** ISO instant; entries at or after it. */
  readonly since?: string
  readonly newestFirst?: boolean
}

/** Events and audit of a tenant. */
export interface Logs {
  events(tenant: string, filter: LogFilter, page: PageRequest): Promise<Page<LogLine>>
  audit(tenant: string, filter: LogFilter, page: PageRequest): Promise<Page<LogLine & { readonly hash: string }>>
  /** Recomputes the chain; answers the first entry that does not fit. */
  verifyAudit(tenant: string): Promise<{ readonly entries: number; readonly broken?: number }>
  /** Resolves with true when there may be events after `after`; with false after a while, or when the signal aborts. */
  changed(tenant: string, after: number, signal: AbortSignal): Promise<boolean>
}

// ---------------------------------------------------------------------------------------------------- hooks

/** Raw octets of a delivery; the signature is over exactly these. */
export interface Delivery {
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Uint8Array
}

export interface Hooks {
  /**
   * Checks the signature, drops what was delivered before and wakes the loop. Never tells the sender anything: an
   * unknown source, a wrong signature and a success look alike.
   */
  deliver(source: string, delivery: Delivery): Promise<void>
}

// ---------------------------------------------------------------------------------------------------- observations

export interface Expiry {
  readonly tenant: string
  readonly address: string
  readonly owner: string
  /** ISO instant. */
  readonly notAfter: string
  /** Where its renewal is due and fails. */
  readonly failing?: {
    readonly failures: number
    /** `code: message`; never a secret. */
    readonly reason: string
    /** ISO instant. */
    readonly nextAttempt: string
  }
}

/** What metrics, health and the status page show of the whole service. */
export interface Observations {
  /** Undefined when work can be done; otherwise why not. */
  unready(): Promise<string | undefined>
  queueDepth(): Promise<Readonly<Record<string, { waiting: number; running: number; dead: number }>>>
  /** Everything that has an end, soonest first. */
  expiries(scope: Scope): Promise<readonly Expiry[]>
  recentRuns(scope: Scope): Promise<readonly StoredRun[]>
  pendingPlans(scope: Scope): Promise<readonly StoredPlan[]>
}

/** What to look at: one tenant, or without one all of them. */
export interface Scope {
  readonly tenant?: string | undefined
  readonly limit: number
}
