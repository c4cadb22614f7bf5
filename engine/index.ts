/**
 * The engine's public face: all that the doors (CLI, reconciler, Pulumi, Terraform) may import. What is heavy is
 * loaded when it is used, so that `trustform validate` pays for nothing else.
 */

import type { Engine } from './composition/engine.ts'
import type { EngineOptions } from './composition/session.ts'

export type { Engine, LockedEngine, LockOptions } from './composition/engine.ts'
export type { MadePlan, PlanOptions } from './composition/make-plan.ts'
export type { CertificateView, ListedObject, ObjectView } from './composition/objects.ts'
export type { EngineOptions } from './composition/session.ts'
export { type Address, formatAddress, parseAddress } from './core/address.ts'
export { formatDuration, parseDuration } from './core/duration.ts'
export { type ErrorCode, errorCatalogue } from './core/error-catalogue.ts'
export { type Diagnostic, DiagnosticsError, EngineError, type Position } from './core/errors.ts'
export type { Json, JsonObject } from './core/json.ts'
export type { Clock, Http, Log, Random, Trace } from './core/ports.ts'
export type { Configuration, RecordedResource } from './core/resource.ts'
export type { RunEvent, RunResult } from './executor/ports.ts'
export type { Action, FieldDiff, Reason } from './kinds/driver.ts'
export type { SourceFiles } from './manifest/files.ts'
export type { Loaded, LoadedConfiguration } from './manifest/load.ts'
export {
  type Change,
  hasChanges,
  isBlocked,
  type Plan,
  type PlanDocument,
  type PreflightFinding,
} from './planner/plan.ts'
export type { HistoryEntry, Lease, Snapshot, StateStore } from './state/store.ts'

/** Opens state, keys and ports. Close it when done. */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { openEngine } = await import('./composition/engine.ts')
  return openEngine(options)
}
