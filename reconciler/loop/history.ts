import type { Repository } from '../sources/repository.ts'
import type { Source } from '../sources/source.ts'
import type { RunLog } from './runs.ts'

/** How a head stands to what was seen and applied before. */
export interface History {
  /** The commit that was seen before, where the branch no longer holds it. */
  readonly forcedFrom?: string
  /** The last applied commit, where it is below the head. */
  readonly applied?: string
}

/** After a force-push the whole new history has to be signed, not only what lies above the last applied commit. */
export async function historyBelow(
  repository: Repository,
  { observedCommit, appliedCommit, spec }: Source,
  head: string,
  run: Pick<RunLog, 'line'>,
): Promise<History> {
  const isBelow = async (commit: string | undefined) =>
    commit !== undefined && (await repository.isAncestor(commit, head))
  const holdsSeen = await isBelow(observedCommit)
  const holdsApplied = appliedCommit === observedCommit ? holdsSeen : await isBelow(appliedCommit)
  if (appliedCommit !== undefined && !holdsApplied) {
    run.line(`${spec.branch} was force-pushed: ${short(appliedCommit)} is no longer below ${short(head)}`)
  }
  return {
    ...(observedCommit !== undefined && !holdsSeen && { forcedFrom: observedCommit }),
    ...(appliedCommit !== undefined && holdsApplied && { applied: appliedCommit }),
  }
}

/** For who reads what became of the head. */
export function forcePushInWords({ spec }: Source, from: string, head: string): string {
  return `${spec.branch} was force-pushed from ${short(from)} to ${short(head)}`
}

const short = (commit: string) => commit.slice(0, 12)
