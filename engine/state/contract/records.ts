import { expect, test } from 'vitest'
import type { RecordQuery } from '../records.ts'
import { at, codeOf, commit, draft, later, put, record, type StoreUnderTest, tenant } from './samples.ts'

/** Documents of named collections. */
export function records({ open, again }: StoreUnderTest): void {
  test('a record is read back as it was, by id and by name, by another connection too', async () => {
    const store = await open()
    await commit(store, [record('src_1', { name: 'infra', parent: 'group_1' })])
    const want = {
      collection: 'source',
      id: 'src_1',
      name: 'infra',
      parent: 'group_1',
      data: { url: 'https://git.example', nested: { list: [1, null, 'ü'] } },
      version: 1,
      sequence: expect.any(Number),
      createdAt: at,
      updatedAt: at,
    }
    for (const reader of [store, await again(store)]) {
      expect(await reader.record(tenant, 'source', 'src_1')).toEqual(want)
      expect(await reader.recordNamed(tenant, 'source', 'infra')).toEqual({ ...want, tenant })
      expect(await reader.recordNamed(undefined, 'source', 'infra')).toEqual({ ...want, tenant })
      expect(await reader.records(tenant, { collection: 'source' })).toEqual([want])
    }
    expect(await store.record(tenant, 'run', 'src_1')).toBeUndefined()
    expect(await store.record('other', 'source', 'src_1')).toBeUndefined()
    expect(await store.recordNamed('other', 'source', 'infra')).toBeUndefined()
  })

  test('a change moves the version and keeps sequence and creation; what it leaves out is gone', async () => {
    const store = await open()
    await commit(store, [record('src_1', { name: 'infra', parent: 'group_1' })])
    const before = await store.record(tenant, 'source', 'src_1')
    await commit(store, [record('src_1', { data: { a: 1 } }, 1)], { at: later })
    expect(await store.record(tenant, 'source', 'src_1')).toEqual({
      collection: 'source',
      id: 'src_1',
      data: { a: 1 },
      version: 2,
      sequence: before?.sequence,
      createdAt: at,
      updatedAt: later,
    })
    expect(await store.recordNamed(tenant, 'source', 'infra')).toBeUndefined()
    await commit(store, [record('src_1', {}, 'any'), record('src_2', {}, 'any')])
    expect(await store.record(tenant, 'source', 'src_1')).toMatchObject({ version: 3 })
    expect(await store.record(tenant, 'source', 'src_2')).toMatchObject({ version: 1 })
  })

  const refused: [what: string, mutation: Parameters<typeof commit>[1][number], code: string][] = [
    ['making what exists', record('src_1'), 'state_conflict'],
    ['changing an old version', record('src_1', {}, 1), 'state_conflict'],
    ['changing what does not exist', record('src_9', {}, 1), 'state_conflict'],
    ['taking a name that another has', record('src_9', { name: 'infra' }), 'conflict'],
  ]
  test.each(refused)('%s is refused, with all of its commit', async (_what, mutation, code) => {
    const store = await open()
    await commit(store, [record('src_1', { name: 'infra' })])
    await commit(store, [record('src_1', { name: 'infra' }, 1)])
    expect(await codeOf(commit(store, [put(draft('Role/web')), record('src_2'), mutation]))).toBe(code)
    expect(await store.records(tenant, { collection: 'source' })).toMatchObject([{ id: 'src_1', version: 2 }])
    expect((await store.snapshot(tenant)).resources).toEqual([])
  })

  test('of two who change the same version at once, on two connections, one wins', async () => {
    const store = await open()
    await commit(store, [record('src_1')])
    const results = await Promise.allSettled(
      [store, await again(store)].map((each, who) => commit(each, [record('src_1', { data: { who } }, 1)])),
    )
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  test('names and ids of other collections and tenants are others', async () => {
    const store = await open()
    const same = { name: 'infra' }
    await commit(store, [record('a', same), record('a', { ...same, collection: 'run' })])
    await commit(store, [record('a', same)], { tenant: 'other' })
    expect(await store.recordNamed(undefined, 'source', 'infra')).toMatchObject({ tenant })
    await commit(store, [{ type: 'delete-record', collection: 'source', id: 'a' }])
    expect(await store.recordNamed(undefined, 'source', 'infra')).toMatchObject({ tenant: 'other' })
    expect(await store.record(tenant, 'run', 'a')).toBeDefined()
    expect(await store.recordsEverywhere({ collection: 'source' })).toMatchObject([{ id: 'a', tenant: 'other' }])
  })

  test('a deleted record is gone and its id and name are free; deleting it again is harmless', async () => {
    const store = await open()
    await commit(store, [record('src_1', { name: 'infra' })])
    const gone = { type: 'delete-record', collection: 'source', id: 'src_1' } as const
    await commit(store, [gone, gone])
    expect(await store.record(tenant, 'source', 'src_1')).toBeUndefined()
    await commit(store, [record('src_1', { name: 'infra' })])
    expect(await store.record(tenant, 'source', 'src_1')).toMatchObject({ version: 1 })
  })

  test('a record may change its name with another in one commit after the other gave it up', async () => {
    const store = await open()
    await commit(store, [record('a', { name: 'one' }), record('b', { name: 'two' })])
    await commit(store, [record('a', { name: 'three' }, 1), record('b', { name: 'one' }, 1)])
    expect(await store.recordNamed(tenant, 'source', 'one')).toMatchObject({ id: 'b' })
  })

  const pages: [what: string, query: Omit<RecordQuery, 'collection'>, want: string[]][] = [
    ['all, in the order of creation', {}, ['a', 'b', 'c', 'd']],
    ['newest first', { newestFirst: true }, ['d', 'c', 'b', 'a']],
    ['those of a parent', { parent: 'p' }, ['a', 'c']],
    ['those of a parent, newest first', { parent: 'p', newestFirst: true, limit: 1 }, ['c']],
    ['the first ones', { limit: 2 }, ['a', 'b']],
  ]
  test.each(pages)('records are listed: %s', async (_what, query, want) => {
    const store = await open()
    for (const id of ['a', 'b', 'c', 'd']) {
      await commit(store, [record(id, id === 'a' || id === 'c' ? { parent: 'p' } : {})])
      await commit(store, [record(id, { parent: 'p' })], { tenant: 'other' })
    }
    await commit(store, [record('a', { parent: 'p' }, 1)])
    expect((await store.records(tenant, { collection: 'source', ...query })).map(({ id }) => id)).toEqual(want)
  })

  test('pages follow one another by sequence in both directions, also when what a cursor names is deleted', async () => {
    const store = await open()
    for (const id of ['a', 'b', 'c']) await commit(store, [record(id)])
    const list = (query: Omit<RecordQuery, 'collection'>) => store.records(tenant, { collection: 'source', ...query })
    const ids = async (query: Omit<RecordQuery, 'collection'>) => (await list(query)).map(({ id }) => id)
    const cursor = (await list({ limit: 3 }))[2]?.sequence ?? 0
    expect(await ids({ after: cursor, newestFirst: true })).toEqual(['b', 'a'])
    await commit(store, [{ type: 'delete-record', collection: 'source', id: 'c' }])
    await commit(store, [record('d')])
    expect(await ids({ after: cursor })).toEqual(['d'])
  })
}
