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

/** People whose comments are looked at; the forge is asked about each of them. */
const mostPeople = 20

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
  for (const { command, comment } of late) {
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
  const early = commands.filter(each => !late.includes(each)).map(({ comment }) => comment.author)
  const stale = `what ${early.join(', ')} wrote was about an earlier plan and does not carry over; look at this one and comment again`
  return { approvedBy: [], notices: early.length === 0 ? notices : [stale, ...notices] }
}

/** Forges count in seconds, and some write a comment in two steps. */
function isEdited({ createdAt, updatedAt }: Comment): boolean {
  return Math.abs(Date.parse(updatedAt) - Date.parse(createdAt)) > 1000
}

/** A fork's plan is nobody's to approve; whoever tried is told so. */
export async function refuseApprovals(forge: Forge, source: Source, number: number): Promise<readonly string[]> {
  const names = (await commandsOn(forge, source, number)).map(({ comment }) => comment.author)
  if (names.length === 0) return []
  return [
    `${names.join(', ')}: the plan of a fork was made without credentials and cannot be approved; merge it, or push its commits to a branch of the repository`,
  ]
}

/** The newest word of each person that means this source, oldest first. */
async function commandsOn(
  forge: Forge,
  { spec }: Source,
  number: number,
): Promise<readonly { readonly command: ApplyCommand; readonly comment: Comment }[]> {
  const newest = new Map<string, { command: ApplyCommand; comment: Comment }>()
  for (const comment of await forge.comments(number)) {
    const command = commandOf(comment.body)
    if (!command || (command.source !== undefined && command.source !== spec.name)) continue
    const author = comment.author.toLowerCase()
    newest.delete(author)
    newest.set(author, { command, comment })
  }
  return [...newest.values()].slice(-mostPeople)
}
