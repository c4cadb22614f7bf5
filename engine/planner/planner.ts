import type { Address } from '../core/address.ts'
import { EngineError } from '../core/errors.ts'
import { dependentsOf, topologicalOrder } from '../core/graph.ts'
import type { Driver, Subject } from '../kinds/driver.ts'
import { decideDeclared, decideRenewal } from './decide.ts'
import { diffAgainstNothing } from './diff.ts'
import type { Change, Drift, Plan, PlanDocument, PlannedOperation, PlanSummary } from './plan.ts'
import { preflight } from './preflight.ts'
import type { DesiredInput, PlanRequest } from './request.ts'
import { refuse, refuseMass } from './safety.ts'
import { select } from './selection.ts'
import { type DecidedSubject, type PlanWorld, worldOf } from './world.ts'

/** The plan: a pure function of its request. Throws `reference_cycle`, `not_found` for an unknown target. */
export function plan(request: PlanRequest): Plan {
  const world = worldOf(request)
  const inputs = new Map(request.desired.map(input => [input.resource.address, input]))
  const dependencies = dependencyGraph(world, inputs, request)
  const ordered = topologicalOrder(dependencies)
  if ('cycle' in ordered) {
    throw new EngineError('reference_cycle', `these resources depend on each other: ${ordered.cycle.join(' -> ')}`, {
      remedy: 'remove one of these references',
    })
  }
  const { selected, partial } = select(dependencies, request.targets, request.excludes)

  const decided: Change[] = []
  for (const address of ordered.order) {
    const subject = world.subjects.get(address)
    if (!subject || !selected.has(address)) continue
    const change = decide(subject, inputs.get(address), world, request, dependencies.get(address) ?? [])
    if (!change) continue
    subject.planned = { action: change.action, reason: change.reason }
    decided.push(change)
  }
  const changes = withMassRefusal(decided, request)

  const document: PlanDocument = {
    formatVersion: '1.0',
    lineage: request.lineage,
    serial: request.serial,
    configDigest: request.configDigest,
    createdAt: request.now.toISOString(),
    owner: request.owner,
    partial,
    offline: request.offline,
    summary: summarize(changes),
    changes,
    drift: driftOf(world, selected),
    preflight: preflight(changes, world, inputs, dependentsOf(dependencies), request),
  }
  return { document, ...operationsOf(changes, world, inputs, dependencies) }
}

/** What each resource stands on: its references, what its kind requires, and what it was recorded on. */
function dependencyGraph(
  world: PlanWorld,
  inputs: ReadonlyMap<Address, DesiredInput>,
  request: PlanRequest,
): Map<Address, readonly Address[]> {
  const graph = new Map<Address, readonly Address[]>()
  for (const subject of world.subjects.values()) {
    const input = inputs.get(subject.address)
    const fromReferences = input?.resource.references.flatMap(reference => world.addressOf(reference) ?? [])
    const required = driverOf(request, subject.kind).requires?.(subject, world) ?? []
    const edges = fromReferences ? [...fromReferences, ...required] : (subject.recorded?.dependsOn ?? [])
    graph.set(subject.address, [...new Set(edges)])
  }
  return graph
}

function decide(
  subject: DecidedSubject,
  input: DesiredInput | undefined,
  world: PlanWorld,
  request: PlanRequest,
  dependencies: readonly Address[],
): Change | undefined {
  const { address, kind, name, recorded } = subject
  const driver = driverOf(request, kind)
  const base = { address, kind, name, dependsOn: dependencies.filter(target => world.subjects.has(target)) }
  const decision =
    request.mode === 'renew'
      ? recorded && decideRenewal({ ...subject, recorded, diffs: [] }, driver, world, request.force.has(address))
      : input
        ? decideDeclared(subject, input, driver, world, request)
        : decideUndeclared(subject, request)
  if (!decision) return undefined
  const question = { ...request, address, action: decision.action, driver, recorded }
  const blocked = refuse(question)
  return { ...base, ...decision, ...(blocked && { blocked }) }
}

