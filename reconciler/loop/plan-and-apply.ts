import {
  type Address,
  DiagnosticsError,
  type Engine,
  EngineError,
  hasChanges,
  type LoadedConfiguration,
  type MadePlan,
  type PlanDocument,
} from '../../engine/index.ts'
import { planDigest, recordPlan, type StoredPlan, settlePlan } from '../records/plan-records.ts'
import { type Outcome, ownerOf, type Source } from '../sources/source.ts'
import type { LoopPorts } from './ports.ts'
import { failuresOf, lineOf } from './run-lines.ts'
import type { RunLog } from './runs.ts'

export interface ApplyContext {
  readonly head: string
  readonly approved: StoredPlan | undefined
  readonly run: RunLog
  readonly signal: AbortSignal
}

/**
 * Plans under the state's lease and applies what may be applied by itself or was approved; otherwise the plan is
 * recorded for people to decide on. Throws what stands in the way.
 */
export async function planAndApply(
  ports: LoopPorts,
  source: Source,
  configuration: LoadedConfiguration,
  { head, approved, run, signal }: ApplyContext,
): Promise<Outcome> {
  const { spec } = source
  const owner = ownerOf(source)
  const at = head.slice(0, 12)
  const engine = await ports.engineOf(source)
  return engine.locked(`reconcile ${spec.name}`, { waitMs: 60_000, signal }, async locked => {
    await run.phase('plan')
    const { made, drifted, allowed } = await ports.trace.span('reconcile.plan', { source: spec.name }, () =>
      decide(engine, source, configuration, approved, signal),
    )
    const { document } = made.plan
    await run.phase('plan', { summary: { ...document.summary } })
    if (hasChanges(document)) {
      refusePreflight(document)
      refuseConflict(document)
      if (!allowed) {
        // What was approved is another plan than what would be done by now.
        if (approved?.pullRequest !== undefined) await settlePlan(ports, approved, 'superseded', owner)
        return awaiting(document, await recordPlan(ports, source, { commit: head, document }, owner), source)
      }
      await run.phase('apply')
      const result = await ports.trace.span('reconcile.apply', { source: spec.name }, () =>
        locked.apply(made.plan, made.snapshot, {
          drain: signal,
          onEvent: event => run.line(lineOf(event)),
          cause: { run: run.id, commit: head },
        }),
      )
      if (result.failed.length > 0) throw failuresOf(result.failed)
      if (result.interrupted) {
        throw new EngineError('interrupted', 'the service is stopping', { remedy: 'it goes on after its start' })
      }
      if (approved) await settlePlan(ports, approved, 'applied', owner)
      const message = `applied ${result.done.length} ${result.done.length === 1 ? 'change' : 'changes'} at ${at}`
      return { type: 'ready', reason: 'Applied', message, drifted }
    }
    if (approved) await settlePlan(ports, approved, 'superseded', owner)
    return { type: 'ready', reason: 'Applied', message: `nothing to do at ${at}`, drifted }
  })
}

interface Decision {
  readonly made: MadePlan
  readonly drifted: boolean
  readonly allowed: boolean
}

/** Plans, and tells whether it may be applied: by itself, or because exactly this was approved. */
async function decide(
  engine: Engine,
  source: Source,
  configuration: LoadedConfiguration,
  approved: StoredPlan | undefined,
  signal: AbortSignal,
): Promise<Decision> {
  const { adopt } = source.spec
  const whole = await engine.plan({ configuration, adopt, signal })
  // What is left out of a plan has no drift in it either, so that is read off the whole one.
  const drifted = whole.plan.document.drift.length > 0
  const options = { configuration, adopt, signal, excludes: unhealedDrift(source, whole.plan.document) }
  const made = options.excludes.length === 0 ? whole : await engine.plan(options)
  const needsWord = made.plan.document.summary.blocked > 0
  if (!approved || planDigest(made.plan.document) !== approved.digest) {
    return { made, drifted, allowed: source.spec.autoApply && !needsWord }
  }
  if (!needsWord) return { made, drifted, allowed: true }
  const allow = made.plan.document.changes
    .filter(change => change.blocked?.code === 'plan_blocked')
    .map(each => each.address)
  const again = await engine.plan({ ...options, allow })
  const same = planDigest(again.plan.document) === approved.digest
  return { made: again, drifted, allowed: same && again.plan.document.summary.blocked === 0 }
}

/** Where drift is only to be told, changes that only it asks for stay undone. */
function unhealedDrift({ spec }: Source, { changes }: PlanDocument): readonly Address[] {
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

/** No approval decides who owns a resource: that is said in one of the two configurations. */
function refuseConflict({ changes }: PlanDocument): void {
  const claimed = changes.filter(({ blocked }) => blocked?.code === 'owned_by')
  if (claimed.length === 0) return
  const remedy = 'remove it from one of the two configurations, or set adopt: true on this source'
  throw new DiagnosticsError(
    claimed.map(({ address, blocked }) => ({
      ...{ severity: 'error', code: 'owned_by', address, remedy },
      message: blocked?.message ?? 'another owns it',
    })),
  )
}

function awaiting({ changes, summary }: PlanDocument, plan: StoredPlan, { spec }: Source): Outcome {
  const why = changes.find(change => change.blocked)?.blocked?.message
  const count = changes.filter(({ action }) => action !== 'no-op').length
  const what = why ?? `${count} ${count === 1 ? 'change waits' : 'changes wait'} for approval`
  const message = `${what}; approve plan ${plan.id} of ${spec.name} or change the configuration`
  return { type: 'stalled', reason: summary.blocked > 0 ? 'Blocked' : 'AwaitingApproval', message }
}
