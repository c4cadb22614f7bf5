import type { Address } from '../core/address.ts'
import { dependentsOf, reachable } from '../core/graph.ts'
import type { PlanRequest } from './request.ts'
import type { PlanWorld } from './world.ts'

/**
 * What others will ask for once a plan about one resource has made it anew: they are not acted upon, but how many
 * there are is told.
 */
export function foresee(
  order: readonly Address[],
  dependencies: ReadonlyMap<Address, readonly Address[]>,
  world: PlanWorld,
  { drivers }: Pick<PlanRequest, 'drivers'>,
): void {
  const isNew = (action: string | undefined) => action === 'replace' || action === 'create'
  const anew = order.filter(address => isNew(world.subjects.get(address)?.planned?.action))
  const pulled = reachable(dependentsOf(dependencies), anew)
  for (const address of order) {
    const subject = world.subjects.get(address)
    if (!subject?.recorded || subject.planned || subject.going || !pulled.has(address)) continue
    const { recorded } = subject
    const verdict = drivers.get(subject.kind)?.decide?.({ ...subject, recorded, diffs: [] }, world)
    if (verdict?.reason === 'dependency') subject.planned = { action: verdict.action, reason: verdict.reason }
  }
}
