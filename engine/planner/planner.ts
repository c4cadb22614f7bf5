import type { Address } from '../core/address.ts'
import { EngineError } from '../core/errors.ts'
import { dependentsOf, topologicalOrder } from '../core/graph.ts'
import type { Driver } from '../kinds/driver.ts'
import { type Decision, decideDeclared, decideRenewal, decideUndeclared } from './decide.ts'
import { foresee } from './foresee.ts'
import { operationsOf } from './operations.ts'
import type { Change, Drift, Plan, PlanDocument, PlanSummary } from './plan.ts'
import { preflight } from './preflight.ts'
import { renames } from './renames.ts'
import type { DesiredInput, PlanRequest } from './request.ts'
import { refuse, refuseMass } from './safety.ts'
import { assertKnown, select } from './selection.ts'
import { type DecidedSubject, type PlanWorld, worldOf } from './world.ts'

/** The plan: a pure function of its request. Throws `reference_cycle`, `not_found` for an address that nobody knows. */
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
  assertKnown(dependencies, [...request.force])
  const { selected, partial } = select(togetherWith(dependencies, world), request.targets, request.excludes)

  const decided: Change[] = []
  const left: Address[] = []
  for (const address of ordered.order) {
    const subject = world.subjects.get(address)
    if (!subject || !selected.has(address)) continue
    const decision = decide(subject, inputs.get(address), world, request, dependencies.get(address) ?? [])
    if (!decision) continue
    const { left: isLeft, ...change } = decision
    if (isLeft) left.push(address)
    subject.planned = { action: change.action, reason: change.reason }
    decided.push(change)
  }
  if (request.alone !== undefined) foresee(ordered.order, dependencies, world, request)
  const changes = withMassRefusal(asTheyRun(decided), request)

  const document: PlanDocument = {
    formatVersion: '1.0',
    lineage: request.lineage,
    serial: request.serial,
    configDigest: request.configDigest,
    createdAt: request.now.toISOString(),
    owner: request.owner,
    partial: partial || request.alone !== undefined,
    offline: request.offline,
    summary: summarize(changes),
    changes,
    drift: driftOf(world, selected),
    preflight: [...preflight(changes, world, inputs, dependencies, request), ...renames(changes, world)],
  }
  return {
    mode: request.mode,
    document,
    ...(left.length > 0 && { left }),
    ...operationsOf(changes, world, inputs, dependencies, request),
  }
}

/** What has to be done with what: a resource comes with what it stands on, and goes with what stands on it. */
function togetherWith(
  dependencies: ReadonlyMap<Address, readonly Address[]>,
  world: PlanWorld,
): ReadonlyMap<Address, readonly Address[]> {
  const dependents = dependentsOf(dependencies)
  return new Map(
    [...dependencies].map(([address, targets]) => [
      address,
      world.subjects.get(address)?.going ? (dependents.get(address) ?? []) : targets,
    ]),
  )
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
    const edges = input
      ? [
          ...input.resource.references.flatMap(reference => world.addressOf(reference) ?? []),
          ...(driverOf(request, subject.kind).requires?.(subject, world) ?? []),
        ]
      : recordedOn(subject, world, request)
    graph.set(subject.address, edges.length < 2 ? edges : [...new Set(edges)])
  }
  return graph
}

/** What its kind chose by itself may go, as long as what stays serves it as well. */
function recordedOn(subject: DecidedSubject, world: PlanWorld, request: PlanRequest): readonly Address[] {
  const { dependsOn = [] } = subject.recorded ?? {}
  const { requires, surveys = [], check } = driverOf(request, subject.kind)
  const goes = (target: Address) => {
    const found = world.subjects.get(target)
    return found?.going && surveys.includes(found.kind)
  }
  if (!requires || !dependsOn.some(goes)) return dependsOn
  const instead = requires(subject, world)
  if (instead.length === 0 || check?.(subject, world).some(({ level }) => level === 'error')) return dependsOn
  return [...dependsOn.filter(target => !goes(target)), ...instead]
}

function decide(
  subject: DecidedSubject,
  input: DesiredInput | undefined,
  world: PlanWorld,
  request: PlanRequest,
  dependencies: readonly Address[],
): (Change & Pick<Decision, 'left'>) | undefined {
  const { address, kind, name, recorded } = subject
  const driver = driverOf(request, kind)
  const base = { address, kind, name, dependsOn: dependencies.filter(target => world.subjects.has(target)) }
  const decision =
    request.mode === 'renew'
      ? recorded && decideRenewal({ ...subject, recorded, diffs: [] }, driver, world, request)
      : input
        ? decideDeclared(subject, input, driver, world, request)
        : decideUndeclared(subject, driver, request)
  if (!decision) return undefined
  const blocked = refuse({
    address,
    action: decision.action,
    driver,
    recorded,
    desired: input?.resource.lifecycle,
    owner: request.owner,
    adopt: request.adopt || request.mode === 'renew',
    allow: request.allow,
  })
  return { ...base, ...decision, ...(blocked && { blocked }) }
}

/** Dependencies come first, and go last. */
function asTheyRun(changes: readonly Change[]): readonly Change[] {
  const goes = ({ action }: Change) => action === 'delete'
  return [...changes.filter(change => !goes(change)), ...changes.filter(goes).toReversed()]
}

function withMassRefusal(changes: readonly Change[], request: PlanRequest): readonly Change[] {
  // One resource at a time: each has its own guard.
  if (request.alone !== undefined) return changes
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

function driverOf(request: PlanRequest, kind: string): Driver {
  const driver = request.drivers.get(kind)
  if (!driver) throw new EngineError('kind_unknown', `no driver for kind "${kind}"`, { remedy: 'update trustform' })
  return driver
}
