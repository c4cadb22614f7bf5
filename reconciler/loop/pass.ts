import {
  DiagnosticsError,
  EngineError,
  formatDiagnostics,
  type LoadedConfiguration,
  loadConfiguration,
} from '../../engine/index.ts'
import type { StoredPlan } from '../records/plan-records.ts'
import { saveSource } from '../records/source-records.ts'
import type { Repository } from '../sources/repository.ts'
import { type Outcome, ownerOf, type Source } from '../sources/source.ts'
import { approvedPlan } from './approved-plan.ts'
import { outcomeOf } from './outcome.ts'
import { planAndApply } from './plan-and-apply.ts'
import type { LoopPorts } from './ports.ts'
import { beginRun, type RunLog, type Trigger } from './runs.ts'

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
  /** Absent where there was nothing to look at. */
  readonly runId?: string
}

/**
 * One pass: fetch → verify → load → plan → safety → apply. Every step may be cut short by a crash; the next pass begins
 * again at the top and finds what was done, because applying is idempotent. Without a head there is only an error to
 * throw; what fails later is the outcome.
 */
export async function pass(ports: LoopPorts, source: Source, request: PassRequest): Promise<PassResult> {
  const { spec } = source
  const { head, repository } = await traced(ports, 'fetch', source, async () => {
    const opened = await ports.repositoryOf(source)
    return { ...(await opened.fetch(spec.branch, [], request.signal)), repository: opened }
  })
  const approved = await approvedPlan(ports, source)
  if (!request.force && head === source.appliedCommit && !approved) {
    const outcome: Outcome = { type: 'ready', reason: 'NoChange', message: `at ${short(head)}` }
    return { outcome, observedCommit: head }
  }
  const run = await beginRun(ports, source, request.trigger, head)
  const outcome = await runOver(ports, source, { repository, head, approved, run, signal: request.signal }).catch(
    error => outcomeOf(error, { now: ports.clock.now(), failures: source.failures, random: ports.random }),
  )
  await run.end(outcome)
  const applied = outcome.type === 'ready' ? { appliedCommit: head } : {}
  return { outcome, observedCommit: head, runId: run.id, ...applied }
}

interface Subject {
  readonly repository: Repository
  readonly head: string
  readonly approved: StoredPlan | undefined
  readonly run: RunLog
  readonly signal: AbortSignal
}

async function runOver(ports: LoopPorts, source: Source, subject: Subject): Promise<Outcome> {
  const { repository, head, run } = subject
  const observed = await saveSource(ports, source, { observedCommit: head }, ownerOf(source))
  const below = await lastApplied(repository, source, head, run)
  await run.phase('verify')
  await traced(ports, 'verify', source, async () => (await ports.signaturesOf(source))?.check(repository, below, head))
  await run.phase('load')
  const configuration = await traced(ports, 'load', source, () => load(repository, source, head, run))
  return planAndApply(ports, observed, configuration, subject)
}

/** Every phase is a span, where tracing and the tests of crashes look in. */
function traced<T>({ trace }: LoopPorts, phase: string, { spec }: Source, work: () => Promise<T>): Promise<T> {
  return trace.span(`reconcile.${phase}`, { source: spec.name }, work)
}

const short = (commit: string) => commit.slice(0, 12)

/** After a force-push the whole new history has to be signed, not only what lies above the last applied commit. */
async function lastApplied(
  repository: Repository,
  { appliedCommit, spec }: Source,
  head: string,
  run: RunLog,
): Promise<string | undefined> {
  if (appliedCommit === undefined || (await repository.isAncestor(appliedCommit, head))) return appliedCommit
  run.line(`${spec.branch} was force-pushed: ${short(appliedCommit)} is no longer below ${short(head)}`)
  return undefined
}

async function load(repository: Repository, { spec }: Source, head: string, run: RunLog): Promise<LoadedConfiguration> {
  const { configuration, diagnostics } = await loadConfiguration(spec.paths, repository.filesAt(head))
  for (const line of (await formatDiagnostics(diagnostics, 'text')).split('\n')) if (line !== '') run.line(line)
  if (!configuration) throw new DiagnosticsError(diagnostics)
  if (configuration.resources.length > 0) return configuration
  // Deleting everything is done by saying so (`trustform destroy`), never by an empty folder.
  throw new EngineError('input_empty', `${spec.paths.join(', ')} at ${short(head)} declares nothing`, {
    remedy: 'restore the manifests, or correct paths; nothing was deleted',
  })
}
