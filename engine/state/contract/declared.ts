import { expect, test } from 'vitest'
import type { Address } from '../../core/address.ts'
import type { Mutation } from '../store.ts'
import { codeOf, commit, draft, later, plain, put, remove, type StoreUnderTest, sealedRow, tenant } from './samples.ts'

/** Revisions, serial, lineage, history. */
export function declaredState({ open, again }: StoreUnderTest): void {
  test('a tenant that nobody wrote has no lineage, serial 0 and no resources', async () => {
    const store = await open()
    expect(await store.snapshot(tenant)).toEqual({ lineage: '', serial: 0, resources: [] })
    expect(await store.resource(tenant, 'Role/web')).toBeUndefined()
    expect(await store.tenants()).toEqual([])
  })

  test('what was committed is read back as it was, in the order of addresses, by another connection too', async () => {
    const store = await open()
    const edge = draft('Certificate/edge', { dependsOn: ['Role/web'] })
    const done = await commit(store, [put(draft('Role/web')), put(edge)])
    const other = await again(store)
    for (const reader of [store, other]) {
      const { lineage, serial, resources } = await reader.snapshot(tenant)
      expect({ lineage, serial }).toEqual({ lineage: done.lineage, serial: 1 })
      expect(resources).toEqual([
        { ...edge, revision: done.revisions.get('Certificate/edge') },
        { ...draft('Role/web'), revision: done.revisions.get('Role/web') },
      ])
      expect(await reader.resource(tenant, 'Certificate/edge')).toEqual(resources[0])
    }
    expect(await store.tenants()).toEqual([tenant])
  })

  test('each change of declared state moves the serial by one and keeps the lineage; inventory does not', async () => {
    const store = await open()
    const first = await commit(store, [
      { type: 'put-data-key', key: { version: 1, masterKeyId: 'm', wrapped: Uint8Array.of(1), createdAt: later } },
    ])
    expect(first.lineage).not.toBe('')
    expect(first.serial).toBe(0)
    expect((await commit(store, [{ type: 'put-sealed', row: sealedRow('a') }])).serial).toBe(0)
    const second = await commit(store, [put(draft('Role/a')), put(draft('Role/b'))])
    expect(second).toMatchObject({ lineage: first.lineage, serial: 1 })
    const third = await commit(store, [remove('Role/a', second.revisions.get('Role/a') ?? 0)])
    expect(third).toMatchObject({ lineage: first.lineage, serial: 2 })
  })

  test('two tenants have different lineages', async () => {
    const store = await open()
    const one = await commit(store, [])
    const two = await commit(store, [], { tenant: 'other' })
    expect(one.lineage).not.toBe(two.lineage)
  })

  const conflicts: [what: string, mutation: (revision: number) => Parameters<typeof commit>[1]][] = [
    ['creating what exists', () => [put(draft('Role/web'))]],
    ['updating with an old revision', revision => [put(draft('Role/web'), revision - 1)]],
    ['updating with a revision of the future', revision => [put(draft('Role/web'), revision + 1)]],
    ['updating what does not exist', () => [put(draft('Role/gone'), 1)]],
    ['deleting with an old revision', revision => [remove('Role/web', revision - 1)]],
    ['deleting what does not exist', () => [remove('Role/gone', 1)]],
    ['a conflict after a change that is fine', revision => [put(draft('Role/web'), revision), remove('Role/gone', 1)]],
  ]
  test.each(conflicts)('%s is a state_conflict and changes nothing', async (_what, mutations) => {
    const store = await open()
    const { revisions } = await commit(store, [put(draft('Role/web'))])
    const before = await store.snapshot(tenant)
    expect(await codeOf(commit(store, mutations(revisions.get('Role/web') ?? 0)))).toBe('state_conflict')
    expect(await store.snapshot(tenant)).toEqual(before)
    expect(await store.history(tenant, {})).toHaveLength(1)
  })

  test('a revision never comes back: what was planned for a deleted resource does not fit its successor', async () => {
    const store = await open()
    const seen = new Set<number>()
    for (let round = 0; round < 3; round++) {
      const made = (await commit(store, [put(draft('Role/web'))])).revisions.get('Role/web') ?? 0
      const updated = (await commit(store, [put(draft('Role/web'), made)])).revisions.get('Role/web') ?? 0
      seen.add(made).add(updated)
      await commit(store, [remove('Role/web', updated)])
    }
    expect(seen.size).toBe(6)
  })

  test('a resource can be replaced in one commit', async () => {
    const store = await open()
    const { revisions } = await commit(store, [put(draft('Role/web', { id: 'old' }))])
    await commit(store, [remove('Role/web', revisions.get('Role/web') ?? 0), put(draft('Role/web', { id: 'new' }))])
    expect((await store.resource(tenant, 'Role/web'))?.id).toBe('new')
  })

  test('a snapshot shows every change since the one before, whoever made it, and the one before stays as it was', async () => {
    const store = await open()
    const other = await again(store)
    const revisions = new Map<string, number>()
    const changes: [address: 'Role/a' | 'Role/b' | 'Role/c', what: 'put' | 'remove'][] = [
      ['Role/a', 'put'],
      ['Role/b', 'put'],
      ['Role/a', 'put'],
      ['Role/a', 'remove'],
      ['Role/c', 'put'],
      ['Role/a', 'put'],
      ['Role/b', 'remove'],
    ]
    for (const [number, [address, what]] of changes.entries()) {
      const before = await store.snapshot(tenant)
      const copy = plain(before)
      const known = revisions.get(address) ?? null
      const change = what === 'put' ? put(draft(address, { id: `id_${number}` }), known) : remove(address, known ?? 0)
      const { revisions: made } = await commit(number % 2 === 0 ? store : other, [change])
      if (what === 'put') revisions.set(address, made.get(address) ?? 0)
      else revisions.delete(address)
      const seen = await store.snapshot(tenant)
      expect(seen.serial).toBe(number + 1)
      expect(seen).toEqual(await (await again(store)).snapshot(tenant))
      expect(seen.resources.map(each => [each.address, each.revision])).toEqual([...revisions].toSorted())
      expect(await store.snapshot(tenant)).toEqual(seen)
      expect(plain(before)).toEqual(copy)
    }
  })

  const who: [whose: string, isOwn: (number: number) => boolean][] = [
    ['its own', () => true],
    ["others'", () => false],
    ['its own between others', number => number % 3 === 1],
  ]
  test.each(who)('a snapshot after several commits, %s, shows all of them', async (_whose, isOwn) => {
    const store = await open()
    const other = await again(store)
    const names = [...'hbdfaceg'].map(name => `Role/${name}` as const)
    for (const [number, address] of names.entries()) await commit(number % 2 ? store : other, [put(draft(address))])
    await store.snapshot(tenant)
    const revisionOf = async (address: Address) => (await store.resource(tenant, address))?.revision ?? 0
    const changes: ((address: Address) => Promise<Mutation>)[] = [
      async address => remove(address, await revisionOf(address)),
      async address => put(draft(address, { id: 'new' }), await revisionOf(address)),
      async address => put(draft(`${address}-more` as Address)), // still a kind and a name,
    ]
    for (const [number, address] of names.entries()) {
      const change = await changes[number % changes.length]?.(address)
      await commit(isOwn(number) ? store : other, change ? [change] : [])
      // Not after each.
      if (number % 3 !== 2) continue
      expect(await store.snapshot(tenant)).toEqual(await (await again(store)).snapshot(tenant))
    }
    const { resources } = await store.snapshot(tenant)
    expect(resources).toEqual((await (await again(store)).snapshot(tenant)).resources)
    expect(resources.map(({ address }) => address)).toEqual(resources.map(({ address }) => address).toSorted())
    expect(resources).toHaveLength(7)
  })

  test('of commits made at once, a failing one does not affect its neighbours', async () => {
    const store = await open()
    await commit(store, [put(draft('Role/taken'))])
    const results = await Promise.allSettled(
      ['a', 'taken', 'b', 'taken', 'c'].map(name =>
        commit(store, [put(draft(`Role/${name}-x`)), put(draft(`Role/${name}`))]),
      ),
    )
    expect(results.map(result => result.status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
    ])
    const { serial, resources } = await store.snapshot(tenant)
    expect(serial).toBe(4)
    expect(resources.map(resource => resource.name)).toEqual(['a', 'a-x', 'b', 'b-x', 'c', 'c-x', 'taken'])
  })

  test('of two who change the same revision at once, on two connections, one wins', async () => {
    const store = await open()
    const other = await again(store)
    let revision = (await commit(store, [put(draft('Role/web'))])).revisions.get('Role/web') ?? 0
    for (let round = 0; round < 10; round++) {
      const results = await Promise.allSettled(
        [store, other].map((each, who) => commit(each, [put(draft('Role/web', { id: `${round}-${who}` }), revision)])),
      )
      const won = results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
      expect(won).toHaveLength(1)
      revision = won[0]?.revisions.get('Role/web') ?? 0
      expect((await other.resource(tenant, 'Role/web'))?.revision).toBe(revision)
    }
  })

  test('history tells before and after of each change, oldest first', async () => {
    const store = await open()
    const made = await commit(store, [put(draft('Role/web'))], { actor: 'ann' })
    const revision = made.revisions.get('Role/web') ?? 0
    const changed = await commit(store, [put(draft('Role/web', { labels: {} }), revision), put(draft('Role/b'))], {
      at: later,
    })
    const last = changed.revisions.get('Role/web') ?? 0
    await commit(store, [remove('Role/web', last)])

    const history = await store.history(tenant, {})
    expect(history.map(entry => [entry.serial, entry.address, entry.before === null, entry.after === null])).toEqual([
      [1, 'Role/web', true, false],
      [2, 'Role/web', false, false],
      [2, 'Role/b', true, false],
      [3, 'Role/web', false, true],
    ])
    expect(history[0]).toMatchObject({ actor: 'ann', after: { ...draft('Role/web'), revision } })
    expect(history[1]).toMatchObject({
      at: later,
      before: { labels: { team: 'platform' }, revision },
      after: { labels: {}, revision: last },
    })
    expect(history[3]?.before).toEqual(history[1]?.after)

    expect((await store.history(tenant, { sinceSerial: 2 })).map(entry => entry.serial)).toEqual([3])
    expect((await store.history(tenant, { address: 'Role/b' })).map(entry => entry.serial)).toEqual([2])
    expect((await store.history(tenant, { address: 'Role/web', sinceSerial: 1 })).map(entry => entry.serial)).toEqual([
      2, 3,
    ])
    expect((await store.history(tenant, { limit: 2 })).map(entry => entry.serial)).toEqual([1, 2])
  })

  test('restore brings identity, revisions and history, and only into an empty tenant', async () => {
    const store = await open()
    await commit(store, [put(draft('Role/web'))])
    await commit(store, [put(draft('Role/b'))])
    const declared = await store.snapshot(tenant)
    const history = await store.history(tenant, {})

    const target = await open()
    await commit(target, [{ type: 'restore', declared, history }])
    expect(plain(await target.snapshot(tenant))).toEqual(plain(declared))
    expect(plain(await target.history(tenant, {}))).toEqual(plain(history))
    expect(await codeOf(commit(target, [{ type: 'restore', declared, history }]))).toBe('state_conflict')
    expect((await commit(target, [put(draft('Role/c'))])).serial).toBe(declared.serial + 1)
  })
}
