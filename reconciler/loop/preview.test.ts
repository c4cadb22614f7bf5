import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { type ClosableHttp, createEngine, createHttp, EngineError, fileSystem } from '../../engine/index.ts'
import type { FakeForge } from '../../test/fakes/forge-server.ts'
import { createForgeState, type ForgeState, headOf } from '../../test/fakes/forge-state.ts'
import { startGithub } from '../../test/fakes/github-api.ts'
import { createWorld, type World } from '../fixtures/world.ts'
import { createForge } from '../forges/registry.ts'
import type { Repository } from '../sources/repository.ts'
import { ownerOf } from '../sources/source.ts'
import type { LoopPorts } from './ports.ts'
import { previewPullRequest } from './preview.ts'

const [name, token] = ['infra/pki', 'right-token']

let world: World
let state: ForgeState
let server: FakeForge
let http: ClosableHttp
beforeEach(async () => {
  world = await createWorld()
  state = createForgeState()
  http = await createHttp()
  server = await startGithub({ state, repository: name, token, login: 'bot', permissions: {} })
})
afterEach(async () => {
  await server.stop()
  await http.close()
  await world.close()
})

const authority = JSON.stringify({
  ...{ apiVersion: 'trustform/v1', kind: 'CertificateAuthority', metadata: { name: 'one' } },
  spec: { type: 'root', commonName: 'one', keyType: 'ec' },
})

test('a discarded plan says so where it stood, and by whom', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'trustform-preview-'))
  const source = await world.source('default', 'infra', { paths: [folder], autoApply: false })
  writeFileSync(join(folder, 'all.yaml'), authority)
  const { clock, random, plans } = world.services
  const env = { TRUSTFORM_MASTER_KEY: randomBytes(32).toString('base64') }
  const engine = await createEngine({ state: world.store, owner: ownerOf(source), env, random })
  onTestFinished(async () => {
    await engine.close()
    rmSync(folder, { recursive: true })
  })
  const { number, ...opened } = state.openPull('ann', 'main', false)
  const files = await fileSystem()
  const repository: Partial<Repository> = {
    fetch: async (_branch, [ref = ''] = []) => ({
      head: 'a'.repeat(40),
      refs: new Map([[ref, headOf({ ...opened, number })]]),
    }),
    merge: async () => ({ type: 'merged', commit: 'b'.repeat(40) }),
    filesAt: () => files,
  }
  const ports: Partial<LoopPorts> = {
    ...{ store: world.store, clock, random, engineOf: async () => engine, signaturesOf: async () => undefined },
    forgeOf: () => createForge({ type: 'github', url: server.url, repository: name, token, http, clock }),
    repositoryOf: async () => repository as Repository, // what a preview asks of it
  }
  const { signal } = new AbortController()
  // A preview touches nothing else.
  const look = () => previewPullRequest(ports as LoopPorts, source, number, { signal, isLast: false })
  await look()
  const [plan] = (await plans.list('default', {}, { limit: 10 })).items
  if (!plan) throw new Error('nothing was planned')
  await plans.discard(plan, 'key_ada')
  state.addComment(number, 'ann', 'trustform apply')
  await look()
  const told = opened.comments.map(({ body }) => body).join('\n')
  expect(told).toContain('Discarded by **`key_ada`**')
  expect(told).not.toContain('To apply it')
  expect(state.statuses.at(-1)).toMatchObject({ state: 'failure' })
  expect((await plans.list('default', {}, { limit: 10 })).items.map(each => each.state)).toEqual(['discarded'])
})

/** An attempt at a pull request whose repository fails so; answers what is then to be read on the forge. */
async function attempt(error: Error, isLast: boolean) {
  const source = await world.source('default', 'infra')
  const opened = state.openPull('ann', 'main', false)
  const { clock, random } = world.services
  const ports: Partial<LoopPorts> = {
    ...{ store: world.store, clock, random },
    forgeOf: () => createForge({ type: 'github', url: server.url, repository: name, token, http, clock }),
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
