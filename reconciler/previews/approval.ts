import type { Address, ErrorCode, PlanDocument } from '../../engine/index.ts'
import type { Forge, PullRequest } from '../forges/forge.ts'
import type { ApplyCommand } from './command.ts'
import { guardedDeletions } from './presented.ts'

/** A published plan that somebody may approve. */
export interface ApprovablePlan {
  readonly commit: string
  readonly digest: string
  /** ISO instant since which its comment can be read, by the forge's clock. */
  readonly publishedAt: string
  readonly state: 'pending' | 'approved' | 'applied' | 'discarded' | 'superseded'
  readonly document: Pick<PlanDocument, 'changes' | 'preflight'>
}

/** The comment that asks, as the forge tells it. */
export interface ApprovalRequest {
  readonly command: ApplyCommand
  readonly by: string
  /** ISO instant. */
  readonly at: string
  /** Whether its words are not those that its author wrote then. */
  readonly edited: boolean
}

/** What the forge says at this moment. */
export interface ApprovalFacts {
  readonly pullRequest: PullRequest | undefined
  /** Whether the one who asks may approve. */
  readonly mayApprove: boolean
  /** Others that approve this head commit and may do so. */
  readonly approvers: readonly string[]
}

export type ApprovalDecision =
  | {
      readonly type: 'approved'
      readonly by: readonly string[]
      readonly commit: string
      readonly digest: string
      /** What blocked the plan and is allowed by this. */
      readonly allow: readonly Address[]
    }
  | { readonly type: 'refused'; readonly code: ErrorCode; readonly message: string; readonly remedy: string }

interface Check {
  readonly refuses: (plan: ApprovablePlan, request: ApprovalRequest, facts: ApprovalFacts) => boolean
  readonly code: ErrorCode
  readonly message: string
  readonly remedy: string
}

const again = 'look at the plan that the comment shows now, then comment again'

/** In order; the first that refuses is told. Who asks comes first: others learn nothing about the plan. */
const checks: readonly Check[] = [
  {
    refuses: (_plan, _request, { mayApprove }) => !mayApprove,
    code: 'forbidden',
    message: 'this account may not approve plans here',
    remedy: 'ask somebody who may merge into the branch',
  },
  {
    // Forges let those who may write edit what others wrote, and go on naming the first author.
    refuses: (_plan, { edited }) => edited,
    code: 'forbidden',
    message: 'the comment was edited, and a forge does not tell by whom',
    remedy: 'write it as a new comment',
  },
  {
    refuses: (_plan, _request, { pullRequest }) => pullRequest?.state !== 'open',
    code: 'conflict',
    message: 'the pull request is not open',
    remedy: 'what was merged is applied from the branch',
  },
  {
    refuses: (_plan, _request, { pullRequest }) => pullRequest?.fromFork !== false,
    code: 'forbidden',
    message: 'the plan of a fork was made without credentials and cannot be applied',
    remedy: 'merge it, or push its commits to a branch of the repository',
  },
  {
    refuses: ({ commit }, _request, { pullRequest }) => pullRequest?.headCommit !== commit,
    code: 'plan_stale',
    message: 'the pull request has another head commit than the plan',
    remedy: again,
  },
  {
    refuses: ({ state }) => state !== 'pending' && state !== 'approved',
    code: 'plan_stale',
    message: 'the plan is no longer open: it was applied, discarded or superseded',
    remedy: again,
  },
  {
    refuses: ({ digest }, { command }) =>
      command.digest !== undefined && !digest.replace(/^sha256:/, '').startsWith(command.digest),
    code: 'plan_stale',
    message: 'the comment names another plan than the one that would be applied',
    remedy: again,
  },
  {
    // Whoever wrote before the plan was there saw another one, unless they name this one. Forges count in seconds, and
    // nobody reads a plan within the second in which it appears.
    refuses: ({ publishedAt }, { command, at }) =>
      command.digest === undefined && !(Date.parse(at) > Date.parse(publishedAt)),
    code: 'plan_stale',
    message: 'the comment is not younger than the plan',
    remedy: again,
  },
  {
    refuses: ({ document }) => document.preflight.some(({ level }) => level === 'error'),
    code: 'preflight_failed',
    message: 'the plan has errors that no approval can overrule',
    remedy: 'mend what the comment names and push again',
  },
  {
    refuses: ({ document }) => document.changes.some(({ blocked }) => blocked?.code === 'owned_by'),
    code: 'owned_by',
    message: 'another source owns some of these resources',
    remedy: 'remove them from one of the two configurations',
  },
  {
    refuses: ({ document }) =>
      document.changes.some(({ blocked }) => blocked !== undefined && blocked.allow === undefined),
    code: 'plan_blocked',
    message: 'the plan holds back what no approval lets happen',
    remedy: 'mend what the comment names and push again',
  },
  {
    refuses: ({ document }, { by }, { pullRequest, approvers }) =>
      guardedDeletions(document).length > 0 &&
      [by, ...approvers].every(login => same(login, pullRequest?.author ?? '')),
    code: 'forbidden',
    message: 'an authority, account or anchor would go, and only the author of the change approves it',
    remedy: 'ask another person to approve this commit or to comment',
  },
]

/** Decides on a request by facts alone: bound to this plan and this head commit. */
export function decideApproval(plan: ApprovablePlan, request: ApprovalRequest, facts: ApprovalFacts): ApprovalDecision {
  const failed = checks.find(({ refuses }) => refuses(plan, request, facts))
  if (failed) {
    const { code, message, remedy } = failed
    return { type: 'refused', code, message, remedy }
  }
  const blocked = plan.document.changes.filter(({ blocked }) => blocked !== undefined)
  return {
    type: 'approved',
    by: [request.by, ...facts.approvers.filter(login => !same(login, request.by))],
    commit: plan.commit,
    digest: plan.digest,
    allow: blocked.map(({ address }) => address),
  }
}

/** Asks the forge, at this moment, what a decision needs. Errors are the forge's; without an answer nobody approves. */
export async function approvalFacts(
  forge: Pick<Forge, 'mayApprove' | 'approvals' | 'pullRequest'>,
  number: number,
  by: string,
): Promise<ApprovalFacts> {
  const mayApprove = await forge.mayApprove(by)
  if (!mayApprove) return { pullRequest: undefined, mayApprove, approvers: [] }
  const approvers: string[] = []
  for (const login of await forge.approvals(number)) {
    if (same(login, by) || (await forge.mayApprove(login))) approvers.push(login)
  }
  // Asked last: an approval must not outlive a push that came in between.
  return { pullRequest: await forge.pullRequest(number), mayApprove, approvers }
}

/** Forges compare logins without case. */
const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()
