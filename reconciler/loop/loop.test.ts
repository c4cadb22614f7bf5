import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { EngineError, systemPorts } from '../../engine/index.ts'
import { createWorld, type World } from '../fixtures/world.ts'
import { previewRequest } from '../jobs/requests.ts'
import { sourceById } from '../records/source-records.ts'
import type { Repository } from '../sources/repository.ts'
import type { Connections } from './connections.ts'
import { createLoop, type Loop } from './loop.ts'

let world: World
let loop: Loop | undefined
beforeEach(async () => {
  world = await createWorld()
})
afterEach(async () => {
  await loop?.stop()
  loop = undefined
  await world.close()
})

/** A git server that is silent until whoever asks gives up. */
async function silence(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
}

/** Starts the loop; git does what the test says. */
async function start(
  fetch: (signal: AbortSignal | undefined) => Promise<never>,
  forgeOf: Connections['forgeOf'] = async () => undefined,
): Promise<Loop> {
  const { random, trace } = await systemPorts()
  const ports: Partial<Connections> = {
    ...{ store: world.store, clock: world.services.clock, random, trace },
    log: { debug: () => {}, info: () => {}, warn: () => {} },
    repositoryOf: async () =>
      ({ fetch: (_branch, _refs, signal) => fetch(signal) }) as Partial<Repository> as Repository,
    headOf: (_source, signal) => silence(signal),
    forgeOf,
    forgetRemoved: async () => {},
  }
  // What these passes touch.
  loop = createLoop(ports as Connections, world.queue, () => {})
  await loop.start()
  return loop
}

const jobs = async () => (await world.store.jobs({})).map(({ queue, state }) => `${queue} ${state}`)

test('a stop waits for no server that does not answer; its pass is held against nobody and left to the next start', async () => {
  const { id } = await world.source('default', 'infra')
  const asked = vi.fn(silence)
  const { stop } = await start(asked)
  await vi.waitFor(() => expect(asked).toHaveBeenCalled())
  await stop()
  expect(await jobs()).toEqual(['reconcile waiting'])
  const source = await sourceById(world.store, 'default', id)
  expect(source).toMatchObject({ failures: 0, conditions: [{ type: 'Ready', status: 'Unknown' }] })
}, 10_000)

test('what waits for a source that was removed ends without failing', async () => {
  const source = await world.source('default', 'infra')
  await world.queue.enqueue('default', previewRequest(source.id, 7))
  const payload = { source: source.id, run: 'run_1', commit: 'c0ffee', outcome: { type: 'ready' } }
  await world.queue.enqueue('default', { queue: 'commit-status', payload })
  expect(await jobs()).toHaveLength(3)
  await world.services.sources.remove(source, 'test')
  await start(silence)
  await vi.waitFor(async () => expect(await jobs()).toEqual([]))
})

test('a preview never dies of a forge that is down: nothing would wake it once the forge is back', async () => {
  const source = await world.source('default', 'infra')
  await world.services.sources.suspend(source, true, 'test')
  await world.queue.enqueue('default', { ...previewRequest(source.id, 7), maxAttempts: 1 })
  await start(silence, () => Promise.reject(new EngineError('forge_failed', 'the forge is down')))
  const later = world.services.clock.now().getTime() + 600_000
  await vi.waitFor(async () => {
    const [job] = await world.store.jobs({ queue: 'preview' })
    expect(job).toMatchObject({ state: 'waiting', attempts: 0 })
    expect(Date.parse(job?.runAt ?? '')).toBeGreaterThan(later)
  })
})
