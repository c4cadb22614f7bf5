import { hasChanges, isBlocked, renderPlan } from '../../engine/index.ts'
import type { CommitStatus } from '../forges/forge.ts'
import type { PreviewContent, PreviewContext } from './content.ts'

/** The commit status that goes with a comment. Holds nothing of the configuration but counts. */
export async function statusOf(
  content: PreviewContent,
  { source, url }: Pick<PreviewContext, 'source' | 'url'>,
): Promise<CommitStatus> {
  const common = { context: `trustform/${source}`, ...(url !== undefined && { url }) }
  switch (content.type) {
    case 'plan': {
      const { document } = content
      const counts = (await renderPlan(document, 'summary')).trim().replace(/^Plan: /, '')
      if (isBlocked(document)) return { ...common, state: 'failure', description: `blocked: ${counts}` }
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
