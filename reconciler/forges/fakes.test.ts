import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ClosableHttp, createHttp } from '../../engine/net/http.ts'
import { createFakeClock } from '../../test/fakes/clock.ts'
import type { FakeForge } from '../../test/fakes/forge-server.ts'
import { createForgeState, type ForgeState } from '../../test/fakes/forge-state.ts'
import { startGithub } from '../../test/fakes/github-api.ts'
import { startGitlab } from '../../test/fakes/gitlab-api.ts'
import { type ForgeWorld, forgeContract } from './contract.ts'
import type { Forge } from './forge.ts'
import { createForge } from './registry.ts'

const repository = 'infra/pki'
const people = { maintainer: 'alice', reader: 'rita', unknown: 'nobody-here' }
const token = 'right-token'

interface Fake extends ForgeWorld {
  readonly server: FakeForge
  readonly state: ForgeState
}

async function fakeOf(type: 'github' | 'gitlab', bot: string): Promise<Fake> {
  const state = createForgeState()
  const http = createHttp()
  const clock = createFakeClock(new Date('2026-11-21T12:00:00Z'))
  const common = { state, repository, token, login: bot }
  const server =
    type === 'github'
      ? await startGithub({ ...common, permissions: { [people.maintainer]: 'write', [people.reader]: 'read' } })
      : await startGitlab({ ...common, levels: { [people.maintainer]: 40, [people.reader]: 30 } })
  const open = (options: { token?: string; repository?: string }) =>
    createForge({ type, url: server.url, repository, token, http, clock, ...options })
  return {
    server,
    state,
    forge: await open({}),
    bot,
    people,
    open,
    openPull: async ({ base = 'main', fromFork = false } = {}) =>
      state.openPull(people.maintainer, base, fromFork).number,
    push: async number => state.push(number),
    comment: async (number, by, body) => void state.addComment(number, by, body),
    review: async (number, by, verdict) =>
      state.review(number, by, verdict === 'approve' ? 'APPROVED' : 'CHANGES_REQUESTED'),
    merge: async number => state.merge(number),
    status: async (commit, context) =>
      state.statuses.findLast(status => status.commit === commit && status.context === context),
    async stop() {
      await server.stop()
      await http.close()
    },
  }
}

forgeContract('GitHub', () => fakeOf('github', 'trustform-bot'))
forgeContract('GitHub with the token of an App', () => fakeOf('github', 'github-actions[bot]'))
forgeContract('GitLab', () => fakeOf('gitlab', 'project_1_bot'))

describe.each(['github', 'gitlab'] as const)('limits of %s', type => {
  let world: Fake
  let forge: Forge
  beforeEach(async () => {
    world = await fakeOf(type, 'bot')
    forge = world.forge
    await world.openPull()
  })
  afterEach(() => world.stop())

  test('a short wait is waited, and the request sent again', async () => {
    const before = world.server.requests.length
    world.server.next({ status: 429, headers: { 'retry-after': '2' }, body: { message: 'slow down' } })
    expect((await forge.pullRequest(1))?.number).toBe(1)
    expect(world.server.requests.length - before).toBe(2)
  })

  const limits: [what: string, status: number, headers: Record<string, string>, message: string, seconds: number][] = [
    ['a long one is told', 429, { 'retry-after': '90' }, 'slow down', 90],
    ['also for a secondary limit without a time', 403, {}, 'You have exceeded a secondary rate limit.', 60],
    [
      'an exhausted quota says when it is filled',
      403,
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1795262700' },
      'API rate limit exceeded',
      300,
    ],
  ]
  test.each(limits)('%s', async (_what, status, headers, message, seconds) => {
    world.server.next({ status, headers, body: { message } })
    await expect(forge.comments(1)).rejects.toMatchObject({ code: 'backend_rate_limited', retryAfter: seconds })
  })

  const failures: [what: string, status: number, body: { message: string }, code: string, words: RegExp][] = [
    ['a refusal', 403, { message: 'Resource not accessible' }, 'forge_unauthorized', /Resource not accessible/],
    ['a broken server', 502, { message: 'bad gateway' }, 'forge_failed', /answered 502/],
    ['a token in its answer', 422, { message: `no ${token}` }, 'forge_failed', /no \(token\)/],
    ['escapes in its answer', 500, { message: 'a\u001b[2Jb' }, 'forge_failed', /a\ufffd\[2Jb/],
    ['a move', 301, { message: 'Moved Permanently' }, 'forge_failed', /has moved/],
  ]
  test.each(failures)('%s becomes an error of ours', async (_what, status, body, code, words) => {
    world.server.next({ status, body })
    const error = await forge.createComment(1, 'x').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code, message: words })
    expect(String(error)).not.toContain(token)
  })
})

test('GitLab: what it tells itself is no comment', async () => {
  const world = await fakeOf('gitlab', 'bot')
  const number = await world.openPull()
  world.state.addComment(number, 'alice', 'added 1 commit', true)
  await world.comment(number, 'alice', 'hello')
  expect((await world.forge.comments(number)).map(({ body }) => body)).toEqual(['hello'])
  await world.stop()
})

const wrong: [what: string, options: { url?: string; repository?: string; type?: Forge['type'] }][] = [
  ['plain http beyond loopback', { url: 'http://forge.example' }],
  ['a password in the address', { url: 'https://a:b@forge.example' }],
  ['another scheme', { url: 'file:///etc' }],
  ['a repository that climbs', { repository: '../secrets' }],
  ['a repository without owner', { repository: 'pki' }],
  ['a query in the repository', { repository: 'a/b?x=1' }],
]
test.each(wrong)('refused: %s', async (_what, options) => {
  const http = createHttp()
  const clock = createFakeClock(new Date('2026-11-21T12:00:00Z'))
  const given = { type: 'github' as const, repository, token, http, clock, ...options }
  await expect(createForge(given)).rejects.toMatchObject({ code: 'usage' })
})

const guarded: [type: Forge['type']][] = [['github'], ['gitlab'], ['gitea']]
test.each(guarded)('%s: every request takes the way out that it is given', async type => {
  const asked: string[] = []
  const http: Pick<ClosableHttp, 'request'> = {
    request: async ({ url }) => {
      asked.push(url)
      throw new Error('closed')
    },
  }
  const clock = createFakeClock(new Date('2026-11-21T12:00:00Z'))
  const forge = await createForge({ type, url: 'https://forge.example', repository, token, http, clock })
  await Promise.allSettled([
    forge.self(),
    forge.pullRequest(1),
    forge.comments(1),
    forge.mayApprove('x'),
    forge.approvals(1),
  ])
  expect(asked.length).toBeGreaterThanOrEqual(5)
  expect(asked.filter(url => !url.startsWith('https://forge.example/api/'))).toEqual([])
})
