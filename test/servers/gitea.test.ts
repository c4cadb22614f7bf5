import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../engine/composition/system.ts'
import { code, fenced, prose } from '../../engine/core/markdown.ts'
import { createHttp } from '../../engine/net/http.ts'
import { samplePlan } from '../../engine/planner/fixtures/documents.ts'
import { type ForgeWorld, forgeContract } from '../../reconciler/forges/contract.ts'
import { receiveHook } from '../../reconciler/forges/hooks/receive.ts'
import { createForge } from '../../reconciler/forges/registry.ts'
import { publishPreview } from '../../reconciler/previews/publish.ts'
import { catchHooks, type GiteaUser, type RunningGitea, startGitea } from './gitea.ts'
import { createGiteaWorld } from './gitea-world.ts'

let gitea: RunningGitea
let world: ForgeWorld & { readonly repository: string }
beforeAll(async () => {
  gitea = await startGitea()
  world = await giteaWorld(gitea)
})
afterAll(async () => {
  await world?.stop()
  await gitea?.stop()
})

async function giteaWorld(gitea: RunningGitea): Promise<ForgeWorld & { readonly repository: string }> {
  const team = await createGiteaWorld(gitea, 'pki')
  const { repository, bot, alice, rita, api, user } = team
  await gitea.commit(alice, repository, 'other', 'other.txt', 'other')
  const http = createHttp()
  const heads = new Map<number, { readonly repository: string; readonly branch: string; readonly as: GiteaUser }>()
  const open = (options: { token?: string; repository?: string }) =>
    createForge({ type: 'gitea', url: gitea.url, repository, token: bot.token, http, clock: systemClock, ...options })
  let count = 0
  let fork: string | undefined
  return {
    repository,
    forge: await open({}),
    bot: 'bot',
    people: { maintainer: 'alice', reader: 'rita', unknown: 'nobody-here' },
    open,
    async openPull({ base = 'main', fromFork = false } = {}) {
      const branch = `change-${++count}`
      if (fromFork && fork === undefined) {
        await api(rita, 'POST', 'forks', {})
        fork = 'rita/pki'
      }
      const [as, where] = fromFork ? [rita, 'rita/pki'] : [alice, repository]
      await gitea.commit(as, where, branch, `${branch}.txt`, 'one')
      const head = fromFork ? `rita:${branch}` : branch
      const made = await api(as, 'POST', 'pulls', { base, head, title: branch })
      const { number } = made as { number: number } // its API
      heads.set(number, { repository: where, branch, as })
      return number
    },
    async push(number) {
      const head = heads.get(number)
      if (!head) throw new Error(`no pull request ${number}`)
      const commit = await gitea.commit(head.as, head.repository, head.branch, `${number}-${++count}.txt`, 'more')
      // Gitea moves the pull request's head in the background.
      while ((await world.forge.pullRequest(number))?.headCommit !== commit) await systemClock.sleep(50)
      return commit
    },
    comment: (number, by, body) => team.comment(number, user(by), body),
    review: async (number, by, verdict) =>
      void (await api(user(by), 'POST', `pulls/${number}/reviews`, {
        event: verdict === 'approve' ? 'APPROVED' : 'REQUEST_CHANGES',
        body: verdict,
      })),
    merge: number => team.merge(number),
    status: team.status,
    stop: () => http.close(),
  }
}

// The tests below go on in the same world.
forgeContract('Gitea', async () => ({ ...world, stop: async () => {} }))

describe('webhooks of Gitea', () => {
  test('are authentic with the secret alone, and hint at what happened', async () => {
    const hooks = await catchHooks()
    try {
      const [secret, number] = ['of the hook', await world.openPull()]
      await gitea.createHook(world.repository, hooks.url, secret)
      const received = (event: string) =>
        hooks
          .next(({ headers }) => headers['x-gitea-event'] === event)
          .then(found => receiveHook('gitea', secret, found)?.hint)
      await world.push(number)
      expect(await received('push')).toEqual({ type: 'push', branch: expect.stringMatching(/^change-/) })
      await world.comment(number, 'alice', 'trustform apply')
      expect(await received('issue_comment')).toEqual({
        type: 'comment',
        number,
        body: 'trustform apply',
        author: 'alice',
      })
      await world.review(number, 'rita', 'approve')
      expect(await received('pull_request_approved')).toEqual({ type: 'pull-request', number })
      const [first] = hooks.deliveries
      expect(first && receiveHook('gitea', 'another', first)).toBeUndefined()
      expect(
        first && receiveHook('gitea', secret, { ...first, body: Buffer.concat([first.body, Buffer.from(' ')]) }),
      ).toBe(undefined)
      // Gitea signs in GitHub's way too.
      expect(first && receiveHook('github', secret, first)).toBeDefined()
    } finally {
      await hooks.stop()
    }
  })
})

describe('what Gitea makes of our Markdown', () => {
  const rendered = async (text: string) => {
    const response = await fetch(`${gitea.url}/api/v1/markdown`, {
      method: 'POST',
      headers: { authorization: `token ${gitea.admin.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ Mode: 'comment', Text: text, Context: world.repository }),
    })
    return response.text()
  }

  const hostile = [
    '@alice please',
    'fixes #1 and infra/pki#2',
    'see https://evil.example and www.evil.example',
    '![x](https://evil.example/beacon.png)',
    '<img src=x onerror=alert(1)><script>alert(1)</script>',
    '</details><h1>approved</h1>',
    '`` ` ``` closes `` it',
    '--> <!-- trustform:infra -->',
    'a | b | c',
    ':tada: $x$ ~~gone~~ **bold** _it_',
    '\n\n# heading\n- list\n/close',
  ]
  test.each(hostile)('nothing: %j', async text => {
    const markdown = `| a | b |\n| --- | --- |\n| ${prose(text).replaceAll('|', '¦')} | ${code(text).replaceAll('|', '¦')} |\n\n${fenced(text.split('\n'))}\n`
    const html = await rendered(markdown)
    const tags = new Set([...html.matchAll(/<\/?([a-z0-9]+)/g)].map(([, tag]) => tag))
    expect([...tags].filter(tag => !/^(table|thead|tbody|tr|th|td|code|pre|div|span)$/.test(tag ?? ''))).toEqual([])
    expect(html.match(/<td>/g)).toHaveLength(2)
  })

  test('a preview: one comment, one status, in place', async () => {
    const number = await world.openPull()
    const commit = (await world.forge.pullRequest(number))?.headCommit ?? ''
    const context = { source: 'infra', commit, url: 'https://pki.example/plans/1', apply: 'merge' as const }
    await publishPreview(world.forge, number, { type: 'pending' }, context)
    await publishPreview(world.forge, number, { type: 'plan', document: samplePlan }, context)
    const comments = await world.forge.comments(number)
    expect(comments.map(({ body }) => body.split('\n')[1])).toEqual([
      '### ⛔ Trustform plan for `infra`: 6 changes, cannot be applied',
    ])
    expect(await world.status(commit, 'trustform/infra')).toMatchObject({ state: 'failure' })
    const html = await rendered(comments[0]?.body ?? '')
    expect(html.match(/<details>/g)).toHaveLength(3)
    expect(html.match(/<tr>/g)).toHaveLength(7)
  })
})
