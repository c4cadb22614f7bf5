import { EngineError, isJsonObject, type Json, type JsonObject } from '../../../engine/index.ts'
import type { Comment, Forge, PullRequest } from '../forge.ts'
import type { OpenedForgeOptions } from '../options.ts'
import { approversOf, type Review } from '../reviews.ts'
import { statusLine } from '../status.ts'
import { createTransport } from '../transport.ts'
import { createRest } from './rest.ts'

/** Gitea and Forgejo. */
export async function open(options: OpenedForgeOptions): Promise<Forge> {
  const { root, token, repository } = options
  const forge = `Gitea at ${new URL(root).host}`
  const rest = createRest(createTransport({ ...options, forge }), root, token, forge)
  const at = `repos/${repository.split('/').map(encodeURIComponent).join('/')}`

  function there<T>(what: string, found: T | undefined): T {
    if (found !== undefined) return found
    throw new EngineError('forge_failed', `${forge} knows no ${what} of ${repository}`, {
      remedy: 'check the repository and that the token may read and write it',
    })
  }

  let own: Promise<string> | undefined
  return {
    type: 'gitea',
    // Gitea itself names no limit; more than this nobody reads.
    commentLimit: 262_144,

    self() {
      own ??= rest.get('user').then(user => text(there('user', user).login))
      own.catch(() => {
        own = undefined
      })
      return own
    },

    async pullRequest(number) {
      const found = await rest.get(`${at}/pulls/${number}`)
      return found && pullRequestOf(found)
    },

    async openPullRequests(baseBranch) {
      const found = there(
        'pull requests',
        await rest.all(`${at}/pulls?state=open&base_branch=${encodeURIComponent(baseBranch)}`),
      )
      // Older servers do not know the filter.
      return found.map(pullRequestOf).filter(pull => pull.baseBranch === baseBranch)
    },

    async comments(number) {
      return there(`pull request ${number}`, await rest.all(`${at}/issues/${number}/comments`)).map(commentOf)
    },

    async createComment(number, body) {
      const made = await rest.send('POST', `${at}/issues/${number}/comments`, { body })
      return commentOf(there(`pull request ${number}`, made))
    },

    async updateComment(_number, id, body) {
      return commentOf(there(`comment ${id}`, await rest.send('PATCH', `${at}/issues/comments/${id}`, { body })))
    },

    async setStatus(commit, { state, description, url, context }) {
      const told = {
        state,
        context,
        description: statusLine(description),
        ...(url !== undefined && { target_url: url }),
      }
      there(`commit ${commit}`, await rest.send('POST', `${at}/statuses/${encodeURIComponent(commit)}`, told))
    },

    async mayApprove(login) {
      const found = await rest.get(`${at}/collaborators/${encodeURIComponent(login)}/permission`)
      return found !== undefined && ['owner', 'admin', 'write'].includes(text(found.permission))
    },

    async approvals(number) {
      const pull = there(`pull request ${number}`, await rest.get(`${at}/pulls/${number}`))
      const reviews = there(`pull request ${number}`, await rest.all(`${at}/pulls/${number}/reviews`))
      return approversOf(reviews.flatMap(reviewOf), text(field(pull.head).sha))
    },
  }
}

function pullRequestOf(pull: JsonObject): PullRequest {
  const number = Number(pull.number)
  const [head, base] = [field(pull.head), field(pull.base)]
  const merged = pull.merged === true
  return {
    number,
    title: text(pull.title),
    author: text(field(pull.user).login),
    headCommit: text(head.sha),
    headRef: `refs/pull/${number}/head`,
    baseBranch: text(base.ref),
    // A fork that was deleted has no repository any more.
    fromFork: !isJsonObject(head.repo) || head.repo_id !== base.repo_id,
    state: merged ? 'merged' : pull.state === 'open' ? 'open' : 'closed',
    ...(merged && typeof pull.merge_commit_sha === 'string' && { mergeCommit: pull.merge_commit_sha }),
    updatedAt: text(pull.updated_at),
    url: text(pull.html_url),
  }
}

function commentOf(comment: JsonObject): Comment {
  return {
    id: String(comment.id),
    author: text(field(comment.user).login),
    body: text(comment.body),
    createdAt: text(comment.created_at),
    updatedAt: text(comment.updated_at),
    url: text(comment.html_url),
  }
}

const verdicts: Readonly<Record<string, Review['verdict']>> = {
  APPROVED: 'approved',
  REQUEST_CHANGES: 'rejected',
  COMMENT: 'comment',
}

/** Requests for a review and pending ones are no word yet. */
function reviewOf(review: JsonObject): readonly Review[] {
  const verdict = verdicts[text(review.state)]
  const login = text(field(review.user).login)
  if (verdict === undefined || login === '') return []
  // Gitea marks a review as stale when the pull request changed after it.
  const gone = review.dismissed === true || review.stale === true
  return [
    {
      login,
      verdict: gone && verdict === 'approved' ? 'dismissed' : verdict,
      commit: text(review.commit_id),
      at: text(review.submitted_at),
    },
  ]
}

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '')
const field = (value: Json | undefined): JsonObject => (isJsonObject(value) ? value : {})
