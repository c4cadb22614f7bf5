import { expect, test } from 'vitest'
import { codeOf, commit, draft, holder, put, type StoreUnderTest, take, tenant } from './samples.ts'

const t0 = new Date('2026-11-02T08:00:00.000Z')
const after = (ms: number) => new Date(t0.getTime() + ms)

/** Who may write: leases and their epochs. */
export function leases({ open, again }: StoreUnderTest): void {
  test('a free lease is acquired; a second asker is told who holds it, on another connection too', async () => {
    const store = await open()
    const lease = await take(store, 1, t0)
    expect(lease).toMatchObject({
      name: 'apply',
      holder: holder(1),
      expiresAt: after(1000).toISOString(),
      since: t0.toISOString(),
    })
    for (const asker of [store, await again(store)]) {
      const answer = await asker.acquireLease(tenant, {
        name: 'apply',
        holder: holder(2),
        ttlMs: 1000,
        now: after(999),
      })
      expect(answer).toEqual({ heldBy: lease })
    }
  })

  test('of many who ask at once, one gets it', async () => {
    const store = await open()
    const other = await again(store)
    const answers = await Promise.all(
      [1, 2, 3, 4, 5, 6].map(pid =>
        (pid % 2 ? store : other).acquireLease(tenant, { name: 'apply', holder: holder(pid), ttlMs: 1000, now: t0 }),
      ),
    )
    expect(answers.filter(answer => 'acquired' in answer)).toHaveLength(1)
  })

  test('leases of other names and other tenants are others', async () => {
    const store = await open()
    await take(store, 1, t0)
    await take(store, 2, t0, 1000, 'other')
    const answer = await store.acquireLease(tenant, { name: 'rotate', holder: holder(3), ttlMs: 1000, now: t0 })
    expect(answer).toHaveProperty('acquired')
  })

  test('taking a lease does not make a state', async () => {
    const store = await open()
    await take(store, 1, t0)
    expect((await store.snapshot(tenant)).lineage).toBe('')
    expect(await store.tenants()).toEqual([])
  })

  test('renewing extends it and keeps the epoch, also when it has expired and nobody took it', async () => {
    const store = await open()
    const lease = await take(store, 1, t0)
    const renewed = await store.renewLease(tenant, lease, 1000, after(500))
    expect(renewed).toMatchObject({ epoch: lease.epoch, expiresAt: after(1500).toISOString() })
    expect(
      await store.acquireLease(tenant, { name: 'apply', holder: holder(2), ttlMs: 1000, now: after(1400) }),
    ).toHaveProperty('heldBy')
    expect((await store.renewLease(tenant, renewed, 1000, after(9000))).expiresAt).toBe(after(10_000).toISOString())
  })

  const ends: [
    what: string,
    end: (store: Awaited<ReturnType<typeof open>>, lease: Awaited<ReturnType<typeof take>>) => Promise<unknown>,
  ][] = [
    ['released', (store, lease) => store.releaseLease(tenant, lease)],
    ['broken', store => store.breakLease(tenant, 'apply')],
    ['taken over after it expired', store => take(store, 2, after(1000))],
    [
      'taken over from a holder that is presumed dead',
      store =>
        store.acquireLease(tenant, {
          name: 'apply',
          holder: holder(2),
          ttlMs: 1000,
          now: after(1),
          presumedDead: ({ pid }) => pid === 1,
        }),
    ],
    [
      'released and taken again by the same holder',
      async (store, lease) => {
        await store.releaseLease(tenant, lease)
        await take(store, 1, t0)
      },
    ],
  ]
  test.each(ends)('a lease that was %s no longer commits or renews', async (_what, end) => {
    const store = await open()
    const lease = await take(store, 1, t0)
    await commit(store, [put(draft('Role/a'))], { lease })
    await end(store, lease)
    expect(await codeOf(commit(store, [put(draft('Role/b'))], { lease }))).toBe('state_fenced')
    expect(await codeOf(store.renewLease(tenant, lease, 1000, after(1)))).toBe('state_fenced')
    expect((await store.snapshot(tenant)).resources.map(({ name }) => name)).toEqual(['a'])
  })

  test('the epoch grows with each acquisition and never goes back', async () => {
    const store = await open()
    const epochs: number[] = []
    for (let round = 0; round < 3; round++) {
      const lease = await take(store, round, t0)
      epochs.push(lease.epoch)
      await store.releaseLease(tenant, lease)
    }
    await store.breakLease(tenant, 'apply')
    epochs.push((await take(store, 9, t0)).epoch)
    expect(epochs).toEqual(epochs.toSorted((a, b) => a - b))
    expect(new Set(epochs).size).toBe(4)
  })

  test('a renewed lease still commits, with the epoch it had', async () => {
    const store = await open()
    const lease = await take(store, 1, t0)
    await store.renewLease(tenant, lease, 1000, after(500))
    expect(await codeOf(commit(store, [put(draft('Role/a'))], { lease }))).toBe('no error')
  })

  test('a release by who no longer holds it is harmless', async () => {
    const store = await open()
    const first = await take(store, 1, t0)
    const second = await take(store, 2, after(2000))
    await store.releaseLease(tenant, first)
    expect(await codeOf(commit(store, [put(draft('Role/a'))], { lease: second }))).toBe('no error')
    expect(
      await store.acquireLease(tenant, { name: 'apply', holder: holder(3), ttlMs: 1000, now: after(2100) }),
    ).toHaveProperty('heldBy')
  })

  test('breaking tells whose lease ended, or that there was none', async () => {
    const store = await open()
    expect(await store.breakLease(tenant, 'apply')).toBeUndefined()
    const lease = await take(store, 1, t0)
    expect(await store.breakLease(tenant, 'apply')).toEqual(lease)
    expect(await store.breakLease(tenant, 'apply')).toBeUndefined()
  })
}
