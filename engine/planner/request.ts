import type { Address } from '../core/address.ts'
import type { JsonObject } from '../core/json.ts'
import type { DesiredResource, Pointer, RecordedResource } from '../core/resource.ts'
import type { Secret } from '../core/secret.ts'
import type { Driver, Observation } from '../kinds/driver.ts'
import type { FieldFacts } from './diff.ts'

/** A declared resource with its secrets resolved: fingerprints in the spec, values beside it. */
export interface DesiredInput {
  readonly resource: DesiredResource
  readonly spec: JsonObject
  readonly secrets: ReadonlyMap<Pointer, Secret>
  /** Fields whose value only the apply will know; the spec holds what is recorded there, or nothing. */
  readonly unknown?: readonly Pointer[]
}

/**
 * `apply` makes the world as declared, `destroy` removes what this owner applied, `renew` only makes new versions of
 * what is recorded.
 */
export type PlanMode = 'apply' | 'destroy' | 'renew'

/** What somebody else may see to: `drift` nobody, or `renewal` the service's own rounds. */
export type LeftReason = 'drift' | 'renewal'

/** All that a plan depends on: `plan = f(desired, recorded, live, now)`. */
export interface PlanRequest {
  readonly mode: PlanMode
  readonly desired: readonly DesiredInput[]
  readonly recorded: readonly RecordedResource[]
  readonly live: ReadonlyMap<Address, Observation>
  readonly now: Date
  readonly lineage: string
  readonly serial: number
  readonly configDigest: string
  /** The door that plans; it prunes only what it owns. */
  readonly owner: string
  /** Take over resources that another door owns. */
  readonly adopt: boolean
  readonly offline: boolean
  /** Empty: everything. */
  readonly targets: readonly string[]
  readonly excludes: readonly string[]
  /** Addresses, or `all-deletes`, that the user allows to be deleted or replaced. */
  readonly allow: readonly string[]
  /** In `renew` mode: renewed whether due or not. */
  readonly force: ReadonlySet<string>
  /** In `renew` mode: left as they are although due; what stands on them is not held up. */
  readonly hold?: ReadonlySet<string>
  /** Changes that only these reasons of a kind ask for are left undone: drift that is only to be shown. */
  readonly leave?: ReadonlySet<LeftReason>
  /**
   * The plan is about what is declared, or about this one that goes, and `recorded` is only what concerns it: nothing
   * else is pruned, and others are looked at but not acted upon.
   */
  readonly alone?: Address
  /** Made anew although it could stay: somebody asked for it. */
  readonly anew?: Address
  readonly drivers: ReadonlyMap<string, Driver>
  fields(kind: string, spec: JsonObject): FieldFacts
}
