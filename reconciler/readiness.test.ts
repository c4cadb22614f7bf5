import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openStore, type StateStore } from '../engine/index.ts'
import { createPulse, createReadiness } from './readiness.ts'

let folder: string
let store: StateStore
let now: number
const clock = { now: () => new Date(now), sleep: () => Promise.resolve() }
const queues = ['reconcile', 'preview']

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'trustform-readiness-'))
  store = await openStore(`sqlite:${join(folder, 'state.db')}`)
  now = Date.parse('2026-11-01T12:00:00.000Z')
})
afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

async function enqueue(queue: string, key = ''): Promise<void> {
  const at = clock.now().toISOString()
  const job = { id: `job_${queue}${key}${now}`, queue, key, payload: {}, runAt: at, maxAttempts: 3 }
  await store.commit('default', { mutations: [{ type: 'enqueue-job', job }], actor: 'test', at })
}
const claim = (queue: string, leaseMs: number) =>
  store.claimJobs({ queues: [queue], limit: 1, now: clock.now(), leaseMs })
const minutes = (count: number) => {
  now += count * 60_000
}

const stuck = 'jobs of the queue reconcile are due and not begun'
const cases: [what: string, happens: (beat: () => void) => Promise<void> | void, want: string | undefined][] = [
  ['a loop that has not begun', () => undefined, 'the loop has not begun'],
  ['a loop that lives', beat => beat(), undefined],
  [
    'a loop that is slow',
    beat => {
      beat()
      minutes(1)
    },
    undefined,
  ],
  [
    'a loop that says nothing any more',
    beat => {
      beat()
      minutes(3)
    },
    'the loop has stopped',
  ],
  [
    'a job that is due since a moment',
    async beat => {
      await enqueue('reconcile')
      minutes(2)
      beat()
    },
    undefined,
  ],
  [
    'a job that nobody begins',
    async beat => {
      await enqueue('reconcile')
      minutes(3)
      beat()
    },
    stuck,
  ],
  [
    'a job that is worked on for long',
    async beat => {
      await enqueue('reconcile')
      await claim('reconcile', 600_000)
      minutes(3)
      beat()
    },
    undefined,
  ],
  [
    'more jobs than hands',
    async beat => {
      await enqueue('reconcile', 'a')
      await enqueue('reconcile', 'b')
      await claim('reconcile', 600_000)
      minutes(3)
      beat()
    },
    undefined,
  ],
  [
    'a queue that is worked on says nothing of another',
    async beat => {
      await enqueue('preview')
      await enqueue('reconcile')
      await claim('preview', 600_000)
      minutes(3)
      beat()
    },
    stuck,
  ],
  [
    'a queue that this process does not know',
    async beat => {
      await enqueue('of-another-version')
      minutes(3)
      beat()
    },
    undefined,
  ],
  [
    'both at once',
    async beat => {
      beat()
      await enqueue('reconcile')
      minutes(3)
    },
    `the loop has stopped; ${stuck}`,
  ],
  [
    'a state that cannot be read, without its words',
    async beat => {
      beat()
      await store.close()
    },
    'the state cannot be read',
  ],
]
test.each(cases)('%s', async (_what, happens, want) => {
  const pulse = createPulse(clock)
  const unready = createReadiness({ store, clock, pulse, queues })
  await happens(pulse.beat)
  expect(await unready()).toBe(want)
})
