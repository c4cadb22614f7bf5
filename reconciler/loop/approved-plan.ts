import { openPlans, type StoredPlan } from '../records/plan-records.ts'
import type { Source } from '../sources/source.ts'
import type { LoopPorts } from './ports.ts'

/** The newest approved plan of the branch; one of a pull request counts once the forge says that it was merged. */
export async function approvedPlan(ports: LoopPorts, source: Source): Promise<StoredPlan | undefined> {
  for (const plan of await openPlans(ports.store, source)) {
    const { state, pullRequest } = plan
    if (state !== 'approved') continue
    if (pullRequest === undefined) return plan
    const merged = await (await ports.forgeOf(source))?.pullRequest(pullRequest)
    if (merged?.state === 'merged') return plan
  }
  return undefined
}
