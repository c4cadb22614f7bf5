import {
  DiagnosticsError,
  type Engine,
  EngineError,
  hasChanges,
  type LoadedConfiguration,
  type MadePlan,
  type PlanDocument,
} from '../../engine/index.ts'
import { planDocument } from '../records/plan-documents.ts'
import { actOf, planDigest, recordPlan, type StoredPlan, settlePlans } from '../records/plan-records.ts'
import { type DriftNote, type Outcome, ownerOf, type Source } from '../sources/source.ts'
import type { BranchPlans } from './branch-plans.ts'
import { planning } from './configuration.ts'
import { driftInWords, driftNotes } from './drift-notes.ts'
import type { LoopPorts } from './ports.ts'
import { failuresOf, lineOf } from './run-lines.ts'
import type { RunLog } from './runs.ts'

export interface ApplyContext {
  readonly head: string
  readonly plans: BranchPlans
  readonly run: RunLog
  readonly signal: AbortSignal
  /** Called with what was found changed outside, also where the rest fails. */
  readonly saw: (drift: readonly DriftNote[]) => void
}

/**
 * Plans under the state's lease and applies what may be applied by itself or was approved; otherwise the plan is
 * recorded for people to decide on. Throws what stands in the way.
 */
export async function planAndApply(
  ports: LoopPorts,
  source: Source,
  configuration: LoadedConfiguration,
  { head, plans, run, signal, saw }: ApplyContext,
): Promise<Outcome> {
  const { spec } = source
  const owner = ownerOf(source)
  const at = head.slice(0, 12)
  const engine = await ports.engineOf(source)
  return engine.locked(`reconcile ${spec.name}`, { waitMs: 60_000, signal }, async locked => {
    await run.phase('plan')
    const { made, allowed } = await ports.trace.span('reconcile.plan', { source: spec.name }, () =>
      decide(ports, engine, source, configuration, plans, signal),
    )
    const { document } = made.plan
    const drift = driftNotes(document)
    saw(drift)
    if (drift.length > 0) run.line(`drift: ${driftInWords(drift)}`)
    await run.phase('plan', { summary: { ...document.summary } })
    const apply = () =>
      locked.apply(made.plan, made.snapshot, {
        drain: signal,
        onEvent: event => run.line(lineOf(event)),
        cause: { run: run.id, commit: head },
      })
    if (hasChanges(document)) {
      refusePreflight(document)
      refuseConflict(document)
      if (!allowed) {
        if (plans.unanswered !== undefined) throw plans.unanswered
        // What was approved for pull requests is not what would be done by now.
        const merged = plans.approved.filter(({ pullRequest }) => pullRequest !== undefined)
        await settlePlans(ports, merged, 'superseded', owner)
        return awaiting(document, await recordPlan(ports, source, { commit: head, document }, owner), source)
      }
      await run.phase('apply')
      const result = await ports.trace.span('reconcile.apply', { source: spec.name }, apply)
      if (result.failed.length > 0) throw failuresOf(result.failed)
      if (result.interrupted) {
        throw new EngineError('interrupted', 'the service is stopping', { remedy: 'it goes on after its start' })
      }
      await settlePlans(ports, plans.approved, 'applied', owner)
      await settlePlans(ports, plans.pending, 'superseded', owner)
      const message = `applied ${result.done.length} ${result.done.length === 1 ? 'change' : 'changes'} at ${at}`
      const [healed, left] = [true, false].map(mended =>
        drift.filter(({ address }) => result.done.some(done => done === address) === mended),
      )
      return { type: 'ready', reason: 'Applied', message, drift: left ?? [], healed: healed ?? [] }
    }
    await settlePlans(ports, [...plans.approved, ...plans.pending], 'superseded', owner)
    // A run that was killed after it had recorded its outcome left its TXT records; nobody else removes them.
    if (await leftOpen(ports, source, document)) await ports.trace.span('reconcile.tidy', { source: spec.name }, apply)
    return { type: 'ready', reason: 'Applied', message: `nothing to do at ${at}`, drift }
  })
}

/** Whether an interrupted run may have left something outside; what preflight refuses is not touched. */
async function leftOpen({ store }: LoopPorts, { tenant }: Source, { preflight }: PlanDocument): Promise<boolean> {
  if (preflight.some(({ level }) => level === 'error')) return false
  return (await store.operations(tenant)).length > 0
}

interface Decision {
  readonly made: MadePlan
  readonly allowed: boolean
}

/**
 * Plans, and tells whether it may be applied. What is dangerous happens only as it was approved, change by change: what
 * a crash left of an approved plan is still approved, and so are two plans that were merged together.
 */
async function decide(
  { store }: LoopPorts,
  engine: Engine,
  source: Source,
  configuration: LoadedConfiguration,
  { approved }: BranchPlans,
  signal: AbortSignal,
): Promise<Decision> {
  const options = { configuration, signal, ...planning(source) }
  const made = await engine.plan(options)
  const changing = made.plan.document.changes.filter(({ action }) => action !== 'no-op')
  const held = changing.filter(({ blocked }) => blocked !== undefined)
  const mustBeApproved = source.spec.autoApply ? held : changing
  const acts = new Set<string>()
  if (mustBeApproved.length > 0) {
    for (const plan of approved) for (const change of (await planDocument(store, plan)).changes) acts.add(actOf(change))
  }
  if (!mustBeApproved.every(change => acts.has(actOf(change)))) return { made, allowed: false }
  if (held.length === 0) return { made, allowed: true }
  const again = await engine.plan({ ...options, allow: held.map(({ address }) => address) })
  const same = planDigest(again.plan.document) === planDigest(made.plan.document)
  return { made: again, allowed: same && again.plan.document.summary.blocked === 0 }
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
  const { discarded } = plan
  if (plan.state === 'discarded' && discarded) {
    const message = `plan ${plan.id} of ${spec.name} was discarded by ${discarded.by}; push another commit, or approve it after all`
    return { type: 'stalled', reason: 'Discarded', message }
  }
  const why = changes.find(change => change.blocked)?.blocked?.message
  const count = changes.filter(({ action }) => action !== 'no-op').length
  const what = why ?? `${count} ${count === 1 ? 'change waits' : 'changes wait'} for approval`
  const message = `${what}; approve plan ${plan.id} of ${spec.name} or change the configuration`
  return { type: 'stalled', reason: summary.blocked > 0 ? 'Blocked' : 'AwaitingApproval', message }
}
