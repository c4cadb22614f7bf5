/**
 * The engine's public face: all that the doors (CLI, reconciler, Pulumi, Terraform) may import. What is heavy is
 * loaded when it is used, and the bundler gives each command only the exports that it names, so that
 * `trustform validate` pays for nothing else.
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
export { visible } from './core/visible.ts'
export type { RunEvent, RunResult } from './executor/ports.ts'
export type { Action, FieldDiff, Reason } from './kinds/driver.ts'
export { fileSystem, type SourceFiles } from './manifest/files.ts'
export { formatGithub } from './manifest/format/github.ts'
export { formatJson } from './manifest/format/json.ts'
export { formatSarif } from './manifest/format/sarif.ts'
export { formatText } from './manifest/format/text.ts'
export { type Loaded, type LoadedConfiguration, loadConfiguration } from './manifest/load.ts'
export { renderConfiguration } from './manifest/render.ts'
export {
  type Change,
  hasChanges,
  isBlocked,
  type Plan,
  type PlanDocument,
  type PreflightFinding,
} from './planner/plan.ts'
export { renderPlanMarkdown } from './planner/render/markdown.ts'
export { renderPlanText, summaryLine } from './planner/render/text.ts'
export { openStore } from './state/open.ts'
export type { HistoryEntry, Lease, Snapshot, StateStore } from './state/store.ts'

/** Opens state, keys and ports. Close it when done. */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { openEngine } = await import('./composition/engine.ts')
  return openEngine(options)
}
