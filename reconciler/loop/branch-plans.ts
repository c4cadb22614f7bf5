import { openPlans, type StoredPlan } from '../records/plan-records.ts'
import type { Source } from '../sources/source.ts'
import type { LoopPorts } from './ports.ts'

/** The open plans that a pass over the branch has to do with; newest first. */
export interface BranchPlans {
  /** What may happen: approved for the branch, or for a pull request that was merged as it was approved. */
  readonly approved: readonly StoredPlan[]
  /** Why the forge could not say whether something approved was merged. */
  readonly unanswered?: unknown
  /** Of the branch itself, undecided. */
  readonly pending: readonly StoredPlan[]
}

/**
 * Whether a pull request was merged is asked of the forge at this moment. That it does not answer is left to whoever
 * needs the approval: most of what a branch does needs none.
 */
export async function branchPlans(ports: LoopPorts, source: Source): Promise<BranchPlans> {
  const open = await openPlans(ports.store, source)
  const approved: StoredPlan[] = []
  let unanswered: unknown
  for (const plan of open) {
    if (plan.state !== 'approved') continue
    try {
      if (plan.pullRequest === undefined || (await wasMerged(ports, source, plan, plan.pullRequest)))
        approved.push(plan)
    } catch (error) {
      unanswered ??= error
    }
  }
  return {
    approved,
    ...(unanswered !== undefined && { unanswered }),
    pending: open.filter(({ state, pullRequest }) => state === 'pending' && pullRequest === undefined),
  }
}

/** Merged into this branch, with the head commit that was approved and no later one. */
async function wasMerged(ports: LoopPorts, source: Source, plan: StoredPlan, number: number): Promise<boolean> {
  const pull = await (await ports.forgeOf(source))?.pullRequest(number)
  return pull?.state === 'merged' && pull.baseBranch === source.spec.branch && pull.headCommit === plan.commit
}
