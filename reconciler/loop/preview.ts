import { DiagnosticsError, EngineError, type LoadedConfiguration, loadConfiguration } from '../../engine/index.ts'
import type { Forge, PullRequest } from '../forges/forge.ts'
import { approvalFacts, decideApproval } from '../previews/approval.ts'
import { commandOf } from '../previews/command.ts'
import type { PreviewContent } from '../previews/content.ts'
import { publishPreview } from '../previews/publish.ts'
import { approvePlan, openPlans, recordPlan, type StoredPlan, settlePlan } from '../records/plan-records.ts'
import { ownerOf, type Source } from '../sources/source.ts'
import type { LoopPorts } from './ports.ts'

/**
 * The job `preview`: what merging a pull request would do, as one comment and one status of its head commit, and the
 * approvals that its comments hold. Safe to repeat: the comment is updated in place.
 */
export async function previewPullRequest(
  ports: LoopPorts,
  source: Source,
  number: number,
  signal: AbortSignal,
): Promise<void> {
  const forge = await ports.forgeOf(source)
  const pull = await forge?.pullRequest(number)
  if (!forge || !pull || pull.baseBranch !== source.spec.branch) return
  if (pull.state === 'closed') return supersede(ports, source, number)
  if (pull.state === 'merged') return
  const content = await contentOf(ports, source, pull, signal)
  const plan =
    content.type === 'plan'
      ? await recordPlan(
          ports,
          source,
          { commit: pull.headCommit, pullRequest: number, document: content.document },
          ownerOf(source),
        )
      : undefined
  const notices = plan ? await decideApprovals(ports, source, forge, pull, plan) : []
  await publishPreview(forge, number, content, {
    source: source.spec.name,
    commit: pull.headCommit,
    apply: 'comment-or-merge',
    fromFork: pull.fromFork,
    notices,
    ...(plan && { digest: plan.digest }),
    ...(plan && ports.publicUrl !== undefined && { url: `${ports.publicUrl}/v1/plans/${plan.id}` }),
  })
}

/** A fork's pull request is validated and planned offline: no credential of ours is used for what strangers write. */
async function contentOf(
  ports: LoopPorts,
  source: Source,
  pull: PullRequest,
  signal: AbortSignal,
): Promise<PreviewContent> {
  const repository = await ports.repositoryOf(source)
  try {
    const { refs } = await repository.fetch(source.spec.branch, [pull.headRef], signal)
    if (refs.get(pull.headRef) !== pull.headCommit) {
      throw new EngineError('git_unreachable', 'the pull request moved while it was looked at', {
        remedy: 'it is looked at again in a moment',
      })
    }
    const { configuration, diagnostics } = await loadConfiguration(
      source.spec.paths,
      repository.filesAt(pull.headCommit),
    )
    if (!configuration) return { type: 'invalid', diagnostics }
    return { type: 'plan', document: await planned(ports, source, configuration, pull.fromFork, signal) }
  } catch (error) {
    return failed(error)
  }
}

async function planned(
  ports: LoopPorts,
  source: Source,
  configuration: LoadedConfiguration,
  offline: boolean,
  signal: AbortSignal,
) {
  const engine = await ports.engineOf(source)
  const { plan } = await engine.plan({ configuration, adopt: source.spec.adopt, offline, signal })
  return plan.document
}

/** What is wrong with the configuration is shown; what went wrong on our side is tried again by the job. */
function failed(error: unknown): PreviewContent {
  if (error instanceof DiagnosticsError) return { type: 'invalid', diagnostics: error.diagnostics }
  if (!(error instanceof EngineError) || error.facts.retry === 'wait') throw error
  if (error.position) return { type: 'invalid', diagnostics: [error.toDiagnostic()] }
  const { message, remedy } = error
  return { type: 'failed', message, ...(remedy !== undefined && { remedy }) }
}

/** Reads `trustform apply` comments and decides on each with what the forge says now. Answers sentences for people. */
async function decideApprovals(
  ports: LoopPorts,
  source: Source,
  forge: Forge,
  pull: PullRequest,
  plan: StoredPlan,
): Promise<string[]> {
  if (plan.state === 'approved') return [`approved by ${plan.approvals.map(({ by }) => by).join(', ')}`]
  const notices: string[] = []
  for (const comment of await forge.comments(pull.number)) {
    const command = commandOf(comment.body)
    if (!command || comment.createdAt < plan.createdAt) continue
    if (command.source !== undefined && command.source !== source.spec.name) continue
    const facts = await approvalFacts(forge, pull.number, comment.author)
    const approvable = { ...plan, publishedAt: plan.createdAt }
    const decision = decideApproval(approvable, { command, by: comment.author, at: comment.createdAt }, facts)
    if (decision.type === 'refused') {
      notices.push(`${comment.author}: ${decision.message}; ${decision.remedy}`)
      continue
    }
    await approvePlan(ports, plan, decision.by, comment.author)
    return [`approved by ${decision.by.join(', ')}; merging applies it`]
  }
  return notices
}

async function supersede(ports: LoopPorts, source: Source, number: number): Promise<void> {
  for (const plan of await openPlans(ports.store, source)) {
    if (plan.pullRequest === number) await settlePlan(ports, plan, 'superseded', ownerOf(source))
  }
}
