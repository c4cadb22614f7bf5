import type { Json } from '../../engine/core/json.ts'
import { type Answer, type Asked, type FakeForge, page, serveForge } from './forge-server.ts'
import { type FakeComment, type FakePull, type ForgeState, headOf, updatedAt } from './forge-state.ts'

const root = '/api/v4'

export interface GitlabOptions {
  readonly state: ForgeState
  /** The project's path. */
  readonly repository: string
  readonly token: string
  readonly login: string
  /** Access levels: 10 guest, 20 reporter, 30 developer, 40 maintainer, 50 owner. */
  readonly levels: Readonly<Record<string, number>>
}

/** GitLab's REST API, version 4, as far as it is used; shapes from its documentation (18.x). */
export function startGitlab({ state, repository, token, login, levels }: GitlabOptions): Promise<FakeForge> {
  const at = `/projects/${encodeURIComponent(repository)}`
  const notFound: Answer = { status: 404, body: { message: '404 Not found' } }
  const people = [...Object.keys(levels), 'stranger']
  const withPull = (work: (pull: FakePull, asked: Asked) => Answer) => (asked: Asked) => {
    const pull = state.pull(Number(asked.part[0]))
    return pull ? work(pull, asked) : notFound
  }
  const routes = {
    'GET /user': () => ({ status: 200, body: { id: 1, username: login, state: 'active' } }),
    'GET /users': (asked: Asked) => {
      const found = people.filter(name => name.toLowerCase() === asked.query.get('username')?.toLowerCase())
      return page(
        found.map(username => ({ id: people.indexOf(username), username, state: 'active' })),
        asked,
        root,
        20,
      )
    },
    [`GET ${at}/members/all/:id`]: ({ part }: Asked) => {
      const username = people[Number(part[0])] ?? ''
      const level = levels[username]
      if (level === undefined) return { status: 404, body: { message: '404 Member Not Found' } }
      return { status: 200, body: { id: Number(part[0]), username, state: 'active', access_level: level } }
    },
    [`GET ${at}/merge_requests/:iid`]: withPull(pull => ({ status: 200, body: mergeRequestOf(pull, repository) })),
    [`GET ${at}/merge_requests`]: (asked: Asked) => {
      const found = state.pulls.filter(
        ({ base, state }) => base === asked.query.get('target_branch') && state === 'open',
      )
      return page(
        found.map(pull => mergeRequestOf(pull, repository)),
        asked,
        root,
        20,
      )
    },
    [`GET ${at}/merge_requests/:iid/notes`]: withPull(({ comments }, asked) =>
      page(comments.map(noteOf), asked, root, 20),
    ),
    [`POST ${at}/merge_requests/:iid/notes`]: withPull(({ number }, { body }) => ({
      status: 201,
      body: noteOf(state.addComment(number, login, String(body.body))),
    })),
    [`PUT ${at}/merge_requests/:iid/notes/:id`]: withPull((_pull, { part, body }) => {
      const edited = state.editComment(Number(part[1]), String(body.body))
      return edited ? { status: 200, body: noteOf(edited) } : notFound
    }),
    [`POST ${at}/statuses/:sha`]: ({ part, body }: Asked) => {
      const [commit = '', context] = [part[0], String(body.name)]
      const told = { commit, context, state: String(body.state), description: String(body.description) }
      const before = state.statuses.findLast(status => status.commit === commit && status.context === context)
      if (before?.state === told.state) {
        const message = 'Cannot transition status via :enqueue from :pending (Reason(s): Status cannot transition)'
        return { status: 400, body: { message } }
      }
      state.statuses.push({ ...told, url: typeof body.target_url === 'string' ? body.target_url : undefined })
      return { status: 201, body: { status: told.state, name: context } }
    },
    [`GET ${at}/merge_requests/:iid/approvals`]: withPull(({ reviews }) => {
      const last = new Map(reviews.map(review => [review.by, review]))
      const given = [...last.values()].filter(({ verdict }) => verdict === 'APPROVED')
      const approved_by = given.map(({ by, at: approved_at }) => ({ user: { username: by }, approved_at }))
      return { status: 200, body: { approved: given.length > 0, approved_by } }
    }),
    [`GET ${at}/merge_requests/:iid/versions`]: withPull(({ heads }, asked) =>
      page(
        heads.toReversed().map(({ commit, at: created_at }, id) => ({ id, head_commit_sha: commit, created_at })),
        asked,
        root,
        20,
      ),
    ),
  }
  return serveForge(root, routes, headers =>
    headers['private-token'] === token ? undefined : { status: 401, body: { message: '401 Unauthorized' } },
  )
}

function mergeRequestOf(pull: FakePull, repository: string): Json {
  return {
    iid: pull.number,
    title: `Change ${pull.number}`,
    author: { username: pull.author },
    state: { open: 'opened', merged: 'merged', closed: 'closed' }[pull.state],
    sha: headOf(pull),
    merge_commit_sha: pull.mergeCommit ?? null,
    squash_commit_sha: null,
    source_branch: `branch-${pull.number}`,
    target_branch: pull.base,
    source_project_id: pull.fork ? 2 : 1,
    target_project_id: 1,
    updated_at: updatedAt(pull),
    web_url: `https://gitlab.example/${repository}/-/merge_requests/${pull.number}`,
  }
}

const noteOf = ({ id, by, body, at, editedAt, system = false }: FakeComment): Json => ({
  ...{
    id,
    body,
    author: { username: by },
    created_at: at,
    updated_at: editedAt,
    system,
    noteable_type: 'MergeRequest',
  },
})
