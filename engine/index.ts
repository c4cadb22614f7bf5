/**
 * The engine's public face: all that the doors (CLI, reconciler, Pulumi, Terraform) may import. What is heavy is
 * loaded when it is called, so that `trustform validate` pays for nothing else: importing this file loads errors,
 * addresses and little more.
 */

import type { ApiKeyPorts, ApiKeys } from './access/api-keys.ts'
import type { Engine } from './composition/engine.ts'
import type { EngineOptions } from './composition/session.ts'
import type { Diagnostic } from './core/errors.ts'
import type { Clock, Random, Trace } from './core/ports.ts'
import type { DesiredResource } from './core/resource.ts'
import type { AuditVerdict } from './events/verify-audit.ts'
import type { Declaring, ResourceDeclaration } from './manifest/declare.ts'
import type { SourceFiles } from './manifest/files.ts'
import type { Loaded, LoadedConfiguration } from './manifest/load.ts'
import type { LoadedSettings } from './manifest/settings.ts'
import type { ClosableHttp, HttpOptions } from './net/http.ts'
import type { PlanDocument } from './planner/plan.ts'
import type { MarkdownOptions } from './planner/render/markdown.ts'
import type { HeldLease, LeaseOptions } from './state/lease-guard.ts'
import type { StateStore } from './state/store.ts'

export type { ApiKey, ApiKeyDraft, ApiKeyFilter, ApiKeyPorts, ApiKeys, Granter } from './access/api-keys.ts'
export { parseScopes, type Scope, scopes } from './access/scopes.ts'
export type { AppliedAlone } from './composition/apply-alone.ts'
export type { Engine, LockedEngine, LockOptions, OperatorKeys } from './composition/engine.ts'
export type { Look, LookOptions } from './composition/look.ts'
export type { MadePlan, PlanOptions } from './composition/make-plan.ts'
export type { CertificateView, ListedObject, ObjectView } from './composition/objects.ts'
export type { AloneOptions } from './composition/plan-alone.ts'
export type { EngineOptions } from './composition/session.ts'
export { unlessAborted } from './core/abort.ts'
export { type Address, formatAddress, parseAddress } from './core/address.ts'
export { formatDuration, parseDuration } from './core/duration.ts'
export { type ConnectGuard, type EgressTarget, egressRefused, refusalIn } from './core/egress.ts'
export { type ErrorCode, errorCatalogue } from './core/error-catalogue.ts'
export { type Diagnostic, DiagnosticsError, EngineError, type Position } from './core/errors.ts'
export { newId } from './core/ids.ts'
export { isJsonObject, type Json, type JsonObject } from './core/json.ts'
export * as markdown from './core/markdown.ts'
export { type Clock, type Http, HttpFailure, type Log, type LogFields, type Random, type Trace } from './core/ports.ts'
export type { Configuration, DesiredResource, RecordedResource, SecretReference } from './core/resource.ts'
export { Secret } from './core/secret.ts'
export { visible } from './core/visible.ts'
export { type AuditAction, type AuditQuery, auditActions, audited, type Said } from './events/audit.ts'
export { type EventType, eventTypes, told } from './events/events.ts'
export type { AuditVerdict } from './events/verify-audit.ts'
export type { RunEvent, RunResult } from './executor/ports.ts'
export type { Action, FieldDiff, Reason } from './kinds/driver.ts'
export type { Declaring, PointedDiagnostic, ResourceDeclaration } from './manifest/declare.ts'
export { type DraftValue, notYetKnown } from './manifest/draft.ts'
export type { SourceFiles } from './manifest/files.ts'
export type { Loaded, LoadedConfiguration } from './manifest/load.ts'
export type { LoadedSettings, Settings } from './manifest/settings.ts'
export type { ClosableHttp, HttpOptions } from './net/http.ts'
export {
  type Change,
  hasChanges,
  isBlocked,
  needsApproval,
  type Plan,
  type PlanDocument,
  type PreflightFinding,
} from './planner/plan.ts'
export type { HeldLease } from './state/lease-guard.ts'
export type {
  Job,
  JobDraft,
  LogDraft,
  LogEntry,
  LogHead,
  LogQuery,
  RecordDraft,
  RecordMutation,
  RecordQuery,
  StoreChange,
  StoredRecord,
} from './state/records.ts'
export type { Commit, HistoryEntry, Lease, Mutation, Snapshot, StateStore } from './state/store.ts'

/** Opens state, keys and ports. Close it when done. */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { openEngine } = await import('./composition/engine.ts')
  return openEngine(options)
}

/** Opens a state store by its URL, for those who wrap or share one. */
export async function openStore(url: string): Promise<StateStore> {
  return (await import('./state/open.ts')).openStore(url)
}

/** As `openStore`; one that is not there is made by the first write, and empty until then. */
export async function openStoreWhenWritten(url: string): Promise<StateStore> {
  return (await import('./state/open.ts')).openStoreWhenWritten(url)
}

/** Whether there is a state at a URL. */
export async function stateExists(url: string): Promise<boolean> {
  return (await import('./state/open.ts')).stateExists(url)
}

