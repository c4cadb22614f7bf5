import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemPorts } from '../../engine/index.ts'
import { createWorld, type World } from '../fixtures/world.ts'
import { createManualClock } from '../jobs/fixtures/manual-clock.ts'
import { createEgress } from '../net/egress.ts'
import { type Connections, createConnections } from './connections.ts'

const clock = createManualClock()
let world: World
let cacheFolder: string
let connections: Connections
/** A server that neither answers nor hears that nobody waits any more. */
const asked = vi.fn(() => new Promise<never>(() => undefined))
beforeEach(async () => {
  world = await createWorld({ clock })
  cacheFolder = mkdtempSync(join(tmpdir(), 'trustform-caches-'))
  const { random, trace } = await systemPorts()
  const log = { debug: () => {}, info: () => {}, warn: () => {} }
  connections = createConnections({
    ...{ store: world.store, clock, random, log, trace, env: {}, cacheFolder, allowInsecureGit: true },
    ...{ http: { request: asked }, egress: createEgress(['127.0.0.0/8']) },
  })
})
afterEach(async () => {
  await world.close()
  rmSync(cacheFolder, { recursive: true })
})

const silent = { url: 'https://127.0.0.1:1/infra.git' }

test('what was kept for a source goes when it is removed, and nothing of the others', async () => {
  const [gone, stays] = [await world.source('default', 'gone', silent), await world.source('default', 'stays', silent)]
  const engines = await Promise.all([gone, stays].map(connections.engineOf))
  await Promise.all([gone, stays].map(connections.repositoryOf))
  await world.services.sources.remove(gone, 'test')
  await connections.forgetRemoved()
  expect([gone, stays].map(({ id }) => existsSync(join(cacheFolder, id)))).toEqual([false, true])
  expect(await connections.engineOf(stays)).toBe(engines[1])
  // A source of the same name is another one.
  expect(await connections.engineOf(gone)).not.toBe(engines[0])
  await connections.close()
})

test('closing waits no longer than its bound for a server that does not answer', async () => {
  const source = await world.source('default', 'infra', silent)
  void connections.headOf(source, new AbortController().signal)
  await vi.waitFor(() => expect(asked).toHaveBeenCalled())
  let closed = false
  const closing = connections.close().then(() => {
    closed = true
  })
  await new Promise(resolve => setTimeout(resolve))
  expect(closed).toBe(false)
  clock.pass(5_000)
  await closing
})
