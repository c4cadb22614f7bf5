import type { Address } from '../core/address.ts'
import type { ErrorCode } from '../core/error-catalogue.ts'
import type { JsonObject } from '../core/json.ts'
import type { Lifecycle, SecretField } from '../core/resource.ts'
import type { Action, FieldDiff, Reason } from '../kinds/driver.ts'
import type { PlanMode } from './request.ts'

/** The plan as people and programs see it; `trustform plan --json` prints exactly this. */
export interface PlanDocument {
  readonly formatVersion: '1.0'
  readonly lineage: string
  readonly serial: number
  /** SHA-256 over the canonical configuration, secrets as keyed fingerprints. */
  readonly configDigest: string
  readonly createdAt: string
  readonly owner: string
  /** True when `--target` or `--exclude` left something out. */
  readonly partial: boolean
  /** True when nothing outside was asked. */
  readonly offline: boolean
  readonly summary: PlanSummary
  readonly changes: readonly Change[]
  readonly drift: readonly Drift[]
  readonly preflight: readonly PreflightFinding[]
}

/** Counts by action; `blocked` counts changes that are also counted under their action. */
export interface PlanSummary {
  readonly create: number
  readonly update: number
  readonly replace: number
  readonly delete: number
  readonly renew: number
  readonly reissue: number
  readonly forget: number
  readonly import: number
  readonly noop: number
  readonly blocked: number
}

export interface Change {
  readonly address: Address
  readonly kind: string
  readonly name: string
  readonly action: Action
  readonly reason: Reason
  /** One phrase: why, and for deletions what becomes of certificates and keys. */
  readonly because?: string
  readonly diffs: readonly FieldDiff[]
  readonly dependsOn: readonly Address[]
  readonly blocked?: Blocked
}

/** Why a change may not run as it stands. */
export interface Blocked {
  readonly code: Extract<ErrorCode, 'plan_blocked' | 'owned_by'>
  readonly message: string
  readonly remedy: string
  /** The word that lets it happen (`--allow`): an address or `all-deletes`; absent where none does. */
  readonly allow?: string
}

export interface Drift {
  readonly address: Address
  readonly diffs: readonly FieldDiff[]
}

export interface PreflightFinding {
  readonly address: Address
  readonly check: string
  readonly level: 'error' | 'warning'
  readonly code: ErrorCode
  readonly message: string
  readonly remedy: string
  readonly pointer?: string
}

/** One concrete operation of the graph that the executor runs; it holds all that the decision rests on. */
export interface PlannedOperation {
  readonly address: Address
  readonly kind: string
  readonly name: string
  readonly action: Exclude<Action, 'no-op'>
  readonly reason: Reason
  /** Who owns the resource once this is done. */
  readonly owner: string
  /** Secrets as fingerprints. */
  readonly spec: JsonObject
  readonly secrets: readonly SecretField[]
  /** The declaring file; relative secret files start at its folder. */
  readonly file: string
  readonly labels: Readonly<Record<string, string>>
  readonly lifecycle: Lifecycle
  /** Recorded with the resource: what it stands on. */
  readonly dependsOn: readonly Address[]
  /** Of a deletion: what stays as it is, was recorded on this, and stands on others now. */
  readonly releases?: readonly { readonly address: Address; readonly dependsOn: readonly Address[] }[]
  /** Operations of this plan that must be done before. */
  readonly after: readonly Address[]
  /** Revision that the decision was made on; null for a resource that was not recorded. */
  readonly expectedRevision: number | null
}

export interface Plan {
  readonly mode: PlanMode
  readonly document: PlanDocument
  readonly operations: readonly PlannedOperation[]
  /** What stays as it is although its kind asks for more, because somebody else sees to that. */
  readonly left?: readonly Address[]
  /** Revisions of every resource that the operations touch or depend on. */
  readonly revisions: Readonly<Record<Address, number>>
}

/** A plan that may not be applied as it stands: exit code 3. */
export function isBlocked(document: PlanDocument): boolean {
  return document.summary.blocked > 0 || document.preflight.some(finding => finding.level === 'error')
}

/** Blocked by something that an approval lets happen, and by nothing else. */
export function needsApproval({ summary, changes, preflight }: PlanDocument): boolean {
  if (summary.blocked === 0 || preflight.some(finding => finding.level === 'error')) return false
  return changes.every(({ blocked }) => blocked === undefined || blocked.allow !== undefined)
}

export function hasChanges(document: PlanDocument): boolean {
  return document.changes.some(change => change.action !== 'no-op')
}
