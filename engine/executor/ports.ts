import type { Address } from '../core/address.ts'
import type { JsonObject } from '../core/json.ts'
import type { Clock, Http, Log, Random, Trace } from '../core/ports.ts'
import type { Pointer } from '../core/resource.ts'
import type { Secret } from '../core/secret.ts'
import type { Action, Driver, NetworkSettings } from '../kinds/driver.ts'
import type { PlannedOperation } from '../planner/plan.ts'
import type { Lease, OpenOperation, Sealed, StateStore } from '../state/store.ts'

/** Encryption of the rows that must not be readable in the database; bound to the row's id. */
export interface Sealer {
  seal(id: string, plaintext: Secret<Uint8Array>): Sealed
}

/** What a run needs of the world; the composition root supplies it. */
export interface ExecutorPorts {
  readonly store: StateStore
  readonly sealer: Sealer
  /** Opens a sealed row; undefined where there is none. */
  unseal(id: string): Promise<Secret<Uint8Array> | undefined>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly trace: Trace
  readonly http: Http
  readonly network: NetworkSettings
  readonly drivers: ReadonlyMap<string, Driver>
  /** The values of an operation's secret references; `secret_unresolved`, `plan_stale` when one changed. */
  resolveSecrets(operation: PlannedOperation): Promise<ReadonlyMap<Pointer, Secret>>
}

/** Who runs, on what, and how it may be stopped. */
export interface RunSettings {
  readonly tenant: string
  /** For history and logs: who asked for it. */
  readonly actor: string
  /** For the logs: what made it happen, such as a commit and a run. Never a secret. */
  readonly cause?: JsonObject
  readonly lease: Lease
  /** Whether the plan has no use for what an interrupted run left open at an address; it is then undone. */
  readonly settled: (left: Pick<OpenOperation, 'address' | 'action'>) => boolean
  readonly parallelism: number
  /** What there is only one of for all runs under a lease; a run of its own has its own. */
  readonly memory?: Map<string, Promise<unknown>>
  /** Start nothing new; finish what runs. */
  readonly drain: AbortSignal
  /** Stop now. */
  readonly abort: AbortSignal
  readonly onEvent: (event: RunEvent) => void
}

export type RunEvent =
  | { readonly type: 'started'; readonly address: Address; readonly action: Action }
  | { readonly type: 'progress'; readonly address: Address; readonly message: string }
  | { readonly type: 'done'; readonly address: Address; readonly action: Action; readonly ms: number }
  | { readonly type: 'failed'; readonly address: Address; readonly action: Action; readonly error: unknown }
  /** The outcome is durable, but something outside is still to be cleaned up; the next run does it. */
  | { readonly type: 'left-open'; readonly address: Address; readonly error: unknown }
  | { readonly type: 'skipped'; readonly address: Address; readonly action: Action; readonly because: string }

export interface RunResult {
  readonly done: readonly Address[]
  readonly failed: readonly { readonly address: Address; readonly error: unknown }[]
  readonly skipped: readonly { readonly address: Address; readonly because: string }[]
  readonly interrupted: boolean
}
