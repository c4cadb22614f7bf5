import { EngineError, hasChanges } from '../../engine/index.ts'
import type { Forge, PullRequest } from '../forges/forge.ts'
import { jobMutation } from '../jobs/job-mutation.ts'
import type { RunningJob } from '../jobs/queue.ts'
import { reconcileRequest } from '../jobs/requests.ts'
import type { PreviewContent, PreviewContext } from '../previews/content.ts'
import { publishPreview } from '../previews/publish.ts'
import { planDocument } from '../records/plan-documents.ts'
import { openPlans, publishPlan, recordPlan, type StoredPlan, settlePlans } from '../records/plan-records.ts'
import { commit } from '../records/ports.ts'
import { ownerOf, type Source } from '../sources/source.ts'
import { decideApprovals, refuseApprovals } from './approvals.ts'
import type { LoopPorts } from './ports.ts'
import { previewContent } from './preview-content.ts'

/**
 * The job `preview`: what merging a pull request would do, as one comment and one status of its head commit, and the
 * approvals that its comments hold. Safe to repeat: the comment is updated in place. What keeps failing is told there by
 * the last attempt, before its error is thrown.
 */
export async function previewPullRequest(
  ports: LoopPorts,
  source: Source,
  number: number,
  { signal, isLast }: Pick<RunningJob, 'signal' | 'isLast'>,
): Promise<void> {
  const forge = await ports.forgeOf(source)
  if (!forge || source.suspended) return
  const pull = await forge.pullRequest(number)
  const plans = (await openPlans(ports.store, source)).filter(({ pullRequest }) => pullRequest === number)
  if (pull?.baseBranch !== source.spec.branch) return settlePlans(ports, plans, 'superseded', ownerOf(source))
  if (pull.state !== 'open') return endPreview(ports, source, forge, pull, plans)

  const about = aboutOf(source, pull)
  const content = await previewContent(ports, source, pull, signal).catch(async (error: unknown) => {
    if (isLast && !signal.aborted) await publishPreview(forge, number, putOff(error), about)
    throw error
  })
  if (content.type !== 'plan' || pull.fromFork || !hasChanges(content.document)) {
    // There is nothing that could be approved.
    await settlePlans(ports, plans, 'superseded', ownerOf(source))
    const notices = pull.fromFork ? await refuseApprovals(forge, source, number) : []
    await publishPreview(forge, number, content, { ...about, notices })
    return
  }
  const { headCommit } = pull
  const drawn = { commit: headCommit, pullRequest: number, document: content.document }
  const plan = await recordPlan(ports, source, drawn, ownerOf(source))
  const shown = { ...about, ...aboutPlan(ports, plan) }
  const isNew = plan.publishedAt === undefined
  const published = isNew ? await publishNew(ports, source, forge, { number, plan, content, shown }) : plan
  const { approvedBy, notices } = await decideApprovals(ports, source, forge, pull, published, content.document)
  if (isNew && approvedBy.length === 0 && notices.length === 0) return
  await publishPreview(forge, number, content, { ...shown, approvedBy, notices })
}

/** The words of a bug may hold anything, and strangers read them here. */
function putOff(error: unknown): PreviewContent {
  const message = error instanceof EngineError ? error.message : 'an internal error; the log of the service tells more'
  return { type: 'failed', message, remedy: 'it is tried again by itself' }
}

interface New {
  readonly number: number
  readonly plan: StoredPlan
  readonly content: PreviewContent
  readonly shown: Omit<PreviewContext, 'limit'>
}

/** Before anybody can approve a plan it stands in the comment; the forge's clock says since when. */
async function publishNew(
  ports: LoopPorts,
  source: Source,
  forge: Forge,
  { number, plan, content, shown }: New,
): Promise<StoredPlan> {
  const comment = await publishPreview(forge, number, content, shown)
  return publishPlan(ports, plan, comment.updatedAt, ownerOf(source))
}

/** Merged or closed: the comment says so, and only what was approved for this very commit still holds. */
async function endPreview(
  ports: LoopPorts,
  source: Source,
  forge: Forge,
  pull: PullRequest,
  plans: readonly StoredPlan[],
): Promise<void> {
  const { number, headCommit, mergeCommit } = pull
  const isMerged = pull.state === 'merged'
  const [latest] = plans
  if (latest) {
    const ended = {
      state: isMerged ? ('merged' as const) : ('closed' as const),
      branch: source.spec.branch,
      ...(mergeCommit !== undefined && { mergeCommit }),
    }
    const approvedBy = latest.approvals.map(({ by }) => by)
    const shown = { ...aboutOf(source, pull), ...aboutPlan(ports, latest), approvedBy, ended }
    const document = await planDocument(ports.store, latest)
    await publishPreview(forge, number, { type: 'plan', document }, shown, { status: false })
  }
  const holds = plans.filter(({ state, commit: head }) => isMerged && state === 'approved' && head === headCommit)
  const others = plans.filter(plan => !holds.includes(plan))
  await settlePlans(ports, others, 'superseded', ownerOf(source))
  if (!isMerged) return
  // The push of the merge may have been looked at before the forge called it merged.
  const request = reconcileRequest(source.id, holds.length > 0 ? 'approval' : 'webhook')
  await commit(ports, source.tenant, ownerOf(source), () => [jobMutation(request, ports)])
}

function aboutOf({ spec }: Source, { headCommit, fromFork }: PullRequest): Omit<PreviewContext, 'limit'> {
  return { source: spec.name, commit: headCommit, apply: spec.autoApply ? 'merge' : 'approval', fromFork }
}

function aboutPlan({ publicUrl }: LoopPorts, plan: StoredPlan): Partial<PreviewContext> {
  const { id, digest, state, discarded } = plan
  return {
    digest,
    ...(publicUrl !== undefined && { url: `${publicUrl}/v1/plans/${id}` }),
    ...(state === 'discarded' && discarded && { discardedBy: discarded.by }),
  }
}
