import type { PlanDocument } from '../../engine/index.ts'
import type { Comment, Forge, PullRequest } from '../forges/forge.ts'
import { approvalFacts, decideApproval } from '../previews/approval.ts'
import { type ApplyCommand, commandOf } from '../previews/command.ts'
import { approvePlan, type StoredPlan } from '../records/plan-records.ts'
import type { Source } from '../sources/source.ts'
import type { LoopPorts } from './ports.ts'

/** Who may do what about a plan, for its comment. */
export interface Approvals {
  readonly approvedBy: readonly string[]
  /** Why others' words did not count, as sentences. */
  readonly notices: readonly string[]
}

/**
 * People whose comments are decided on, newest first; the forge is asked about each of them. On a public repository
 * anybody writes comments, so there have to be more than strangers care to write.
 */
const mostPeople = 100
/** People who are named in one notice. */
const mostNames = 10

/** Reads `trustform apply` comments about a published plan and decides on each with what the forge says now. */
export async function decideApprovals(
  ports: LoopPorts,
  source: Source,
  forge: Forge,
  pull: PullRequest,
  plan: StoredPlan,
  document: PlanDocument,
): Promise<Approvals> {
  if (plan.state === 'approved') return { approvedBy: plan.approvals.map(({ by }) => by), notices: [] }
  // Its comment says so; who had a say before it was discarded has none after that.
  if (plan.state === 'discarded') return { approvedBy: [], notices: [] }
  const { publishedAt = plan.createdAt } = plan
  const commands = await commandsOn(forge, source, pull.number)
  const late = commands.filter(
    ({ command, comment }) => command.digest !== undefined || Date.parse(comment.createdAt) > Date.parse(publishedAt),
  )
  const notices: string[] = []
  for (const { command, comment } of late.slice(0, mostPeople)) {
    const { author, createdAt: at } = comment
    const facts = await approvalFacts(forge, pull.number, author)
    const request = { command, by: author, at, edited: isEdited(comment) }
    const decision = decideApproval({ ...plan, publishedAt, document }, request, facts)
    if (decision.type === 'approved') {
      await approvePlan(ports, plan, decision.by, author)
      return { approvedBy: decision.by, notices: [] }
    }
    notices.push(`${author}: ${decision.message}; ${decision.remedy}`)
  }
  const early = commands.filter(each => !late.includes(each))
  const stale = `what ${namesOf(early)} wrote was about an earlier plan and does not carry over; look at this one and comment again`
  const more = late.length - mostPeople
  const unasked = `the forge was asked about the ${mostPeople} people who commented last and not about ${more} before them; who of those may approve comments again`
  return {
    approvedBy: [],
    // The last ones are shown.
    notices: [...(early.length > 0 ? [stale] : []), ...notices.toReversed(), ...(more > 0 ? [unasked] : [])],
  }
}

/** Forges count in seconds, and some write a comment in two steps. */
function isEdited({ createdAt, updatedAt }: Comment): boolean {
  return Math.abs(Date.parse(updatedAt) - Date.parse(createdAt)) > 1000
}

/** A fork's plan is nobody's to approve; whoever tried is told so. */
export async function refuseApprovals(forge: Forge, source: Source, number: number): Promise<readonly string[]> {
  const commands = await commandsOn(forge, source, number)
  if (commands.length === 0) return []
  return [
    `${namesOf(commands)}: the plan of a fork was made without credentials and cannot be approved; merge it, or push its commits to a branch of the repository`,
  ]
}

interface Asked {
  readonly command: ApplyCommand
  readonly comment: Comment
}

/** The newest of them, oldest first. */
function namesOf(asked: readonly Asked[]): string {
  const names = asked.slice(0, mostNames).map(({ comment }) => comment.author)
  const others = asked.length - names.length
  return `${names.toReversed().join(', ')}${others > 0 ? ` and ${others} more` : ''}`
}

/** The newest word of each person that means this source, newest first. */
async function commandsOn(forge: Forge, { spec }: Source, number: number): Promise<readonly Asked[]> {
  const newest = new Map<string, Asked>()
  for (const comment of await forge.comments(number)) {
    const command = commandOf(comment.body)
    if (!command || (command.source !== undefined && command.source !== spec.name)) continue
    const author = comment.author.toLowerCase()
    newest.delete(author)
    newest.set(author, { command, comment })
  }
  return [...newest.values()].reverse()
}
