import { DiagnosticsError, EngineError } from '../../engine/index.ts'
import type { PullRequest } from '../forges/forge.ts'
import type { PreviewContent } from '../previews/content.ts'
import type { Repository } from '../sources/repository.ts'
import type { Source } from '../sources/source.ts'
import { configurationAt, planning } from './configuration.ts'
import type { LoopPorts } from './ports.ts'

/**
 * What merging a pull request would do, read off what the merge would declare: a branch that is behind deletes nothing
 * that was added meanwhile. A fork's is planned offline: no credential of ours is used for what strangers write, nor for
 * what the branch would refuse because of who signed it.
 */
export async function previewContent(
  ports: LoopPorts,
  source: Source,
  pull: PullRequest,
  signal: AbortSignal,
): Promise<PreviewContent> {
  const { branch } = source.spec
  const repository = await ports.repositoryOf(source)
  try {
    const { head, refs } = await repository.fetch(branch, [pull.headRef], signal)
    if (refs.get(pull.headRef) !== pull.headCommit) {
      throw new EngineError('git_unreachable', 'the pull request moved while it was looked at', {
        remedy: 'it is looked at again in a moment',
      })
    }
    const merged = await repository.merge(head, pull.headCommit, signal)
    if (merged.type === 'conflict') {
      const message = `it conflicts with ${branch} in ${merged.files.join(', ')}`
      return { type: 'failed', message, remedy: `merge ${branch} into it, or rebase it, and push` }
    }
    const configuration = await configurationAt(repository, source, merged.commit)
    const unsigned = pull.fromFork ? undefined : await refusedSignature(ports, source, repository, head, pull)
    const offline = pull.fromFork || unsigned !== undefined
    const engine = await ports.engineOf(source)
    const { plan } = await engine.plan({ configuration, offline, signal, ...planning(source) })
    return { type: 'plan', document: plan.document, ...(unsigned !== undefined && { unsigned }) }
  } catch (error) {
    return failed(error)
  }
}

/** Why the branch would not take these commits as they are; a forge that squashes them signs one of its own. */
async function refusedSignature(
  ports: LoopPorts,
  source: Source,
  repository: Repository,
  head: string,
  { headCommit }: PullRequest,
): Promise<string | undefined> {
  try {
    await (await ports.signaturesOf(source))?.check(repository, head, headCommit)
    return undefined
  } catch (error) {
    if (error instanceof EngineError && error.code === 'signature_refused') return error.message
    throw error
  }
}

/** What is wrong with the configuration is shown; what went wrong on our side is tried again by the job. */
function failed(error: unknown): PreviewContent {
  if (error instanceof DiagnosticsError) return { type: 'invalid', diagnostics: error.diagnostics }
  if (!(error instanceof EngineError) || error.facts.retry === 'wait') throw error
  if (error.position) return { type: 'invalid', diagnostics: [error.toDiagnostic()] }
  const { message, remedy } = error
  return { type: 'failed', message, ...(remedy !== undefined && { remedy }) }
}
