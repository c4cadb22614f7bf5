import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Log, newId, openStore, systemPorts } from '../engine/index.ts'
import { beTheService } from './one-service.ts'

const quiet: Log = { debug: () => {}, info: () => {}, warn: () => {} }

test('a second service on a state is refused, and the next one takes up what the first left running', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'trustform-one-'))
  const { clock, random } = await systemPorts()
  const store = await openStore(`sqlite:${join(folder, 'state.db')}`)
  try {
    const ports = { store, log: quiet, clock }
    const first = await beTheService(ports, 0)
    const job = { id: newId('job', random), queue: 'q', key: '', payload: {}, runAt: clock.now().toISOString() }
    const at = clock.now().toISOString()
    await store.commit('default', {
      mutations: [{ type: 'enqueue-job', job: { ...job, maxAttempts: 3 } }],
      actor: 'test',
      at,
    })
    const claim = () => store.claimJobs({ queues: ['q'], limit: 1, now: clock.now(), leaseMs: 60_000 })
    expect(await claim()).toHaveLength(1)
    await expect(beTheService(ports, 0)).rejects.toMatchObject({ code: 'state_locked' })
    expect(await claim(), 'the refused one took nothing').toEqual([])
    await first.release()
    const next = await beTheService(ports, 0)
    expect(await claim()).toMatchObject([{ id: job.id, attempts: 2 }])
    await next.release()
  } finally {
    await store.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
