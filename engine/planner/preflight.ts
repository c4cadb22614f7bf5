import type { Address } from '../core/address.ts'
import { dependentsOf, reachable } from '../core/graph.ts'
import type { Finding, Subject } from '../kinds/driver.ts'
import type { Change, PreflightFinding } from './plan.ts'
import type { DesiredInput, PlanRequest } from './request.ts'
import type { PlanWorld } from './world.ts'

/**
 * Everything that can be known to go wrong before apply. What concerns a resource that this plan does not touch
 * is told as a warning: it stands as it is, and must not hold up the rest. What was seen outside (credentials that no
 * longer work) stays an error where something that changes relies on it.
 */
export function preflight(
  changes: readonly Change[],
  world: PlanWorld,
  inputs: ReadonlyMap<Address, DesiredInput>,
  dependencies: ReadonlyMap<Address, readonly Address[]>,
  request: PlanRequest,
): PreflightFinding[] {
  const dependents = dependentsOf(dependencies)
  const made = changes.filter(({ action }) => action !== 'no-op' && action !== 'delete').map(({ address }) => address)
  const needed = reachable(dependencies, made)
  const unsettled = reachable(
    dependents,
    [...inputs.values()].filter(({ unknown }) => unknown).map(({ resource }) => resource.address),
  )
  const findings: PreflightFinding[] = []
  for (const change of changes) {
    const subject = world.subjects.get(change.address)
    if (!subject) continue
    const untouched = change.action === 'no-op'
    // A value that is not known yet may turn out to be right.
    const judged = change.action === 'delete' || unsettled.has(change.address) ? [] : checksOf(subject, world, request)
    const tell = (found: readonly Finding[], matters: boolean) => {
      for (const finding of found) {
        findings.push({ address: change.address, ...finding, level: matters ? finding.level : 'warning' })
      }
    }
    tell(subject.live?.findings ?? [], !untouched || needed.has(change.address))
    // A renewal is tried all the same, each certificate for itself.
    if (untouched && needed.has(change.address) && request.mode === 'apply') tell(leftDead(subject), true)
    tell([...judged, ...shape(change, subject, world, inputs, dependents)], !untouched)
    findings.push(...blastRadius(change, world, dependents))
  }
  return findings
}

function checksOf(subject: Subject, world: PlanWorld, request: PlanRequest): readonly Finding[] {
  return request.drivers.get(subject.kind)?.check?.(subject, world) ?? []
}

/** Checks that hold for every kind: references lead somewhere, nothing is deleted from under what stays. */
function shape(
  change: Change,
  subject: Subject,
  world: PlanWorld,
  inputs: ReadonlyMap<Address, DesiredInput>,
  dependents: ReadonlyMap<Address, readonly Address[]>,
): readonly Finding[] {
  const input = inputs.get(subject.address)
  const lost: Finding[] = (input?.resource.references ?? []).flatMap(reference => {
    if (world.addressOf(reference)) return []
    const name = 'name' in reference.target ? reference.target.name : reference.target.external
    return {
      check: 'reference',
      level: 'error' as const,
      code: 'reference_unknown' as const,
      message: `${reference.kind} "${name}" is neither declared nor recorded`,
      remedy: 'declare it, or correct the reference; `trustform list` shows what exists',
      pointer: reference.pointer,
    }
  })
  if (change.action !== 'delete') return lost
  const users = (dependents.get(change.address) ?? []).filter(
    address => world.subjects.get(address)?.planned?.action !== 'delete',
  )
  if (users.length === 0) return lost
  return [
    ...lost,
    {
      check: 'in-use',
      level: 'error',
      code: 'in_use',
      message: `${change.address} would be deleted while ${users.join(', ')} still needs it`,
      remedy: 'delete or re-point what uses it first',
    },
  ]
}

/** What is dead outside and stays so carries nothing new. */
function leftDead({ live }: Subject): readonly Finding[] {
  if (!live || live.exists) return []
  const [seen] = live.drift
  return [
    {
      check: 'drift',
      level: 'error',
      code: 'preflight_failed',
      message: `what changes here stands on it, and it is ${seen ? String(seen.after) : 'gone'} outside`,
      remedy: 'let it be made anew: plan with drift healed (`drift: heal` of the source), or declare another one',
    },
  ]
}

/** How much a replaced issuer pulls along. */
function blastRadius(
  change: Change,
  world: PlanWorld,
  dependents: ReadonlyMap<Address, readonly Address[]>,
): readonly PreflightFinding[] {
  if (change.action !== 'replace') return []
  const subjects = [...world.subjects.values()]
  const reissued = new Set(subjects.filter(({ planned }) => planned?.action === 'reissue').map(each => each.address))
  const pulled = new Set<Address>()
  const queue = [change.address]
  for (let address = queue.pop(); address !== undefined; address = queue.pop()) {
    for (const dependent of dependents.get(address) ?? []) {
      // A re-issued authority keeps its key, and with it what is below.
      if (!pulled.has(dependent) && !reissued.has(dependent)) queue.push(dependent)
      pulled.add(dependent)
    }
  }
  // Also those whose own fields changed: the new authority alone would be enough.
  const renewed = [...pulled].filter(address => reissued.has(address))
  if (renewed.length === 0) return []
  return [
    {
      address: change.address,
      check: 'blast-radius',
      level: 'warning',
      code: 'blast_radius',
      message: `replacing it re-issues ${renewed.length} certificate${renewed.length === 1 ? '' : 's'} below it`,
      remedy: 'make sure that whoever trusts or serves them can take the new ones',
    },
  ]
}
