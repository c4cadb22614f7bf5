import { expect, test } from 'vitest'
import { checkChain } from '../audit-chain.ts'
import type { LogQuery, StoreChange } from '../records.ts'
import { at, codeOf, commit, draft, entry, later, put, type StoreUnderTest, tenant } from './samples.ts'

/** Append-only logs; the audit log is a chain. */
export function logs({ open, again }: StoreUnderTest): void {
  test('entries are read back as they were, numbered from 1 in each log and tenant', async () => {
    const store = await open()
    await commit(store, [entry('audit'), entry('event', { subject: 'é' }), entry('audit', { subject: '\u0000"' })])
    await commit(store, [entry('audit')], { tenant: 'other' })
    const shared = { at, actor: 'ann', data: { note: 'Zürich' } }
    const audit = { ...shared, log: 'audit', type: 'audit_type', hash: expect.stringMatching(/^[0-9a-f]{64}$/) }
    for (const reader of [store, await again(store)]) {
      expect(await reader.log(tenant, { log: 'audit' })).toEqual([
        { ...audit, sequence: 1, subject: 'Role/web' },
        { ...audit, sequence: 2, subject: '\u0000"' },
      ])
      expect(await reader.log(tenant, { log: 'event' })).toEqual([
        { ...shared, log: 'event', type: 'event_type', sequence: 1, subject: 'é', hash: '' },
      ])
      expect(await reader.log('other', { log: 'audit' })).toMatchObject([{ sequence: 1 }])
      expect(await reader.logHead(tenant, 'event')).toEqual({ sequence: 1, hash: '' })
      expect(await reader.logHead('nobody', 'audit')).toBeUndefined()
    }
  })

  test('each audit entry continues the chain, from several connections at once, without a gap', async () => {
    const store = await open()
    const other = await again(store)
    await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        commit(n % 2 ? store : other, [entry('audit', { subject: `a${n}` }), entry('audit', { subject: `b${n}` })]),
      ),
    )
    const entries = await store.log(tenant, { log: 'audit' })
    const check = checkChain()
    expect(entries.map(check.next).filter(Boolean)).toEqual([])
    expect(check.end(await store.logHead(tenant, 'audit'))).toBeUndefined()
    expect(entries.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 80 }, (_, n) => n + 1))
    expect(await store.verify(tenant)).toEqual([])
  })

  test('what cannot be told apart in UTF-8 does not break the chain', async () => {
    const store = await open()
    await commit(store, [
      entry('audit', { actor: '\ud800', subject: 'x\udfff', data: { '\ud800': '\udfff', gone: undefined } }),
    ])
    await commit(store, [entry('audit')])
    expect(await store.verify(tenant)).toEqual([])
  })

  test('entries of a commit that fails are not there, and leave no gap', async () => {
    const store = await open()
    await commit(store, [entry('audit'), put(draft('Role/web'))])
    expect(await codeOf(commit(store, [entry('audit'), put(draft('Role/web'))]))).toBe('state_conflict')
    await commit(store, [entry('audit')])
    expect((await store.log(tenant, { log: 'audit' })).map(({ sequence }) => sequence)).toEqual([1, 2])
    expect(await store.verify(tenant)).toEqual([])
  })

  const queries: [what: string, query: Omit<LogQuery, 'log'>, want: number[]][] = [
    ['everything, oldest first', {}, [1, 2, 3, 4]],
    ['newest first', { newestFirst: true, limit: 2 }, [4, 3]],
    ['those after one', { after: 2 }, [3, 4]],
    ['those before one, newest first', { after: 3, newestFirst: true }, [2, 1]],
    ['a type', { type: 'a' }, [1, 3]],
    ['a subject', { subject: 'y' }, [3, 4]],
    ['a type of a subject', { type: 'a', subject: 'y' }, [3]],
    ['a moment on', { since: later }, [2, 4]],
  ]
  test.each(queries)('a log is asked for %s', async (_what, query, want) => {
    const store = await open()
    await commit(store, [
      entry('event', { type: 'a', subject: 'x' }),
      entry('event', { type: 'b', subject: 'x', at: later }),
      entry('event', { type: 'a', subject: 'y' }),
      entry('event', { type: 'b', subject: 'y', at: later }),
      entry('audit', { type: 'a', subject: 'x' }),
    ])
    expect((await store.log(tenant, { log: 'event', ...query })).map(({ sequence }) => sequence)).toEqual(want)
  })

  test('old events can be forgotten, the newest never, and the audit log not at all', async () => {
    const store = await open()
    const sequences = async (log: 'audit' | 'event', of = tenant) =>
      (await store.log(of, { log })).map(({ sequence }) => sequence)
    await commit(store, [entry('event'), entry('event'), entry('event'), entry('audit')])
    await commit(store, [entry('event')], { tenant: 'other' })
    await commit(store, [{ type: 'trim-events', through: 2 }])
    expect(await sequences('event')).toEqual([3])
    await commit(store, [{ type: 'trim-events', through: 99 }])
    expect(await sequences('event')).toEqual([3])
    await commit(store, [entry('event')])
    expect(await sequences('event')).toEqual([3, 4])
    expect(await sequences('audit')).toEqual([1])
    expect(await sequences('event', 'other')).toEqual([1])
    expect(await store.verify(tenant)).toEqual([])
  })

  test('who watches hears of events and jobs once they are durable, and of nothing else', async () => {
    const store = await open()
    const heard: StoreChange[] = []
    const stop = store.watch(change => void heard.push(change))
    await commit(store, [entry('audit'), put(draft('Role/web'))])
    await codeOf(commit(store, [entry('event'), put(draft('Role/web'))]))
    expect(heard).toEqual([])
    await commit(store, [entry('event')], { tenant: 'other' })
    expect(heard).toEqual([{ tenant: 'other', events: true, jobs: false }])
    stop()
    await commit(store, [entry('event')])
    expect(heard).toHaveLength(1)
  })
}
