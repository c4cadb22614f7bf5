import { hasChanges, isBlocked, needsApproval, renderPlan, visible } from '../../engine/index.ts'
import type { CommitStatus } from '../forges/forge.ts'
import { driftInWords } from '../loop/drift-notes.ts'
import type { Outcome } from '../sources/source.ts'
import type { PreviewContent, PreviewContext } from './content.ts'

/** The commit status that goes with a comment. Holds nothing of the configuration but counts, and who approved. */
export async function statusOf(
  content: PreviewContent,
  { source, url, approvedBy = [], discardedBy }: Pick<PreviewContext, 'source' | 'url' | 'approvedBy' | 'discardedBy'>,
): Promise<CommitStatus> {
  const common = { context: `trustform/${source}`, ...(url !== undefined && { url }) }
  switch (content.type) {
    case 'plan': {
      const { document } = content
      const counts = (await renderPlan(document, 'summary')).trim().replace(/^Plan: /, '')
      if (discardedBy !== undefined)
        return { ...common, state: 'failure', description: `discarded by ${discardedBy}: ${counts}` }
      if (approvedBy.length > 0 && (needsApproval(document) || !isBlocked(document)))
        return { ...common, state: 'success', description: `approved by ${approvedBy.join(', ')}: ${counts}` }
      if (needsApproval(document)) return { ...common, state: 'failure', description: `needs approval: ${counts}` }
      if (isBlocked(document)) return { ...common, state: 'failure', description: `cannot be applied: ${counts}` }
      return { ...common, state: 'success', description: hasChanges(document) ? counts : 'nothing to do' }
    }
    case 'invalid': {
      const errors = content.diagnostics.filter(({ severity }) => severity === 'error').length
      return {
        ...common,
        state: 'failure',
        description: `invalid configuration: ${errors} error${errors === 1 ? '' : 's'}`,
      }
    }
    case 'failed':
      return { ...common, state: 'error', description: 'the plan could not be made' }
    case 'pending':
      return { ...common, state: 'pending', description: 'planning' }
    case 'markdown':
      return { ...common, state: 'success', description: 'planned; see the comment' }
  }
}

/** What waits for a person's word is no failure of the commit, unless something dangerous is held back. */
const awaiting: ReadonlySet<string> = new Set(['AwaitingApproval'])

/**
 * The status of the branch's head commit after a pass: whether what it declares is true now. It takes the place of the
 * plan's status where the same commit was the head of a pull request.
 */
export function statusOfOutcome(
  outcome: Outcome,
  { source, url }: Pick<PreviewContext, 'source' | 'url'>,
): CommitStatus {
  const common = { context: `trustform/${source}`, ...(url !== undefined && { url }) }
  const message = visible(outcome.message)
  switch (outcome.type) {
    case 'ready': {
      const drift = outcome.drift?.length ? `; drifted: ${driftInWords(outcome.drift)}` : ''
      const said = outcome.reason === 'NoChange' ? 'nothing to do' : message
      return { ...common, state: 'success', description: `${said}${drift}` }
    }
    case 'waiting':
      // What a bug says belongs in the log, not on a page that strangers may read.
      if (outcome.reason === 'InternalError')
        return { ...common, state: 'error', description: 'internal error; it is tried again' }
      return { ...common, state: 'pending', description: `trying again: ${message}` }
    case 'stalled':
      return { ...common, state: awaiting.has(outcome.reason) ? 'pending' : 'failure', description: message }
  }
}
