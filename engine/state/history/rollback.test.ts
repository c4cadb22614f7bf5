import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Address } from '../../core/address.ts'
import { commit, draft, put, remove, tenant } from '../contract/samples.ts'
import { openStore } from '../open.ts'
import { draftOf, rollbackMutations } from './rollback.ts'

/** One random change: which address, and its new label or undefined to delete it. */
const change = fc.record({
  name: fc.constantFrom('a', 'b', 'c'),
  label: fc.option(fc.constantFrom('x', 'y'), { nil: undefined }),
})

test('after any changes, rolling back to any serial records again what was recorded then', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 12 }), fc.nat(12), async (changes, pick) => {
      const store = await openStore('sqlite::memory:')
      const states = [await store.snapshot(tenant)]
      for (const { name, label } of changes) {
        const address: Address = `Role/${name}`
        const revision = (await store.resource(tenant, address))?.revision ?? null
        if (label !== undefined) await commit(store, [put(draft(address, { labels: { label } }), revision)])
        else if (revision !== null) await commit(store, [remove(address, revision)])
        states.push(await store.snapshot(tenant))
      }
      const goal = states[pick % states.length]
      const before = await store.snapshot(tenant)
      if (goal === undefined) throw new Error('no state to go back to')
      const mutations = rollbackMutations(before, await store.history(tenant, { sinceSerial: goal.serial }))
      await commit(store, mutations)
      const after = await store.snapshot(tenant)
      expect(after.resources.map(draftOf)).toEqual(goal.resources.map(draftOf))
      expect(after.serial).toBe(before.serial + (mutations.length > 0 ? 1 : 0))
      await store.close()
    }),
    { numRuns: 40 },
  )
})

test('a resource that is as it was then is left alone, and its revision stays valid', async () => {
  const store = await openStore('sqlite::memory:')
  const goal = (await commit(store, [put(draft('Role/a'))])).serial
  const revision = (await commit(store, [put(draft('Role/a', { labels: {} }), 1)])).revisions.get('Role/a') ?? 0
  await commit(store, [put(draft('Role/a'), revision)])
  const now = await store.snapshot(tenant)
  expect(rollbackMutations(now, await store.history(tenant, { sinceSerial: goal }))).toEqual([])
  await store.close()
})
