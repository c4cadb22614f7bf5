import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ClosableHttp, createHttp } from '../../engine/index.ts'
import type { FakeForge } from '../../test/fakes/forge-server.ts'
import { createForgeState, type FakePull, type ForgeState, headOf } from '../../test/fakes/forge-state.ts'
import { startGithub } from '../../test/fakes/github-api.ts'
import { createWorld, deletion, type World } from '../fixtures/world.ts'
import { createForge } from '../forges/registry.ts'
import { openPlans } from '../records/plan-records.ts'
import type { Source } from '../sources/source.ts'
import { type Approvals, decideApprovals } from './approvals.ts'
import type { LoopPorts } from './ports.ts'

const [repository, token] = ['infra/pki', 'right-token']

let world: World
let state: ForgeState
let server: FakeForge
let http: ClosableHttp
let source: Source
let opened: FakePull
beforeEach(async () => {
  world = await createWorld()
  state = createForgeState()
  http = await createHttp()
  const permissions = { ann: 'write', ben: 'write', eve: 'read' } as const
  server = await startGithub({ state, repository, token, login: 'bot', permissions })
  source = await world.source('default', 'infra')
  opened = state.openPull('ann', 'main', false)
})
afterEach(async () => {
  await server.stop()
  await http.close()
  await world.close()
})

/** What is decided on a plan by which an authority goes, once it stands in its comment. */
async function decided(): Promise<Approvals> {
  const { clock, random } = world.services
  const forge = await createForge({ type: 'github', url: server.url, repository, token, http, clock })
  const pull = await forge.pullRequest(opened.number)
  const [plan] = await openPlans(world.store, source)
  if (!pull || !plan) throw new Error('there is nothing to decide on')
  // Deciding touches nothing else.
  return decideApprovals({ store: world.store, clock, random } as LoopPorts, source, forge, pull, plan, deletion)
}

const publish = () =>
  world.plan(source, { pullRequest: opened.number, commit: headOf(opened), publishedAt: state.now() })

test('another than the author lets an authority go', async () => {
  await publish()
  state.addComment(opened.number, 'ann', 'trustform apply')
  expect(await decided()).toMatchObject({ approvedBy: [], notices: [expect.stringContaining('only the author')] })
  state.addComment(opened.number, 'ben', 'trustform apply')
  expect(await decided()).toEqual({ approvedBy: ['ben'], notices: [] })
})

test('strangers do not push out who may approve; it is told when there are too many to ask about', async () => {
  await publish()
  const strangers = (from: number, through: number) => {
    for (let n = from; n <= through; n++) state.addComment(opened.number, `stranger${n}`, 'trustform apply')
  }
  state.addComment(opened.number, 'ben', 'trustform apply')
  strangers(1, 100)
  const { approvedBy, notices } = await decided()
  expect(approvedBy).toEqual([])
  expect(notices.at(-1)).toContain('not about 1 before them')
  expect(notices.at(-2)).toContain('stranger100: this account may not approve')
  expect(server.requests.filter(asked => asked.includes('/permission')).length).toBe(100)
  // One of them writes once more, and so does ben: everybody counts once.
  strangers(1, 1)
  state.addComment(opened.number, 'ben', 'trustform apply')
  strangers(2, 60)
  expect(await decided()).toEqual({ approvedBy: ['ben'], notices: [] })
})

test('what was discarded is approved by no comment, before or after', async () => {
  await world.plan(source, { pullRequest: opened.number, commit: headOf(opened), state: 'discarded' })
  state.addComment(opened.number, 'ben', 'trustform apply')
  expect(await decided()).toEqual({ approvedBy: [], notices: [] })
})

test('nobody is made to approve by whoever may edit their words', async () => {
  await publish()
  const { id } = state.addComment(opened.number, 'ben', 'I shall look at this tomorrow')
  state.addComment(opened.number, 'eve', 'me too')
  state.addComment(opened.number, 'ann', 'please do')
  state.editComment(id, 'trustform apply')
  expect(await decided()).toMatchObject({
    approvedBy: [],
    notices: [expect.stringContaining('ben: the comment was edited')],
  })
  state.addComment(opened.number, 'ben', 'trustform apply')
  expect(await decided()).toEqual({ approvedBy: ['ben'], notices: [] })
})
