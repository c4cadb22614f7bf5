import {
  DiagnosticsError,
  type Engine,
  EngineError,
  formatDiagnostics,
  hasChanges,
  type LoadedConfiguration,
  loadConfiguration,
  type PlanDocument,
  type RunEvent,
} from '../../engine/index.ts'
import type { Repository } from '../sources/repository.ts'
import type { Outcome } from '../sources/source.ts'
import { outcomeOf } from './outcome.ts'
import { type KnownPlan, openPlans, planDigest, recordPlan, settlePlan } from './plan-records.ts'
import { type KnownSource, type LoopPorts, ownerOf } from './ports.ts'
import { beginRun, type RunLog, type Trigger } from './runs.ts'
import { saveSource } from './source-records.ts'

export interface PassRequest {
  readonly trigger: Trigger
  /** Look at everything even when the head is the commit that was applied. */
  readonly force: boolean
  readonly signal: AbortSignal
}

/** What a pass found out, for the source's record. */
export interface PassResult {
  readonly outcome: Outcome
  readonly observedCommit?: string
  readonly appliedCommit?: string
  readonly runId?: string
}

/**
 * One pass: fetch → verify → load → plan → safety → apply. Every step may be cut short by a crash; the next pass begins
 * again at the top and finds what was done, because applying is idempotent. Failures are thrown as `EngineError`s.
 */
export async function pass(ports: LoopPorts, source: KnownSource, request: PassRequest): Promise<PassResult> {
  const { spec } = source
  const repository = await ports.repositoryOf(source)
  const { head } = await repository.fetch(spec.branch, [], request.signal)
  const approved = await approvedPlanFor(ports, source)
  if (!request.force && head === source.appliedCommit && !approved) {
    return { outcome: ready('NoChange', `at ${short(head)}`), observedCommit: head }
  }
  const run = await beginRun(ports, source, request.trigger, head)
  const observed = await saveSource(ports, source, { observedCommit: head }, ownerOf(source))
  try {
    await announceForcePush(repository, source, head, run)
    await run.phase('verify')
    await (await ports.signaturesOf(source))?.check(repository, await lastApplied(repository, source, head), head)
    await run.phase('load')
    const configuration = await load(repository, source, head, run)
    await run.phase('plan')
    const outcome = await planAndApply(ports, observed, configuration, { head, approved, run, signal: request.signal })
    await run.end(outcome)
    const applied = outcome.type === 'ready' ? { appliedCommit: head } : {}
    return { outcome, observedCommit: head, runId: run.id, ...applied }
  } catch (error) {
    const context = { now: ports.clock.now(), failures: source.failures, random: ports.random }
    await run.end(outcomeOf(error, context))
    throw error
  }
}

const short = (commit: string) => commit.slice(0, 12)

function ready(reason: string, message: string, drifted = false): Outcome {
  return { type: 'ready', reason, message, drifted }
}

async function announceForcePush(
  repository: Repository,
  source: KnownSource,
  head: string,
  run: RunLog,
): Promise<void> {
  const { appliedCommit, spec } = source
  if (appliedCommit === undefined || (await repository.isAncestor(appliedCommit, head))) return
  run.line(`${spec.branch} was force-pushed: ${short(appliedCommit)} is no longer below ${short(head)}`)
}

/** After a force-push the whole new history has to be signed, not only what lies above the last applied commit. */
async function lastApplied(repository: Repository, { appliedCommit }: KnownSource, head: string) {
  if (appliedCommit === undefined) return undefined
  return (await repository.isAncestor(appliedCommit, head)) ? appliedCommit : undefined
}

async function load(
  repository: Repository,
  { spec }: KnownSource,
  head: string,
  run: RunLog,
): Promise<LoadedConfiguration> {
  const { configuration, diagnostics } = await loadConfiguration(spec.paths, repository.filesAt(head))
  for (const line of (await formatDiagnostics(diagnostics, 'text')).split('\n')) if (line !== '') run.line(line)
  if (!configuration) throw new DiagnosticsError(diagnostics)
  if (configuration.resources.length > 0) return configuration
  // Deleting everything is done by saying so (`trustform destroy`), never by an empty folder.
  throw new EngineError('input_empty', `${spec.paths.join(', ')} at ${short(head)} declares nothing`, {
    remedy: 'restore the manifests, or correct paths; nothing was deleted',
  })
}

interface ApplyContext {
  readonly head: string
  readonly approved: KnownPlan | undefined
  readonly run: RunLog
  readonly signal: AbortSignal
}

