import { afterEach, beforeEach, expect, test } from 'vitest'
import { openStore } from '../state/open.ts'
import type { StateStore } from '../state/store.ts'
import { audited, resourceAction } from './audit.ts'
import { changeEntries, type ResourceChange } from './resource-entries.ts'
import { verifyAudit } from './verify-audit.ts'

const at = '2026-11-21T12:00:00.000Z'
let store: StateStore
beforeEach(async () => {
  store = await openStore('sqlite::memory:')
})
afterEach(() => store.close())

const names: [kind: string, action: string, want: string][] = [
  ['Certificate', 'create', 'certificate_issue'],
  ['Certificate', 'renew', 'certificate_renew'],
  ['DnsProvider', 'create', 'dns_provider_create'],
  ['CertificateAuthority', 'delete', 'certificate_authority_delete'],
  ['AcmeAccount', 'replace', 'acme_account_replace'],
]
test.each(names)('%s, %s: %s', (kind, action, want) => expect(resourceAction(kind, action)).toBe(want))

const events: [kind: string, action: string, want: string][] = [
  ['Certificate', 'create', 'certificate.issued'],
  ['Certificate', 'replace', 'certificate.issued'],
  ['Certificate', 'reissue', 'certificate.issued'],
  ['Certificate', 'renew', 'certificate.renewed'],
  ['Certificate', 'update', 'resource.updated'],
  ['Certificate', 'delete', 'certificate.deleted'],
  ['CertificateAuthority', 'renew', 'resource.renewed'],
  ['Role', 'create', 'resource.created'],
]
test.each(events)('%s, %s: subscribers hear %s', (kind, action, want) => {
  const change: ResourceChange = { address: `${kind}/a`, kind, id: 'x', action, actor: 'cli', at }
  const types = changeEntries(change).map(mutation => (mutation.type === 'append-log' ? mutation.entry.type : ''))
  expect(types).toEqual([resourceAction(kind, action), want])
})

async function filled(count: number): Promise<void> {
  const mutations = Array.from({ length: count }, (_, n) =>
    audited('api_key_create', { at, actor: 'cli', subject: `key_${n + 1}` }),
  )
  await store.commit('acme', { mutations, actor: 'cli', at })
}

test('a whole chain is followed over all of its pages, to the hash that it ends with', async () => {
  expect(await verifyAudit(store, 'acme')).toEqual({ entries: 0, head: '' })
  await filled(2500)
  const [last] = await store.log('acme', { log: 'audit', newestFirst: true, limit: 1 })
  expect(await verifyAudit(store, 'acme')).toEqual({ entries: 2500, head: last?.hash })
})

test('what is appended meanwhile is no fault', async () => {
  await filled(3)
  const busy = {
    ...store,
    log: async (...given: Parameters<StateStore['log']>) => {
      await filled(1)
      return store.log(...given)
    },
  }
  expect(await verifyAudit(busy, 'acme')).toMatchObject({ entries: 3 })
})

type Entries = Awaited<ReturnType<StateStore['log']>>
const broken: [what: string, tamper: (entries: Entries) => Entries, sequence: number, entries: number][] = [
  ['a changed entry', all => all.map(each => (each.sequence === 7 ? { ...each, actor: 'x' } : each)), 7, 6],
  ['a removed entry', all => all.filter(({ sequence }) => sequence !== 4), 5, 3],
  ['a cut end', all => all.filter(({ sequence }) => sequence < 9), 9, 8],
  ['nothing left', () => [], 1, 0],
]
test.each(broken)('%s is named', async (_what, tamper, sequence, entries) => {
  await filled(10)
  const tampered = {
    ...store,
    log: async (tenant: string, asked: Parameters<StateStore['log']>[1]) => tamper(await store.log(tenant, asked)),
  }
  expect(await verifyAudit(tampered, 'acme')).toMatchObject({ entries, broken: { sequence } })
})
