import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ClosableHttp, createHttp, EngineError } from '../../engine/index.ts'
import type { FakeForge } from '../../test/fakes/forge-server.ts'
import { createForgeState, type ForgeState, headOf } from '../../test/fakes/forge-state.ts'
import { startGithub } from '../../test/fakes/github-api.ts'
import { createWorld, type World } from '../fixtures/world.ts'
import { createForge } from '../forges/registry.ts'
import type { LoopPorts } from './ports.ts'
import { previewPullRequest } from './preview.ts'

const [repository, token] = ['infra/pki', 'right-token']

let world: World
let state: ForgeState
let server: FakeForge
let http: ClosableHttp
beforeEach(async () => {
  world = await createWorld()
  state = createForgeState()
  http = await createHttp()
  server = await startGithub({ state, repository, token, login: 'bot', permissions: {} })
})
afterEach(async () => {
  await server.stop()
  await http.close()
  await world.close()
})

/** An attempt at a pull request whose repository fails so; answers what is then to be read on the forge. */
async function attempt(error: Error, isLast: boolean) {
  const source = await world.source('default', 'infra')
  const opened = state.openPull('ann', 'main', false)
  const { clock, random } = world.services
  const ports: Partial<LoopPorts> = {
    ...{ store: world.store, clock, random },
    forgeOf: () => createForge({ type: 'github', url: server.url, repository, token, http, clock }),
    repositoryOf: () => Promise.reject(error),
  }
  const { signal } = new AbortController()
  // It fails before it touches anything else.
  const done = previewPullRequest(ports as LoopPorts, source, opened.number, { signal, isLast })
  await expect(done).rejects.toBe(error)
  const told = state.statuses.filter(({ commit }) => commit === headOf(opened)).map(each => each.state)
  return { comments: opened.comments.map(({ body }) => body).join('\n'), told }
}

const down = new EngineError('git_unreachable', 'git.example gave no answer')

test('what may pass by itself is not told at once', async () => {
  expect(await attempt(down, false)).toEqual({ comments: '', told: [] })
})

test('what did not pass is told where people wait for the plan', async () => {
  const { comments, told } = await attempt(down, true)
  expect(comments).toContain('it could not be made')
  expect(comments).toContain('git.example gave no answer')
  expect(comments).toContain('it is tried again by itself')
  expect(told).toEqual(['error'])
})

test('the words of a bug are not', async () => {
  const { comments, told } = await attempt(new SyntaxError('Unexpected token in "hunter2"'), true)
  expect(comments).toContain('an internal error')
  expect(comments).not.toContain('hunter2')
  expect(told).toEqual(['error'])
})
