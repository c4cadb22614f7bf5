import type { Comment, Forge } from '../forges/forge.ts'
import { renderComment } from './comment.ts'
import type { PreviewContent, PreviewContext } from './content.ts'
import { statusOf } from './status.ts'
import { putSticky } from './sticky.ts'

/**
 * Puts what came of a commit on its pull request: the comment first, so that a status never points at nothing. Safe to
 * repeat. Errors are the forge's.
 */
export async function publishPreview(
  forge: Forge,
  number: number,
  content: PreviewContent,
  context: Omit<PreviewContext, 'limit'>,
  { status = true }: { readonly status?: boolean } = {},
): Promise<Comment> {
  const body = await renderComment(content, { ...context, limit: forge.commentLimit })
  const comment = await putSticky(forge, number, context.source, body)
  // A job shows its plan itself; otherwise who sees the status can read the comment, without a key of the service.
  const url = (context.apply === 'elsewhere' ? context.url : undefined) ?? comment.url
  if (status) await forge.setStatus(context.commit, await statusOf(content, { ...context, url }))
  return comment
}
