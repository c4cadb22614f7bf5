import { Octokit } from '@octokit/rest'
import { EngineError } from '../../../engine/index.ts'
import type { Forge, PullRequest } from '../forge.ts'
import type { OpenedForgeOptions } from '../options.ts'
import { approversOf, type Review } from '../reviews.ts'
import { statusLine } from '../status.ts'
import { createTransport, fetchOver, wordsOf } from '../transport.ts'

/** GitHub and GitHub Enterprise Server, by its own SDK over our way out. */
export async function open(options: OpenedForgeOptions): Promise<Forge> {
  const { root, token } = options
  const forge = `GitHub at ${new URL(root).host}`
  const fetch = fetchOver(createTransport({ ...options, forge }))
  const quiet = () => {}
  const octokit = new Octokit({
    auth: token,
    baseUrl: root,
    userAgent: 'trustform',
    request: { fetch },
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  })
  const [owner = '', repo = ''] = options.repository.split('/')
  const place = { owner, repo }
  const pages = { per_page: 100 }

  /** Tells failures in our words; what is not found is undefined. */
  async function ask<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof Error && error.cause instanceof EngineError) throw error.cause
      const status = error instanceof Error && 'status' in error ? error.status : undefined
      if (status === 404 || status === 410) return undefined
      if (typeof status !== 'number') throw error
      const words = wordsOf(error instanceof Error ? error.message : '', token)
      throw new EngineError('forge_failed', `${forge} refused: ${words}`, {
        remedy: 'look at the message of the forge',
        details: { status },
      })
    }
  }

  /** For what must be there. */
  async function demand<T>(what: string, work: () => Promise<T>): Promise<T> {
    const found = await ask(work)
    if (found !== undefined) return found
    // GitHub answers 404 also for what the token may not see.
    throw new EngineError('forge_failed', `${forge} knows no ${what} of ${options.repository}`, {
      remedy: 'check the repository and that the token may read and write its pull requests',
    })
  }

  let own: Promise<string> | undefined
  const self = async () => {
    const user = await octokit.rest.users
      .getAuthenticated()
      .then(({ data }) => data.login)
      .catch(() => undefined)
    if (user !== undefined) return user
    // Tokens of Actions and Apps are no users; only GraphQL tells who they are (as documented; not tried on the live service).
    const { viewer } = await demand('viewer', () =>
      octokit.graphql<{ readonly viewer: { readonly login: string } }>('query { viewer { login } }'),
    )
    return viewer.login
  }

  return {
    type: 'github',
    commentLimit: 65_536,

    self() {
      own ??= self()
      own.catch(() => {
        own = undefined
      })
      return own
    },

    async pullRequest(number) {
      const found = await ask(() => octokit.rest.pulls.get({ ...place, pull_number: number }))
      return found && pullRequestOf(found.data)
    },

    async openPullRequests(baseBranch) {
      const found = await demand('pull requests', () =>
        octokit.paginate(octokit.rest.pulls.list, { ...place, ...pages, state: 'open', base: baseBranch }),
      )
      return found.map(pullRequestOf)
    },

    async comments(number) {
      const found = await demand(`pull request ${number}`, () =>
        octokit.paginate(octokit.rest.issues.listComments, { ...place, ...pages, issue_number: number }),
      )
      return found.map(commentOf)
    },

    async createComment(number, body) {
      const made = await demand(`pull request ${number}`, () =>
        octokit.rest.issues.createComment({ ...place, issue_number: number, body }),
      )
      return commentOf(made.data)
    },

    async updateComment(_number, id, body) {
      const edited = await demand(`comment ${id}`, () =>
        octokit.rest.issues.updateComment({ ...place, comment_id: Number(id), body }),
      )
      return commentOf(edited.data)
    },

    async setStatus(commit, { state, description, url, context }) {
      await demand(`commit ${commit}`, () =>
        octokit.rest.repos.createCommitStatus({
          ...place,
          sha: commit,
          state,
          context,
          description: statusLine(description),
          ...(url !== undefined && { target_url: url }),
        }),
      )
    },

    async mayApprove(login) {
      const found = await ask(() => octokit.rest.repos.getCollaboratorPermissionLevel({ ...place, username: login }))
      // `maintain` is told as write, `triage` as read.
      return found !== undefined && ['admin', 'write'].includes(found.data.permission)
    },

    async approvals(number) {
      const pull = await demand(`pull request ${number}`, () =>
        octokit.rest.pulls.get({ ...place, pull_number: number }),
      )
      const reviews = await demand(`pull request ${number}`, () =>
        octokit.paginate(octokit.rest.pulls.listReviews, { ...place, ...pages, pull_number: number }),
      )
      return approversOf(reviews.flatMap(reviewOf), pull.data.head.sha)
    },
  }
}

interface Pull {
  readonly number: number
  readonly title: string
  readonly user: { readonly login: string } | null
  readonly head: { readonly sha: string; readonly repo: { readonly id: number } | null }
  readonly base: { readonly ref: string; readonly repo: { readonly id: number } | null }
  readonly state: string
  readonly merged_at?: string | null
  readonly merge_commit_sha: string | null
  readonly updated_at: string
  readonly html_url: string
}

function pullRequestOf(pull: Pull): PullRequest {
  const merged = typeof pull.merged_at === 'string'
  return {
    number: pull.number,
    title: pull.title,
    author: pull.user?.login ?? '',
    headCommit: pull.head.sha,
    headRef: `refs/pull/${pull.number}/head`,
    baseBranch: pull.base.ref,
    // A fork that was deleted has no repository any more.
    fromFork: pull.head.repo === null || pull.head.repo.id !== pull.base.repo?.id,
    state: merged ? 'merged' : pull.state === 'open' ? 'open' : 'closed',
    // Before the merge it names a trial one.
    ...(merged && pull.merge_commit_sha !== null && { mergeCommit: pull.merge_commit_sha }),
    updatedAt: pull.updated_at,
    url: pull.html_url,
  }
}

interface IssueComment {
  readonly id: number
  readonly user: { readonly login: string } | null
  readonly body?: string
  readonly created_at: string
  readonly updated_at: string
  readonly html_url: string
}

const commentOf = ({ id, user, body, created_at, updated_at, html_url }: IssueComment) => ({
  id: String(id),
  author: user?.login ?? '',
  body: body ?? '',
  createdAt: created_at,
  updatedAt: updated_at,
  url: html_url,
})

const verdicts: Readonly<Record<string, Review['verdict']>> = {
  APPROVED: 'approved',
  CHANGES_REQUESTED: 'rejected',
  DISMISSED: 'dismissed',
  COMMENTED: 'comment',
}

interface PullReview {
  readonly user: { readonly login: string } | null
  readonly state: string
  readonly commit_id: string | null
  readonly submitted_at?: string
}

/** A pending review is not said yet. */
function reviewOf({ user, state, commit_id, submitted_at }: PullReview): readonly Review[] {
  const verdict = verdicts[state]
  if (user === null || verdict === undefined || submitted_at === undefined) return []
  return [{ login: user.login, verdict, commit: commit_id ?? '', at: submitted_at }]
}
