import type { Comment, Forge } from '../forges/forge.ts'
import { markerOf } from './comment.ts'

/**
 * Keeps one comment per source and pull request: ours is the oldest that begins with the marker *and* that our account
 * wrote. Anybody can write the marker; what others wrote is never touched. Further ones of ours, from two writers at
 * once, are told to be superseded. Answers the comment as the forge has it now.
 */
export async function putSticky(forge: Forge, number: number, source: string, body: string): Promise<Comment> {
  const marker = markerOf(source)
  if (!body.startsWith(`${marker}\n`)) throw new Error('a sticky comment begins with its marker')
  const [self, comments] = [await forge.self(), await forge.comments(number)]
  const own = comments
    // GitLab and GitHub compare logins without case.
    .filter(({ author }) => author.toLowerCase() === self.toLowerCase())
    // Forges may bring line ends into the form of forms.
    .filter(comment => comment.body.trimStart().split(/\r?\n/, 1)[0]?.trimEnd() === marker)
    .toSorted((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt) || Number(a.id) - Number(b.id))
  const [first, ...others] = own
  for (const other of others) {
    const superseded = `${marker}\n_Superseded: the plan is in the first comment of this kind above._\n`
    if (!sameText(other.body, superseded)) await forge.updateComment(number, other.id, superseded)
  }
  if (first === undefined) return forge.createComment(number, body)
  return sameText(first.body, body) ? first : forge.updateComment(number, first.id, body)
}

const sameText = (a: string, b: string): boolean =>
  a.replaceAll('\r\n', '\n').trim() === b.replaceAll('\r\n', '\n').trim()