async function planAndApply(
  ports: LoopPorts,
  source: KnownSource,
  configuration: LoadedConfiguration,
  context: ApplyContext,
): Promise<Outcome> {
  const { run, signal, approved } = context
  const engine = await ports.engineOf(source)
  return engine.locked(`reconcile ${source.spec.name}`, { waitMs: 60_000, signal }, async locked => {
    const seen = await decide(engine, source, configuration, approved, signal)
    const { document } = seen.made.plan
    await run.phase('plan', { summary: { ...document.summary } })
    const { drifted } = seen
    if (!hasChanges(document)) return ready('Applied', `nothing to do at ${short(context.head)}`, drifted)
    refusePreflight(document)
    if (!seen.allowed) {
      const { id } = await recordPlan(ports, source, { commit: context.head, document })
      return awaitingApproval(document, id, source)
    }
    await run.phase('apply')
    const result = await locked.apply(seen.made.plan, seen.made.snapshot, {
      drain: signal,
      onEvent: event => run.line(lineOf(event)),
    })
    if (result.failed.length > 0) throw failuresOf(result.failed)
    if (result.interrupted)
      throw new EngineError('interrupted', 'the service is stopping', { remedy: 'it goes on after its start' })
    if (approved) await settlePlan(ports, source, approved, { state: 'applied' })
    return ready('Applied', `applied ${result.done.length} changes at ${short(context.head)}`, drifted)
  })
}

/** Plans, and tells whether it may be applied: by itself, or because exactly this was approved. */
async function decide(
  engine: Engine,
  source: KnownSource,
  configuration: LoadedConfiguration,
  approved: KnownPlan | undefined,
  signal: AbortSignal,
) {
  const whole = await engine.plan({ configuration, signal })
  // What is left out of a plan has no drift in it either, so that is read off the whole one.
  const drifted = whole.plan.document.drift.length > 0
  const options = { configuration, signal, excludes: unhealedDrift(source, whole.plan.document) }
  const made = options.excludes.length === 0 ? whole : await engine.plan(options)
  const needsWord = made.plan.document.summary.blocked > 0
  if (!approved || planDigest(made.plan.document) !== approved.record.digest) {
    return { made, drifted, allowed: source.spec.autoApply && !needsWord }
  }
  if (!needsWord) return { made, drifted, allowed: true }
  const allow = made.plan.document.changes
    .filter(change => change.blocked?.code === 'plan_blocked')
    .map(each => each.address)
  const again = await engine.plan({ ...options, allow })
  const same = planDigest(again.plan.document) === approved.record.digest
  return { made: again, drifted, allowed: same && again.plan.document.summary.blocked === 0 }
}

/** Where drift is only to be told, changes that only it asks for stay undone. */
function unhealedDrift({ spec }: KnownSource, { changes }: PlanDocument): readonly string[] {
  if (spec.drift === 'heal') return []
  return changes.filter(({ reason, action }) => reason === 'drift' && action !== 'no-op').map(({ address }) => address)
}

function refusePreflight({ preflight }: PlanDocument): void {
  const errors = preflight.filter(({ level }) => level === 'error')
  if (errors.length === 0) return
  throw new DiagnosticsError(
    errors.map(({ address, code, message, remedy }) => ({ severity: 'error', code, message, remedy, address })),
  )
}

function awaitingApproval({ changes, summary }: PlanDocument, planId: string, { spec }: KnownSource): Outcome {
  const conflict = changes.find(change => change.blocked?.code === 'owned_by')
  if (conflict?.blocked) return { type: 'stalled', reason: 'Conflict', message: conflict.blocked.message }
  const why = changes.find(change => change.blocked)?.blocked?.message
  const message = why ?? `${changes.filter(({ action }) => action !== 'no-op').length} changes wait for approval`
  const reason = summary.blocked > 0 ? 'Blocked' : 'AwaitingApproval'
  return {
    type: 'stalled',
    reason,
    message: `${message}; approve plan ${planId} of ${spec.name} or change the configuration`,
  }
}

/** The newest approved plan of the branch; one of a pull request counts once that was merged. */
async function approvedPlanFor(ports: LoopPorts, source: KnownSource): Promise<KnownPlan | undefined> {
  for (const plan of await openPlans(ports, source)) {
    const { state, pullRequest } = plan.record
    if (state !== 'approved') continue
    if (pullRequest === undefined) return plan
    const merged = await (await ports.forgeOf(source))?.pullRequest(pullRequest)
    if (merged?.state === 'merged') return plan
  }
  return undefined
}

function failuresOf(failed: readonly { readonly address: string; readonly error: unknown }[]): Error {
  const bug = failed.find(({ error }) => !(error instanceof EngineError) && !(error instanceof DiagnosticsError))
  if (bug) return bug.error instanceof Error ? bug.error : new Error(String(bug.error))
  return new DiagnosticsError(
    failed.flatMap(({ address, error }) => {
      const all =
        error instanceof DiagnosticsError
          ? error.diagnostics
          : error instanceof EngineError
            ? [error.toDiagnostic()]
            : []
      return all.map(each => ({ address, ...each }))
    }),
  )
}

function lineOf(event: RunEvent): string {
  switch (event.type) {
    case 'started':
      return `${event.address}: ${event.action}`
    case 'progress':
      return `${event.address}: ${event.message}`
    case 'done':
      return `${event.address}: ${event.action} done in ${Math.round(event.ms)} ms`
    case 'skipped':
      return `${event.address}: skipped, ${event.because}`
    case 'failed':
    case 'left-open':
      return `${event.address}: ${event.error instanceof Error ? event.error.message : String(event.error)}`
  }
}
