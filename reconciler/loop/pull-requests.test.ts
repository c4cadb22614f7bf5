import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type ClosableHttp, createHttp } from '../../engine/index.ts'
import type { FakeForge } from '../../test/fakes/forge-server.ts'
import { createForgeState, type ForgeState } from '../../test/fakes/forge-state.ts'
import { startGithub } from '../../test/fakes/github-api.ts'
import { createWorld, type World } from '../fixtures/world.ts'
import { createAnswers } from '../forges/answers.ts'
import { createForge } from '../forges/registry.ts'
import type { ForgeResponse } from '../forges/transport.ts'
import { createManualClock, type ManualClock } from '../jobs/fixtures/manual-clock.ts'
import { saveSource, sourceById } from '../records/source-records.ts'
import type { Source } from '../sources/source.ts'
import type { LoopPorts } from './ports.ts'
import { watchPullRequests } from './pull-requests.ts'

const [repository, token] = ['infra/pki', 'right-token']

let world: World
let clock: ManualClock
let state: ForgeState
let server: FakeForge
let http: ClosableHttp
let source: Source
let stop: AbortController
let watching: Promise<void> | undefined
const woken: number[] = []
const looks = () => server.requests.length
beforeEach(async () => {
  clock = createManualClock()
  world = await createWorld({ clock })
  state = createForgeState()
  http = await createHttp()
  server = await startGithub({ state, repository, token, login: 'bot', permissions: {} })
  const forge = { type: 'github', url: server.url, repository, token: { env: 'TOKEN' } } as const
  source = await world.source('default', 'infra', { forge })
  stop = new AbortController()
  watching = undefined
  woken.length = 0
})
afterEach(async () => {
  stop.abort()
  await watching
  await server.stop()
  await http.close()
  await world.close()
})

function start(more: Partial<LoopPorts> = {}): void {
  const ports: Partial<LoopPorts> = {
    ...{ store: world.store, clock },
    random: { bytes: length => new Uint8Array(length).fill(255) },
    log: { debug: () => {}, info: () => {}, warn: () => {} },
    forgeOf: () => createForge({ type: 'github', url: server.url, repository, token, http, clock }),
    ...more,
  }
  // Watching touches nothing else of what a pass needs.
  watching = watchPullRequests(ports as LoopPorts, async (_source, number) => void woken.push(number), stop.signal)
}

/** What is woken by the next look at the forge. */
async function next(): Promise<number[]> {
  const [before, from] = [looks(), woken.length]
  await vi.waitFor(
    () => {
      clock.pass(5_000)
      // The look after it begins only when this one has woken what it wakes.
      expect(looks()).toBeGreaterThan(before + 1)
    },
    { timeout: 10_000, interval: 1 },
  )
  return woken.slice(from)
}

test('what happens to a pull request wakes its preview once, and nothing else does', async () => {
  const [{ number: quiet }, { number }] = [state.openPull('ann', 'main', false), state.openPull('ann', 'main', false)]
  start()
  await vi.waitFor(() => expect(woken).toEqual([quiet, number]))
  const deeds: [what: string, deed: () => unknown, wakes: number[]][] = [
    ['nothing', () => {}, []],
    ['a push', () => state.push(number), [number]],
    ['a comment', () => state.addComment(number, 'ben', 'trustform apply'), [number]],
    ['a review', () => state.review(number, 'ben', 'APPROVED'), [number]],
    ['a merge', () => state.merge(number), [number]],
    ['nothing after it', () => {}, []],
  ]
  for (const [what, deed, wakes] of deeds) {
    await deed()
    expect(await next(), what).toEqual(wakes)
  }
})

test('a branch that moved wakes every preview, because each stands on it', async () => {
  const { number } = state.openPull('ann', 'main', false)
  start()
  await vi.waitFor(() => expect(woken).toEqual([number]))
  const latest = await sourceById(world.store, 'default', source.id)
  await saveSource({ store: world.store, clock }, latest, { appliedCommit: 'c'.repeat(40) }, 'test')
  expect(await next()).toEqual([number])
})

