import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Address } from '../core/address.ts'
import { openStore } from '../state/open.ts'
import { manifest, type Workshop, workshop } from './fixtures/workshop.ts'

const role = (name: string) => manifest('Role', name, { ca: 'root', allowedDomains: ['corp.example'] })
const house =
  manifest('CertificateAuthority', 'root', { type: 'root', commonName: 'Root', keyType: 'ec', keySize: 256 }) +
  role('web') +
  manifest('Certificate', 'www', { role: 'web', domains: ['corp.example'] })

/** An operation that a process left open, as `apply` or `renew` begins it. */
async function leave(shop: Workshop, address: Address, action: string): Promise<void> {
  const store = await openStore(`sqlite:${join(shop.folder, 'state.db')}`)
  const startedAt = shop.clock.now().toISOString()
  const operation = { id: `op_${address}`, address, action, inputHash: 'other', attempt: 1, epoch: 1, startedAt }
  await store.commit('default', { mutations: [{ type: 'begin-operation', operation }], actor: 'test', at: startedAt })
  await store.close()
}

async function leftOpen(shop: Workshop): Promise<Address[]> {
  const { operations }: { operations: { address: Address }[] } = JSON.parse(await shop.engine.exportState())
  return operations.map(({ address }) => address)
}

const cases: [what: string, left: [Address, string], run: (shop: Workshop) => Promise<unknown>, stays: boolean][] = [
  ['an unchanged resource', ['Certificate/www', 'reissue'], shop => shop.apply(house), false],
  ['a resource that is no longer declared', ['Certificate/gone', 'create'], shop => shop.apply(house), false],
  [
    'a resource outside the selection',
    ['Certificate/gone', 'create'],
    async shop => shop.run(await shop.plan(house, { targets: ['Role/web'] })),
    true,
  ],
  [
    'a creation, when only renewals run',
    ['Certificate/gone', 'create'],
    async shop => shop.run(await shop.engine.plan({ mode: 'renew' })),
    true,
  ],
  [
    'a re-issue, when only renewals run',
    ['Certificate/www', 'reissue'],
    async shop => shop.run(await shop.engine.plan({ mode: 'renew' })),
    true,
  ],
  [
    'a renewal that is not due any more',
    ['Certificate/www', 'renew'],
    async shop => shop.run(await shop.engine.plan({ mode: 'renew' })),
    false,
  ],
  [
    'a renewal with other inputs',
    ['Certificate/www', 'renew'],
    async shop => shop.run(await shop.engine.plan({ mode: 'renew', force: ['Certificate/www'] })),
    false,
  ],
  ['a creation, when all is destroyed', ['Certificate/gone', 'create'], destroy, false],
]

async function destroy(shop: Workshop): Promise<unknown> {
  return shop.run(await shop.engine.plan({ mode: 'destroy', allow: ['all-deletes'] }))
}

test.each(cases)('what was left of %s', async (_what, [address, action], run, stays) => {
  const shop = await workshop()
  await shop.apply(house)
  await leave(shop, address, action)
  await run(shop)
  expect(await leftOpen(shop)).toEqual(stays ? [address] : [])
})

test("another owner's unfinished work is left to that one", async () => {
  const shop = await workshop()
  await shop.apply(house)
  await leave(shop, 'Certificate/www', 'reissue')
  const guest = await shop.reopen({ owner: 'git:infra' })
  const configuration = await shop.load(manifest('Secret', 's', { path: 's', data: { k: 'v' } }))
  const { plan, snapshot } = await guest.plan({ configuration })
  await guest.locked('test', {}, locked => locked.apply(plan, snapshot))
  expect(await leftOpen(shop)).toEqual(['Certificate/www'])
})