/** An orphan: recorded for this owner and no longer declared. Others' resources are left alone. */
function decideUndeclared(subject: DecidedSubject, request: PlanRequest) {
  const { recorded } = subject
  if (!recorded || recorded.owner !== request.owner) return undefined
  const fields = request.fields(subject.kind, recorded.spec)
  const fate = {
    retain: 'its certificates and keys stay in the inventory',
    revoke: 'its certificates are revoked, its keys stay',
    destroy: 'its certificates are revoked and its keys destroyed',
  }[recorded.lifecycle.onDelete ?? 'retain']
  const why = request.mode === 'destroy' ? 'destroy was asked for' : 'no longer declared'
  return {
    action: 'delete' as const,
    reason: request.mode === 'destroy' ? ('config' as const) : ('orphan' as const),
    because: `${why}; ${fate}`,
    diffs: diffAgainstNothing(recorded.spec, fields, 'before'),
  }
}

function withMassRefusal(changes: readonly Change[], request: PlanRequest): readonly Change[] {
  const owned = request.recorded.filter(resource => resource.owner === request.owner).length
  const blocked = refuseMass(changes, owned, request.allow)
  if (!blocked) return changes
  return changes.map(change =>
    change.blocked || (change.action !== 'delete' && change.action !== 'replace') ? change : { ...change, blocked },
  )
}

function summarize(changes: readonly Change[]): PlanSummary {
  const count = (action: string) => changes.filter(change => change.action === action).length
  return {
    create: count('create'),
    update: count('update'),
    replace: count('replace'),
    delete: count('delete'),
    renew: count('renew'),
    reissue: count('reissue'),
    forget: count('forget'),
    import: count('import'),
    noop: count('no-op'),
    blocked: changes.filter(change => change.blocked).length,
  }
}

function driftOf(world: PlanWorld, selected: ReadonlySet<Address>): Drift[] {
  return [...world.subjects.values()]
    .filter(subject => selected.has(subject.address) && (subject.live?.drift.length ?? 0) > 0)
    .map(subject => ({ address: subject.address, diffs: subject.live?.drift ?? [] }))
}

/** The concrete graph that the executor runs. Deletions go in the reverse order of what they stood on. */
function operationsOf(
  changes: readonly Change[],
  world: PlanWorld,
  inputs: ReadonlyMap<Address, DesiredInput>,
  dependencies: ReadonlyMap<Address, readonly Address[]>,
): Pick<Plan, 'operations' | 'revisions'> {
  const acting = new Map(changes.filter(change => change.action !== 'no-op').map(change => [change.address, change]))
  const dependents = dependentsOf(dependencies)
  const revisions: Record<Address, number> = {}
  const operations: PlannedOperation[] = []
  for (const change of acting.values()) {
    if (change.action === 'no-op') continue
    const subject = world.subjects.get(change.address) as Subject // every change comes from a subject
    const { recorded } = subject
    const input = inputs.get(change.address)
    const before = change.action === 'delete' ? (dependents.get(change.address) ?? []) : change.dependsOn
    operations.push({
      address: change.address,
      kind: change.kind,
      name: change.name,
      action: change.action,
      reason: change.reason,
      spec: subject.spec,
      secrets: input?.resource.secrets ?? [],
      file: input?.resource.file ?? '',
      labels: input?.resource.labels ?? recorded?.labels ?? {},
      lifecycle: input?.resource.lifecycle ?? recorded?.lifecycle ?? {},
      dependsOn: change.dependsOn,
      after: before.filter(address => acting.has(address)),
      expectedRevision: recorded?.revision ?? null,
    })
    for (const address of [change.address, ...change.dependsOn]) {
      const revision = world.subjects.get(address)?.recorded?.revision
      if (revision !== undefined) revisions[address] = revision
    }
  }
  return { operations, revisions }
}

function driverOf(request: PlanRequest, kind: string): Driver {
  const driver = request.drivers.get(kind)
  if (!driver) throw new EngineError('kind_unknown', `no driver for kind "${kind}"`, { remedy: 'update trustform' })
  return driver
}
