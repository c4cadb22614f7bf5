import type { RecordedResource } from '../core/resource.ts'
import type { Driver, RecordedSubject, Subject, Verdict } from '../kinds/driver.ts'
import { diffAgainstNothing, diffMetadata, diffSpecs, diffUnknown, type SpecDiff } from './diff.ts'
import type { Change } from './plan.ts'
import type { DesiredInput, PlanRequest } from './request.ts'
import type { PlanWorld } from './world.ts'

export interface Decision extends Pick<Change, 'action' | 'reason' | 'diffs' | 'because'> {
  /** The kind asks for more, and that is left to somebody else. */
  readonly left?: true
}

/** The stronger action wins where fields, time and dependencies ask for different ones. */
const strength: Readonly<Record<string, number>> = { update: 1, renew: 2, reissue: 3, create: 4, replace: 5 }

/** What happens to a declared resource. */
export function decideDeclared(
  subject: Subject,
  input: DesiredInput,
  driver: Driver,
  world: PlanWorld,
  request: PlanRequest,
): Decision {
  const { recorded } = subject
  const facts = request.fields(subject.kind, subject.spec)
  const open = diffUnknown(recorded?.spec ?? {}, input.unknown ?? [], facts)
  if (!recorded) {
    const diffs = [...diffAgainstNothing(subject.spec, facts, 'after'), ...open.map(withoutForce)]
    return { action: 'create', reason: 'config', diffs }
  }
  const diffs = [...diffSpecs(recorded.spec, subject.spec, facts), ...diffMetadata(recorded, input.resource), ...open]
  const takenOver = recorded.owner !== request.owner ? ownerDiff(recorded.owner, request.owner) : undefined
  if (takenOver) diffs.push(takenOver)

  const byFields = strongest(diffs)
  const judged: RecordedSubject = { ...subject, recorded, diffs: diffs.map(withoutForce) }
  const { verdict, left } = verdictOf(judged, driver, world, request)
  const verdictWins = verdict && (!byFields || (strength[verdict.action] ?? 0) > (strength[byFields] ?? 0))
  const asDeclared: Verdict | undefined = verdictWins
    ? verdict
    : byFields && { action: byFields, reason: 'config', because: becauseOf(diffs, byFields) }
  const isAsked = request.anew === subject.address && !makesAnother(asDeclared)
  const chosen: Verdict | undefined = isAsked
    ? { action: 'replace', reason: 'config', because: 'asked for by name' }
    : asDeclared
  if (!chosen) return { action: 'no-op', reason: 'config', diffs: [], ...left }
  const because =
    chosen.action === 'replace' ? `${chosen.because}${fateOf(recorded, driver, '; of the old one, ')}` : chosen.because
  return { action: chosen.action, reason: chosen.reason, because, diffs: judged.diffs }
}

function makesAnother(verdict: Verdict | undefined): boolean {
  return verdict?.action === 'replace' || verdict?.action === 'create'
}

/** An orphan: recorded for this owner and no longer declared. Others' resources are left alone. */
export function decideUndeclared(subject: Subject, driver: Driver, request: PlanRequest): Decision | undefined {
  const { recorded } = subject
  if (!recorded || !subject.going) return undefined
  const asked = request.mode === 'destroy'
  return {
    action: 'delete',
    reason: asked ? 'config' : 'orphan',
    because: `${asked ? 'destroy was asked for' : 'no longer declared'}${fateOf(recorded, driver, '; ')}`,
    diffs: diffAgainstNothing(recorded.spec, request.fields(subject.kind, recorded.spec), 'before'),
  }
}

/** What becomes of certificates, keys and accounts is always in the plan's words. */
function fateOf(recorded: RecordedResource, driver: Driver, joint: string): string {
  const fate = driver.fate?.(recorded)
  return fate === undefined ? '' : `${joint}${fate}`
}

/** Renewal mode: what is recorded stays as it is, only time and issuers ask for new versions. */
export function decideRenewal(
  subject: RecordedSubject,
  driver: Driver,
  world: PlanWorld,
  request: Pick<PlanRequest, 'force' | 'hold' | 'leave'>,
): Decision {
  const nothing: Decision = { action: 'no-op', reason: 'renewal', diffs: [] }
  if (request.hold?.has(subject.address)) return { ...nothing, left: true }
  const { verdict, left } = verdictOf(subject, driver, world, request)
  if (verdict && (verdict.action === 'renew' || verdict.action === 'reissue')) return { ...verdict, diffs: [] }
  if (!request.force.has(subject.address) || !driver.renew) return { ...nothing, ...left }
  return { action: 'renew', reason: 'renewal', because: 'asked for by name', diffs: [] }
}

/** What the kind asks for, unless its reason is one that is left to somebody else. */
function verdictOf(
  subject: RecordedSubject,
  driver: Driver,
  world: PlanWorld,
  { leave }: Pick<PlanRequest, 'leave'>,
): { readonly verdict?: Verdict; readonly left?: { readonly left: true } } {
  const verdict = driver.decide?.(subject, world)
  if (!verdict) return {}
  const left = [...(leave ?? [])].some(reason => reason === verdict.reason)
  return left ? { left: { left: true } } : { verdict }
}

function strongest(diffs: readonly SpecDiff[]): SpecDiff['forces'] | undefined {
  const order = ['replace', 'reissue', 'update'] as const
  return order.find(action => diffs.some(diff => diff.forces === action))
}

function becauseOf(diffs: readonly SpecDiff[], action: SpecDiff['forces']): string {
  const fields = [...new Set(diffs.filter(diff => diff.forces === action).map(diff => fieldOf(diff.path)))]
  const shown = fields.slice(0, 3).join(', ')
  const verb = {
    replace: 'cannot change in place',
    reissue: 'changed, which needs a new certificate',
    update: 'changed',
  }[action]
  return `${shown}${fields.length > 3 ? ` and ${fields.length - 3} more` : ''} ${verb}`
}

/** As a manifest's author calls it: `/spec/domains/1` is one of the `domains`. */
function fieldOf(path: string): string {
  return path
    .replace(/^(\/spec)?\//, '')
    .replaceAll(/\/\d+(?=\/|$)/g, '')
    .replaceAll('/', '.')
}

function ownerDiff(before: string, after: string): SpecDiff {
  return { path: '/owner', before, after, sensitive: false, forcesReplacement: false, forces: 'update' }
}

function withoutForce({ forces: _forces, ...diff }: SpecDiff) {
  return diff
}
