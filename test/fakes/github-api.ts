import type { Json } from '../../engine/core/json.ts'
import { type Answer, type Asked, type FakeForge, page, serveForge } from './forge-server.ts'
import { type FakeComment, type FakePull, type ForgeState, headOf, updatedAt } from './forge-state.ts'

const root = '/api/v3'

export interface GithubOptions {
  readonly state: ForgeState
  readonly repository: string
  readonly token: string
  /** Whom the token acts as; a name with `[bot]` is an App's, which is no user. */
  readonly login: string
  /** What each may do: admin, write, read. */
  readonly permissions: Readonly<Record<string, string>>
}

/** GitHub Enterprise Server's REST API, version 2022-11-28, as far as it is used; shapes from its documentation. */
export function startGithub({ state, repository, token, login, permissions }: GithubOptions): Promise<FakeForge> {
  const at = `/repos/${repository}`
  const notFound: Answer = {
    status: 404,
    body: { message: 'Not Found', documentation_url: 'https://docs.github.com/rest' },
  }
  const withPull = (work: (pull: FakePull, asked: Asked) => Answer) => (asked: Asked) => {
    const pull = state.pull(Number(asked.part[0]))
    return pull ? work(pull, asked) : notFound
  }
  const routes = {
    'GET /user': () =>
      login.endsWith('[bot]')
        ? { status: 403, body: { message: 'Resource not accessible by integration' } }
        : { status: 200, body: { login, id: 1, type: 'User' } },
    [`GET ${at}/pulls/:number`]: withPull(pull => ({ status: 200, body: pullOf(pull, repository) })),
    [`GET ${at}/pulls`]: (asked: Asked) => {
      const found = state.pulls.filter(
        ({ base, state }) => base === asked.query.get('base') && state === asked.query.get('state'),
      )
      return page(
        found.map(pull => pullOf(pull, repository)),
        asked,
        '',
        30,
      )
    },
    [`GET ${at}/issues/:number/comments`]: withPull(({ comments }, asked) =>
      page(comments.map(commentOf), asked, '', 30),
    ),
    [`POST ${at}/issues/:number/comments`]: withPull(({ number }, { body }) => {
      const text = String(body.body)
      if (text.length > 65_536)
        return { status: 422, body: { message: 'Validation Failed', errors: ['body is too long'] } }
      return { status: 201, body: commentOf(state.addComment(number, login, text)) }
    }),
    [`PATCH ${at}/issues/comments/:id`]: ({ part, body }: Asked) => {
      const edited = state.editComment(Number(part[0]), String(body.body))
      return edited ? { status: 200, body: commentOf(edited) } : notFound
    },
    [`POST ${at}/statuses/:sha`]: ({ part, body }: Asked) => {
      const description = String(body.description)
      if (description.length > 140) return { status: 422, body: { message: 'Validation Failed' } }
      const url = typeof body.target_url === 'string' ? body.target_url : undefined
      const told = { state: String(body.state), context: String(body.context), description, url }
      state.statuses.push({ commit: part[0] ?? '', ...told })
      return { status: 201, body: { state: told.state, context: told.context, description } }
    },
    [`GET ${at}/collaborators/:login/permission`]: ({ part }: Asked) => {
      const permission = permissions[part[0] ?? '']
      if (permission === undefined) return notFound
      return { status: 200, body: { permission, role_name: permission, user: { login: part[0] ?? '' } } }
    },
    [`GET ${at}/pulls/:number/reviews`]: withPull(({ reviews }, asked) =>
      page(
        reviews.map(({ by, verdict, commit, at: submitted_at }, id) => ({
          ...{ id, user: { login: by }, state: verdict, commit_id: commit, submitted_at, body: '' },
        })),
        asked,
        '',
        30,
      ),
    ),
  }
  const viewer = () => ({ status: 200, body: { data: { viewer: { login } } } })
  // GraphQL is beside the REST API, not below it.
  return serveForge('', { ...prefixed(routes), 'POST /api/graphql': viewer }, ({ authorization }) =>
    authorization === `token ${token}` || authorization === `Bearer ${token}`
      ? undefined
      : { status: 401, body: { message: 'Bad credentials' } },
  )
}

function prefixed<T>(routes: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(routes).map(([route, work]) => [route.replace(' ', ` ${root}`), work]))
}

function pullOf(pull: FakePull, repository: string): Json {
  const merged = pull.state === 'merged'
  return {
    number: pull.number,
    title: `Change ${pull.number}`,
    user: { login: pull.author },
    state: pull.state === 'open' ? 'open' : 'closed',
    merged_at: merged ? '2026-11-21T13:00:00Z' : null,
    // Of an open one it names a trial merge.
    merge_commit_sha: pull.mergeCommit ?? 'f'.repeat(40),
    head: { ref: `branch-${pull.number}`, sha: headOf(pull), repo: { id: pull.fork ? 2 : 1 } },
    base: { ref: pull.base, sha: '0'.repeat(40), repo: { id: 1 } },
    updated_at: updatedAt(pull),
    html_url: `https://github.example/${repository}/pull/${pull.number}`,
  }
}

const commentOf = ({ id, by, body, at, editedAt }: FakeComment): Json => ({
  ...{ id, user: { login: by }, body, created_at: at, updated_at: editedAt },
  html_url: `https://github.example/comments#issuecomment-${id}`,
})
