import { told } from '../../engine/index.ts'
import { saveSource } from '../records/source-records.ts'
import type { Repository } from '../sources/repository.ts'
import { type DriftNote, type Outcome, ownerOf, type Source } from '../sources/source.ts'
import { type BranchPlans, branchPlans } from './branch-plans.ts'
import { conditionsAfter, transitions } from './conditions.ts'
import { configurationAt } from './configuration.ts'
import { forcePushInWords, historyBelow } from './history.ts'
import { bugOf, outcomeOf } from './outcome.ts'
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
  /** Whether it says something of the source that its record does not say. */
  readonly isNews?: boolean
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
  return ports.turn(() => passOver(ports, source, { ...request, repository, head }))
}

interface Fetched extends PassRequest {
  readonly repository: Repository
  readonly head: string
}

async function passOver(ports: LoopPorts, source: Source, request: Fetched): Promise<PassResult> {
  const { repository, head, force, signal } = request
  const plans = await branchPlans(ports, source)
  if (!force && head === source.appliedCommit && plans.approved.length === 0) {
    const outcome: Outcome = { type: 'ready', reason: 'NoChange', message: `at ${short(head)}` }
    return { outcome, observedCommit: head }
  }
  const run = await beginRun(ports, source, request.trigger, head)
  let drift: readonly DriftNote[] | undefined
  const saw = (notes: readonly DriftNote[]) => {
    drift = notes
  }
  let forcedFrom: string | undefined
  const rewritten = (from: string) => {
    forcedFrom = from
  }
  const reached = await runOver(ports, source, { repository, head, plans, run, signal, saw, rewritten }).catch(
    error => {
      const bug = bugOf(error)
      if (bug) ports.log.warn('a pass failed by a bug', { source: source.spec.name, run: run.id, ...bug })
      const failed = outcomeOf(error, { now: ports.clock.now(), failures: source.failures, random: ports.random })
      return drift ? { ...failed, drift } : failed
    },
  )
  const outcome = forcedFrom === undefined ? reached : beside(reached, forcePushInWords(source, forcedFrom, head))
  const changed = transitions(source.conditions, conditionsAfter(source.conditions, outcome, ports.clock.now()))
  const isNews = changed.length > 0 || head !== source.reportedCommit
  await run.end(outcome, isNews)
  const applied = outcome.type === 'ready' ? { appliedCommit: head } : {}
  return { outcome, observedCommit: head, runId: run.id, isNews, ...applied }
}

interface Subject {
  readonly repository: Repository
  readonly head: string
  readonly plans: BranchPlans
  readonly run: RunLog
  readonly signal: AbortSignal
  readonly saw: (drift: readonly DriftNote[]) => void
  /** Called with the commit seen before when the branch no longer holds it. */
  readonly rewritten: (from: string) => void
}

const beside = (outcome: Outcome, words: string): Outcome => ({ ...outcome, message: `${outcome.message}; ${words}` })

async function runOver(ports: LoopPorts, source: Source, subject: Subject): Promise<Outcome> {
  const { repository, head, run } = subject
  const { applied, forcedFrom: from } = await historyBelow(repository, source, head, run)
  const observed = await saveSource(ports, source, { observedCommit: head }, ownerOf(source), at => {
    if (from === undefined) return []
    const data = { name: source.spec.name, branch: source.spec.branch, from, to: head }
    return [told('source.force_pushed', { at, actor: ownerOf(source), subject: source.id, data })]
  })
  if (from !== undefined) subject.rewritten(from)
  await run.phase('verify')
  await traced(ports, 'verify', source, async () =>
    (await ports.signaturesOf(source))?.check(repository, applied, head),
  )
  await run.phase('load')
  const configuration = await traced(ports, 'load', source, () => configurationAt(repository, source, head, run.line))
  return planAndApply(ports, observed, configuration, subject)
}

/** Every phase is a span, where tracing and the tests of crashes look in. */
function traced<T>({ trace }: LoopPorts, phase: string, { spec }: Source, work: () => Promise<T>): Promise<T> {
  return trace.span(`reconcile.${phase}`, { source: spec.name }, work)
}

const short = (commit: string) => commit.slice(0, 12)
