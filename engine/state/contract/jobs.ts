import { expect, test } from 'vitest'
import type { JobClaim } from '../records.ts'
import type { Mutation, StateStore } from '../store.ts'
import { at, codeOf, commit, draft, job, put, record, type StoreUnderTest, tenant } from './samples.ts'

const now = new Date(at)
const after = (ms: number) => new Date(now.getTime() + ms)

/** Work to be done later. */
export function jobs({ open, again }: StoreUnderTest): void {
  const claim = (store: StateStore, changed: Partial<JobClaim> = {}) =>
    store.claimJobs({ queues: ['work'], limit: 10, now, leaseMs: 1000, ...changed })
  const claimed = async (store: StateStore, changed: Partial<JobClaim> = {}) =>
    (await claim(store, changed)).map(({ id }) => id)
  const finish = (id: string, attempt = 1): Mutation => ({ type: 'finish-job', id, attempt })
  const giveBack = (id: string, attempt: number, runAt = at): Mutation => ({
    type: 'return-job',
    id,
    attempt,
    runAt,
    error: 'no answer',
  })

  test('a claimed job is what was enqueued, with its tenant, attempt and lease', async () => {
    const store = await open()
    await commit(store, [job('j', { key: 'k', singleton: 's' })])
    const want = {
      tenant,
      id: 'j',
      queue: 'work',
      key: 'k',
      payload: { id: 'j' },
      runAt: at,
      maxAttempts: 3,
      singleton: 's',
      state: 'running',
      attempts: 1,
      leaseUntil: after(1000).toISOString(),
    }
    expect(await claim(store)).toEqual([want])
    expect(await store.job('j')).toEqual(want)
    expect(await claim(store)).toEqual([])
    await commit(store, [finish('j')])
    expect(await store.job('j')).toBeUndefined()
  })

  const orders: [what: string, given: Mutation[], claimWith: Partial<JobClaim>, want: string[]][] = [
    [
      'what is due longest first',
      [job('b', { runAt: after(-1).toISOString() }), job('a', { runAt: after(-2).toISOString() })],
      {},
      ['a', 'b'],
    ],
    ['in the order of enqueueing among equals', [job('b'), job('a')], {}, ['b', 'a']],
    ['no more than asked for', [job('b'), job('a')], { limit: 1 }, ['b']],
    ['nothing that is not due', [job('a', { runAt: after(1).toISOString() })], {}, []],
    ['nothing of other queues', [job('a', { queue: 'other' }), job('b')], {}, ['b']],
    ['of several queues', [job('a', { queue: 'other' }), job('b')], { queues: ['work', 'other'] }, ['a', 'b']],
    [
      'one of each key',
      [job('a', { key: 'k' }), job('b', { key: 'k' }), job('c', { key: 'l' }), job('d')],
      {},
      ['a', 'c', 'd'],
    ],
    [
      'one of a key in several queues',
      [job('a', { key: 'k' }), job('b', { key: 'k', queue: 'other' })],
      { queues: ['work', 'other'] },
      ['a'],
    ],
    ['nothing for no queue', [job('a')], { queues: [] }, []],
  ]
  test.each(orders)('a claim takes %s', async (_what, given, claimWith, want) => {
    const store = await open()
    await commit(store, given)
    expect(await claimed(store, claimWith)).toEqual(want)
  })

  test('a key is free again when its job ends, or its lease does', async () => {
    const store = await open()
    await commit(store, [job('a', { key: 'k' }), job('b', { key: 'k' }), job('c', { key: 'k' })])
    expect(await claimed(store)).toEqual(['a'])
    expect(await claimed(store, { now: after(999) })).toEqual([])
    await commit(store, [finish('a')])
    expect(await claimed(store)).toEqual(['b'])
    expect(await claimed(store, { now: after(1000) })).toEqual(['b'])
  })

  test('keys of two tenants are two', async () => {
    const store = await open()
    await commit(store, [job('a', { key: 'k' })])
    await commit(store, [job('b', { key: 'k' })], { tenant: 'other' })
    expect(await claimed(store)).toEqual(['a', 'b'])
  })

  test('of many who claim at once on two connections, each job goes to one', async () => {
    const store = await open()
    const other = await again(store)
    await commit(
      store,
      Array.from({ length: 30 }, (_, n) => job(`j${n}`, { key: n < 10 ? 'k' : '' })),
    )
    const all = await Promise.all(Array.from({ length: 12 }, (_, n) => claimed(n % 2 ? store : other, { limit: 5 })))
    expect(all.flat()).toHaveLength(21)
    expect(new Set(all.flat()).size).toBe(21)
  })

  test('the job of a dead worker is claimed when its lease is over; the dead one can neither end nor keep it', async () => {
    const store = await open()
    await commit(store, [job('j')])
    await claim(store)
    expect(await claim(store, { now: after(999) })).toEqual([])
    expect(await claim(store, { now: after(1000) })).toMatchObject([{ id: 'j', attempts: 2 }])
    for (const late of [finish('j', 1), giveBack('j', 1)]) {
      expect(await codeOf(commit(store, [put(draft('Role/web')), late]))).toBe('state_fenced')
    }
    expect((await store.snapshot(tenant)).resources).toEqual([])
    expect(await store.touchJob('j', 1, after(9000))).toBe(false)
    await commit(store, [finish('j', 2)])
  })

  test('a touched job stays with its worker', async () => {
    const store = await open()
    await commit(store, [job('j')])
    await claim(store)
    expect(await store.touchJob('j', 1, after(5000))).toBe(true)
    expect(await claim(store, { now: after(4999) })).toEqual([])
    expect(await store.touchJob('unknown', 1, after(5000))).toBe(false)
  })

  test('jobs whose workers are known to be dead can be claimed at once, and the dead cannot end them', async () => {
    const store = await open()
    await commit(store, [job('j', { key: 'k' }), job('waiting', { key: 'k' })])
    await claim(store)
    expect(await claimed(store, { now: after(1) })).toEqual([])
    await store.releaseJobs(after(1))
    expect(await claimed(store, { now: after(1) })).toEqual(['j'])
    expect(await codeOf(commit(store, [finish('j', 1)]))).toBe('state_fenced')
    expect(await store.job('waiting')).toMatchObject({ state: 'waiting' })
  })

  test('a job that is given back comes again at its time, with its error, until its attempts are used up', async () => {
    const store = await open()
    await commit(store, [job('j', { maxAttempts: 2 })])
    await claim(store)
    await commit(store, [giveBack('j', 1, after(500).toISOString())])
    expect(await store.job('j')).toMatchObject({ state: 'waiting', attempts: 1, lastError: 'no answer' })
    expect(await claim(store, { now: after(499) })).toEqual([])
    await claim(store, { now: after(500) })
    await commit(store, [giveBack('j', 2)])
    expect(await store.jobs({ state: 'dead' })).toMatchObject([{ id: 'j', attempts: 2, lastError: 'no answer' }])
    expect(await claim(store, { now: after(99_999) })).toEqual([])
  })

  test('a job whose last worker died is dead, and says so', async () => {
    const store = await open()
    await commit(store, [job('j', { maxAttempts: 1 })])
    await claim(store)
    expect(await claim(store, { now: after(1000) })).toEqual([])
    expect(await store.job('j')).toMatchObject({ state: 'dead', lastError: expect.stringContaining('ended') })
  })

  test('a waiting job makes place for a newer one of its name, unless that one yields', async () => {
    const store = await open()
    const named = { singleton: 's' }
    await commit(store, [
      job('a', named),
      job('b', named),
      job('c', named, true),
      job('d', { ...named, queue: 'other' }),
    ])
    await commit(store, [job('e', named)], { tenant: 'other' })
    expect((await store.jobs({ state: 'waiting' })).map(({ id }) => id)).toEqual(['b', 'd', 'e'])
    await claim(store, { limit: 1 })
    await commit(store, [job('f', named, true)])
    await commit(store, [giveBack('b', 1)])
    expect((await store.jobs({ tenant, queue: 'work' })).map(({ id }) => id)).toEqual(['f'])
  })

  test("a cancelled job is gone whatever it does; cancelling it again, or another tenant's, is harmless", async () => {
    const store = await open()
    const cancel = (id: string): Mutation => ({ type: 'cancel-job', id })
    await commit(store, [job('a'), job('b')])
    await claim(store, { limit: 1 })
    await commit(store, [cancel('a'), cancel('b')], { tenant: 'other' })
    expect(await store.jobs({})).toHaveLength(2)
    await commit(store, [cancel('a'), cancel('b'), cancel('a')])
    expect(await store.jobs({})).toEqual([])
    expect(await codeOf(commit(store, [finish('a')]))).toBe('state_fenced')
  })

  test('a job is enqueued with the rest of its commit, or not at all; an id only once', async () => {
    const store = await open()
    await commit(store, [job('a'), record('src_1')])
    expect(await codeOf(commit(store, [job('b'), record('src_1')]))).toBe('state_conflict')
    expect(await codeOf(commit(store, [job('a')]))).toBe('state_conflict')
    expect((await store.jobs({})).map(({ id }) => id)).toEqual(['a'])
  })

  test('jobs are counted by queue and state', async () => {
    const store = await open()
    await commit(store, [job('a'), job('b'), job('c', { queue: 'other' })])
    await claim(store, { limit: 1 })
    expect(await store.jobCounts()).toEqual([
      { queue: 'other', state: 'waiting', count: 1 },
      { queue: 'work', state: 'running', count: 1 },
      { queue: 'work', state: 'waiting', count: 1 },
    ])
  })

  const next: [what: string, given: Mutation[], claims: number, want: number | undefined][] = [
    ['nothing waits', [job('a', { queue: 'other' })], 0, undefined],
    [
      'a job waits',
      [job('a', { runAt: after(500).toISOString() }), job('b', { runAt: after(200).toISOString() })],
      0,
      200,
    ],
    ['a job runs, whose worker may die', [job('a')], 1, 1000],
    ['a job waits for its key', [job('a', { key: 'k' }), job('b', { key: 'k' })], 1, 1000],
    ['a job waits beside one that runs', [job('a'), job('b', { runAt: after(700).toISOString() })], 1, 700],
  ]
  test.each(next)('the next look is told when %s', async (_what, given, claims, want) => {
    const store = await open()
    await commit(store, given)
    if (claims > 0) await claim(store, { limit: claims })
    expect(await store.nextJobAt(['work'])).toBe(want === undefined ? undefined : after(want).toISOString())
  })

  test('a look at the told moment always finds something, whatever is enqueued', async () => {
    const store = await open()
    const keys = ['', 'k', 'l']
    for (let n = 0; n < 12; n++) {
      await commit(store, [
        job(`j${n}`, {
          key: keys[n % 3] ?? '',
          queue: n % 4 === 0 ? 'other' : 'work',
          runAt: after((n * 37) % 500).toISOString(),
        }),
      ])
    }
    for (let rounds = 0; ; rounds++) {
      const due = await store.nextJobAt(['work', 'other'])
      if (due === undefined) break
      const found = await claim(store, { queues: ['work', 'other'], now: new Date(due), limit: 2 })
      expect(found.length, `at ${due}`).toBeGreaterThan(0)
      for (const { id, attempts } of found)
        if (attempts === 2 || rounds % 2) await commit(store, [finish(id, attempts)])
    }
    expect(await store.jobs({})).toEqual([])
  })
}
