import {
  Commits,
  MergeRequestApprovals,
  MergeRequestNotes,
  MergeRequests,
  ProjectMembers,
  Users,
} from '@gitbeaker/rest'
import { EngineError } from '../../../engine/index.ts'
import type { CommitStatus, Forge, PullRequest } from '../forge.ts'
import type { OpenedForgeOptions } from '../options.ts'
import { statusLine } from '../status.ts'
import { createTransport } from '../transport.ts'
import { NotFound, requesterOver } from './requester.ts'

/** The lowest role that may merge into a protected branch as GitLab protects it by itself: Maintainer. */
const maintainer = 40

/** GitLab's states; it knows no difference between a failed check and one that could not be made. */
const states = { pending: 'pending', success: 'success', failure: 'failed', error: 'failed' } as const satisfies Record<
  CommitStatus['state'],
  string
>

/** GitLab, by Gitbeaker over our way out. */
export async function open(options: OpenedForgeOptions): Promise<Forge> {
  const { root, token, repository } = options
  const forge = `GitLab at ${new URL(root).host}`
  const requesterFn = requesterOver(createTransport({ ...options, forge }), forge, token)
  const sdk = { host: root, token, requesterFn }
  const mergeRequests = new MergeRequests(sdk)
  const approvals = new MergeRequestApprovals(sdk)
  const notes = new MergeRequestNotes(sdk)
  const commits = new Commits(sdk)
  const members = new ProjectMembers(sdk)
  const users = new Users(sdk)
  const pages = { perPage: 100 }

  async function ask<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof NotFound) return undefined
      throw error
    }
  }

  async function demand<T>(what: string, work: () => Promise<T>): Promise<T> {
    const found = await ask(work)
    if (found !== undefined) return found
    throw new EngineError('forge_failed', `${forge} knows no ${what} of ${repository}`, {
      remedy: 'check the project and that the token has the scope api and the role Developer or more',
    })
  }

  // GitLab does not tell a note's own address.
  const noted = (number: number) => (found: object) =>
    commentOf(found, `${root}/${repository}/-/merge_requests/${number}`)

  let own: Promise<string> | undefined
  return {
    type: 'gitlab',
    commentLimit: 1_000_000,

    self() {
      own ??= demand('user', () => users.showCurrentUser()).then(({ username }) => username)
      own.catch(() => {
        own = undefined
      })
      return own
    },

    async pullRequest(number) {
      const found = await ask(() => mergeRequests.show(repository, number))
      return found && pullRequestOf(found)
    },

    async openPullRequests(baseBranch) {
      const found = await demand('merge requests', () =>
        mergeRequests.all({ projectId: repository, state: 'opened', targetBranch: baseBranch, ...pages }),
      )
      return found.map(pullRequestOf)
    },

    async comments(number) {
      const found = await demand(`merge request ${number}`, () =>
        notes.all(repository, number, { sort: 'asc', orderBy: 'created_at', ...pages }),
      )
      // What GitLab itself tells stands between the people's notes.
      return found.filter(({ system }) => !system).map(noted(number))
    },

    async createComment(number, body) {
      return noted(number)(await demand(`merge request ${number}`, () => notes.create(repository, number, body)))
    },

    async updateComment(number, id, body) {
      return noted(number)(await demand(`note ${id}`, () => notes.edit(repository, number, Number(id), { body })))
    },

    async setStatus(commit, { state, description, url, context }) {
      const told = { name: context, description: statusLine(description), ...(url !== undefined && { targetUrl: url }) }
      try {
        await demand(`commit ${commit}`, () => commits.editStatus(repository, commit, states[state], told))
      } catch (error) {
        // GitLab refuses to set the state that is set already (as documented; not tried on the live service).
        const status = error instanceof EngineError ? error.details?.status : undefined
        if (status === 400 && error instanceof Error && /cannot transition status/i.test(error.message)) return
        throw error
      }
    },

    async mayApprove(login) {
      const found = await demand('users', () => users.all({ username: login }))
      // The search ignores case; names are told in theirs.
      const user = found.find(({ username }) => username.toLowerCase() === login.toLowerCase())
      if (user === undefined || user.state !== 'active') return false
      const member = await ask(() => members.show(repository, user.id, { includeInherited: true }))
      return member !== undefined && member.state === 'active' && member.access_level >= maintainer
    },

    async approvals(number) {
      const [told, versions] = [
        await demand(`merge request ${number}`, () =>
          approvals.showConfiguration(repository, { mergerequestIId: number }),
        ),
        await demand(`merge request ${number}`, () => mergeRequests.allDiffVersions(repository, number)),
      ]
      const pushed = Math.max(...versions.map(({ created_at }) => Date.parse(created_at)))
      // A project may let approvals outlive a push; ours are for the commits that were there.
      return approvedBy(told).flatMap(({ username, at }) => (Date.parse(at) >= pushed ? [username] : []))
    },
  }
}

interface MergeRequest {
  readonly iid: number
  readonly title: string
  readonly author: { readonly username: string } | null
  readonly sha: string
  readonly target_branch: string
  readonly source_project_id: number | null
  readonly target_project_id: number
  readonly state: string
  readonly merge_commit_sha?: unknown
  readonly squash_commit_sha?: unknown
  readonly updated_at: string
  readonly web_url: string
}

function pullRequestOf(found: object): PullRequest {
  const request = found as MergeRequest // the fields of GitLab's API that are used; some of the SDK's types are narrower
  const merged = request.state === 'merged'
  // A fast-forward makes no commit of its own.
  const made = [request.merge_commit_sha, request.squash_commit_sha, request.sha].find(sha => typeof sha === 'string')
  return {
    number: request.iid,
    title: request.title,
    author: request.author?.username ?? '',
    headCommit: request.sha,
    headRef: `refs/merge-requests/${request.iid}/head`,
    baseBranch: request.target_branch,
    fromFork: request.source_project_id !== request.target_project_id,
    // `locked` is the moment of merging.
    state: merged ? 'merged' : request.state === 'closed' ? 'closed' : 'open',
    ...(merged && typeof made === 'string' && { mergeCommit: made }),
    updatedAt: request.updated_at,
    url: request.web_url,
  }
}

interface Note {
  readonly id: number
  readonly author: { readonly username: string }
  readonly body: string
  readonly created_at: string
  readonly updated_at: string
}

function commentOf(found: object, request: string) {
  const { id, author, body, created_at, updated_at } = found as Note // as above
  const at = { createdAt: created_at, updatedAt: updated_at }
  return { id: String(id), author: author.username, body, ...at, url: `${request}#note_${id}` }
}

interface Approvals {
  readonly approved_by?: readonly { readonly user: { readonly username: string }; readonly approved_at?: string }[]
}

/** Who approved, and when; GitLab before 18 does not tell when, and such an approval binds to nothing. */
function approvedBy(told: object): readonly { readonly username: string; readonly at: string }[] {
  const { approved_by = [] } = told as Approvals // as above
  return approved_by.map(({ user, approved_at = '' }) => ({ username: user.username, at: approved_at }))
}