/** Takes a lease of a store and keeps it alive; throws `state_locked` naming the holder. */
export async function holdLease(
  store: StateStore,
  tenant: string,
  name: string,
  options: LeaseOptions,
): Promise<HeldLease> {
  return (await import('./state/lease-guard.ts')).holdLease(store, tenant, name, options)
}

/** The machine's own clock and source of randomness. */
export async function systemPorts(): Promise<{
  readonly clock: Clock
  readonly random: Random
  readonly trace: Trace
}> {
  const { noTrace, systemClock, systemRandom } = await import('./composition/system.ts')
  return { clock: systemClock, random: systemRandom(), trace: noTrace }
}

/** The `Http` port, with a guard over the addresses that it connects to. */
export async function createHttp(options?: HttpOptions): Promise<ClosableHttp> {
  return (await import('./net/http.ts')).createHttp(options)
}

/** The API keys in a store. */
export async function createApiKeys(ports: ApiKeyPorts): Promise<ApiKeys> {
  return (await import('./access/api-keys.ts')).createApiKeys(ports)
}

/** Recomputes a tenant's audit chain and names the first entry that does not fit. */
export async function verifyAudit(store: StateStore, tenant: string): Promise<AuditVerdict> {
  return (await import('./events/verify-audit.ts')).verifyAudit(store, tenant)
}

/** Reads manifests from the file system, or from `files`, and reports everything that is wrong with them. */
export async function loadConfiguration(paths: readonly string[], files?: SourceFiles): Promise<Loaded> {
  const manifest = await import('./manifest/load.ts')
  return manifest.loadConfiguration(paths, files ?? (await import('./manifest/files.ts')).fileSystem)
}

let declarer: ReturnType<typeof loadDeclaring> | undefined

/** Once: Node looks a module up again whenever it is imported, and programs declare one resource at a time. */
function declaring() {
  declarer ??= loadDeclaring()
  return declarer
}

async function loadDeclaring() {
  const { declareResource, declaredSpec } = await import('./manifest/declare.ts')
  const { fileSystem } = await import('./manifest/files.ts')
  return { declareResource, declaredSpec, fileSystem }
}

/** Reads one resource that a program declares, as a manifest is read; relative paths start at the working folder. */
export async function declareResource(declaration: ResourceDeclaration, files?: SourceFiles): Promise<Declaring> {
  const manifest = await declaring()
  return manifest.declareResource(declaration, files ?? manifest.fileSystem)
}

/** The fields of a declared resource with their defaults, as the program has them: secrets wrapped, gaps in place. */
export async function declaredSpec(
  resource: DesiredResource,
  draft: ResourceDeclaration['spec'],
): Promise<ResourceDeclaration['spec']> {
  return (await declaring()).declaredSpec(resource, draft)
}

/** The file system as manifests are read from it. */
export async function fileSystem(): Promise<SourceFiles> {
  return (await import('./manifest/files.ts')).fileSystem
}

/** Reads a configuration file that is no manifest, and reports everything that is wrong with it. */
export async function loadSettings(schema: 'reconciler', file: string, files: SourceFiles): Promise<LoadedSettings> {
  return (await import('./manifest/settings.ts')).loadSettings(schema, file, files)
}

/** The merged configuration as YAML, with the origin of each value. */
export async function renderConfiguration(configuration: LoadedConfiguration): Promise<string> {
  return (await import('./manifest/render.ts')).renderConfiguration(configuration)
}

/** How diagnostics are presented: for a person (`text`), or for programs. */
export type DiagnosticFormat = 'text' | 'json' | 'sarif' | 'github' | 'markdown'

export async function formatDiagnostics(
  diagnostics: readonly Diagnostic[],
  format: DiagnosticFormat,
  options: { readonly color?: boolean; readonly limit?: number } = {},
): Promise<string> {
  switch (format) {
    case 'text':
      return (await import('./manifest/format/text.ts')).formatText(diagnostics, options)
    case 'json':
      return (await import('./manifest/format/json.ts')).formatJson(diagnostics)
    case 'sarif':
      return (await import('./manifest/format/sarif.ts')).formatSarif(diagnostics)
    case 'github':
      return (await import('./manifest/format/github.ts')).formatGithub(diagnostics)
    case 'markdown':
      return (await import('./manifest/format/markdown.ts')).formatMarkdown(diagnostics, options)
  }
}

/** How a plan is presented: for a person, as a comment, or its counts in one line. */
export type PlanFormat = 'text' | 'markdown' | 'summary'

export async function renderPlan(
  document: PlanDocument,
  format: PlanFormat,
  options: { readonly color?: boolean } & MarkdownOptions = {},
): Promise<string> {
  if (format === 'markdown') return (await import('./planner/render/markdown.ts')).renderPlanMarkdown(document, options)
  const { renderPlanText, summaryLine } = await import('./planner/render/text.ts')
  return format === 'text' ? renderPlanText(document, options) : `${summaryLine(document)}\n`
}
