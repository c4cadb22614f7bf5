import type { RecordedResource } from '../core/resource.ts'
import type { PlanRequest } from '../planner/request.ts'
import type { Snapshot } from '../state/store.ts'
import { closureOf, neighbourhoodOf } from './neighbourhood.ts'

type Question = Pick<PlanRequest, 'mode' | 'owner' | 'desired' | 'drivers' | 'targets' | 'excludes'>

/**
 * The part of the state that a plan of one owner is about: what it owns or declares, what that stands on, what stands
 * on it, and what its kinds look at as a whole. A service plans each of hundreds of sources; the cost of each must not
 * grow with all the others. Renewals are about everything, and who names addresses may name anybody's.
 */
export function concernOf(snapshot: Snapshot, question: Question): readonly RecordedResource[] {
  const { resources } = snapshot
  const { mode, owner, desired, drivers, targets, excludes } = question
  const own = resources.filter(resource => resource.owner === owner)
  if (own.length === resources.length || mode === 'renew' || targets.length + excludes.length > 0) return resources
  const around = neighbourhoodOf(snapshot)
  const declared = desired.map(({ resource }) => resource)
  const centre = [...own, ...declared].map(({ address }) => address)
  const part = new Set(closureOf(around, declared, around.above(centre), drivers))
  // In the order of the state, as a plan over all of it would have it.
  return part.size === resources.length ? resources : resources.filter(resource => part.has(resource))
}