test('a pull request that ended while the service was stopped is looked at for what it left', async () => {
  await world.plan(source, { pullRequest: 7, state: 'approved' })
  await world.plan(source, { pullRequest: 8, state: 'superseded' })
  start()
  await vi.waitFor(() => expect(woken).toEqual([7]))
  expect(await next()).toEqual([])
})

test('a suspended source asks nobody', async () => {
  state.openPull('ann', 'main', false)
  const latest = await sourceById(world.store, 'default', source.id)
  await saveSource({ store: world.store, clock }, latest, { suspended: true }, 'test')
  // Another one shows that there was a look.
  const { forge } = source.spec
  await world.source('default', 'awake', forge ? { forge } : {})
  start()
  await vi.waitFor(() => expect(woken).toEqual([1]))
  expect(looks()).toBe(1)
})

test('a forge that does not answer keeps no other source from being looked at', async () => {
  const { number } = state.openPull('ann', 'main', false)
  const { forge } = source.spec
  await world.source('default', 'answered', forge ? { forge } : {})
  const silence = new AbortController()
  start({
    async forgeOf({ spec }) {
      if (spec.name === 'infra') await new Promise(resolve => silence.signal.addEventListener('abort', resolve))
      return createForge({ type: 'github', url: server.url, repository, token, http, clock })
    },
  })
  await vi.waitFor(() => expect(woken).toEqual([number]))
  state.push(number)
  await next()
  expect(woken).toEqual([number, number])
  silence.abort()
})

test('a state that cannot be read does not end the watch', async () => {
  const { number } = state.openPull('ann', 'main', false)
  let failures = 0
  const store = new Proxy(world.store, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver)
      if (typeof value !== 'function') return value
      if (name === 'recordsEverywhere' && failures++ === 0) return () => Promise.reject(new Error('the disk is gone'))
      return value.bind(target)
    },
  })
  start({ store })
  await vi.waitFor(() => expect(failures).toBe(1))
  expect(await next()).toEqual([number])
})

/** Looks within so many minutes. */
async function looksWithin(minutes: number): Promise<number> {
  const before = looks()
  for (let second = 0; second < minutes * 60; second += 5) {
    clock.pass(5_000)
    for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve))
  }
  return looks() - before
}

test('while webhooks arrive the forge is asked less often, but at once when the branch moved', async () => {
  const { number } = state.openPull('ann', 'main', false)
  const record = { collection: 'delivery', id: 'one', parent: source.id, data: {} }
  const at = clock.now().toISOString()
  const mutations = [{ type: 'put-record' as const, record, expectedVersion: null }]
  await world.store.commit('default', { mutations, actor: 'webhook', at })
  start()
  await vi.waitFor(() => expect(woken).toEqual([number]))
  const often = await looksWithin(30)
  expect(often).toBeGreaterThan(2)
  expect(often).toBeLessThan(8)
  const latest = await sourceById(world.store, 'default', source.id)
  await saveSource({ store: world.store, clock }, latest, { appliedCommit: 'c'.repeat(40) }, 'test')
  expect(await looksWithin(2)).toBeGreaterThan(0)
  await looksWithin(60)
  // The last one came more than an hour ago.
  expect(await looksWithin(10)).toBeGreaterThan(7)
}, 60_000)

test('a forge that asks for fewer requests is asked again when it said', async () => {
  const { number } = state.openPull('ann', 'main', false)
  server.next({ status: 429, headers: { 'retry-after': '1200' }, body: { message: 'slow down' } })
  start()
  await vi.waitFor(() => expect(looks()).toBe(1))
  expect(await looksWithin(19)).toBe(0)
  expect(await looksWithin(3)).toBeGreaterThan(0)
  expect(woken).toEqual([number])
}, 60_000)

test('a look that finds nothing new costs nothing of the rate', async () => {
  const { number } = state.openPull('ann', 'main', false)
  const answers = createAnswers<ForgeResponse>()
  start({ forgeOf: () => createForge({ type: 'github', url: server.url, repository, token, http, clock, answers }) })
  await vi.waitFor(() => expect(woken).toEqual([number]))
  expect(await next()).toEqual([])
  expect(server.unchanged()).toBeGreaterThan(0)
  state.push(number)
  expect(await next()).toEqual([number])
})
