import { expect, test } from 'vitest'
import {
  add,
  at,
  certificate,
  codeOf,
  commit,
  draft,
  entry,
  job,
  operation,
  plain,
  put,
  putKey,
  putSealed,
  record,
  sealedRow,
  step,
  tenant,
} from './contract/samples.ts'
import { openStore } from './open.ts'
import type { StateStore } from './store.ts'
import { copyState, exportState, importState } from './transfer.ts'

const author = { actor: 'test', at }

async function filled(): Promise<StateStore> {
  const store = await openStore('sqlite::memory:')
  await commit(store, [putKey(1), ...Array.from({ length: 2345 }, (_, n) => putSealed(sealedRow(`k${n}`, 1, n % 256)))])
  const { revisions } = await commit(store, [put(draft('Role/web')), put(draft('Role/b'))])
  await commit(store, [put(draft('Role/web', { labels: {} }), revisions.get('Role/web') ?? 0)])
  await commit(store, [
    add(certificate('a', { keyId: 'k1', chain: [Uint8Array.of(1), Uint8Array.of(2)] })),
    add(certificate('b')),
    { type: 'revoke-certificate', id: 'b', at, reason: 'superseded' },
    operation('op1'),
    step('op1', 'order', { state: 'done', data: { url: 'https://ca.example/1' }, sealed: { key: 'k1' } }),
  ])
  await commit(store, [put(draft('Role/other')), record('src_1', { name: 'infra' })], { tenant: 'other' })
  await commit(store, [
    record('src_1', { name: 'infra', parent: 'group' }),
    record('src_2'),
    ...Array.from({ length: 1234 }, (_, n) => entry('audit', { subject: `${n}` })),
    entry('event', {}),
    job('waiting'),
    job('running', { runAt: '2026-11-01T08:00:00.000Z' }),
  ])
  await commit(store, [record('src_2', {}, 1)])
  await store.claimJobs({ queues: ['work'], limit: 1, now: new Date(at), leaseMs: 1000 })
  return store
}

async function everything(store: StateStore, of: string): Promise<unknown> {
  return plain({
    declared: await store.snapshot(of),
    history: await store.history(of, {}),
    certificates: await store.certificates(of, {}),
    sealed: await store.sealedRows(of, '', 10_000),
    keys: await store.dataKeys(of),
    operations: await store.operations(of),
    // Numbered anew in another store; their order is what counts.
    records: (await store.allRecords(of)).map(({ sequence: _sequence, ...record }) => record),
    audit: await store.log(of, { log: 'audit' }),
    events: await store.log(of, { log: 'event' }),
    jobs: (await store.jobs({ tenant: of })).map(({ tenant: _tenant, leaseUntil: _lease, ...job }) => ({
      ...job,
      state: job.state === 'running' ? 'waiting' : job.state,
    })),
  })
}

test('an exported tenant is imported with identity, revisions, history and everything sealed as it was', async () => {
  const source = await filled()
  const target = await openStore('sqlite::memory:')
  expect(await importState(target, await exportState(source, tenant), author)).toBe(tenant)
  expect(await everything(target, tenant)).toEqual(await everything(source, tenant))
  expect(await target.verify(tenant)).toEqual([])
  expect(await target.tenants()).toEqual([tenant])
})

test('a document without records, logs and jobs, as version 1 wrote it, is still imported', async () => {
  const { records: _records, logs: _logs, jobs: _jobs, ...old } = JSON.parse(await exportState(await filled(), tenant))
  const target = await openStore('sqlite::memory:')
  await importState(target, JSON.stringify({ ...old, version: 1 }), author)
  expect((await target.snapshot(tenant)).resources).toHaveLength(2)
  expect(await target.allRecords(tenant)).toEqual([])
  expect(await target.verify(tenant)).toEqual([])
})

test('an audit log that was changed on the way is imported as it is, and verify says so', async () => {
  const target = await openStore('sqlite::memory:')
  const text = await exportState(await filled(), tenant)
  await importState(target, text.replace('"subject": "700"', '"subject": "7OO"'), author)
  expect(await target.verify(tenant)).toEqual(['audit entry 701 is not what was written'])
})

test('copy takes every tenant', async () => {
  const source = await filled()
  const target = await openStore('sqlite::memory:')
  expect(await copyState(source, target, author)).toEqual([tenant, 'other'])
  for (const each of [tenant, 'other']) expect(await everything(target, each)).toEqual(await everything(source, each))
})

test('a tenant that exists is not overwritten, nor half-written', async () => {
  const source = await filled()
  const target = await openStore('sqlite::memory:')
  await commit(target, [put(draft('Role/mine'))])
  const before = await everything(target, tenant)
  expect(await codeOf(importState(target, await exportState(source, tenant), author))).toBe('state_conflict')
  expect(await everything(target, tenant)).toEqual(before)
})

const unreadable: [what: string, change: (text: string) => string, code: string][] = [
  ['no JSON', () => 'kind: Role', 'input_unreadable'],
  ['other JSON', () => '{"format":"other"}', 'input_unreadable'],
  ['null', () => 'null', 'input_unreadable'],
  ['half of the document', text => text.slice(0, text.length / 2), 'input_unreadable'],
  ['a document without its resources', text => text.replace('"resources"', '"rescources"'), 'input_unreadable'],
  ['a document of a later version', text => text.replace('"version": 2', '"version": 3'), 'state_newer'],
]
test.each(unreadable)('%s is refused', async (_what, change, code) => {
  const target = await openStore('sqlite::memory:')
  const text = change(await exportState(await filled(), tenant))
  expect(await codeOf(importState(target, text, author))).toBe(code)
  expect(await target.tenants()).toEqual([])
})

test('a tenant without state cannot be exported', async () => {
  expect(await codeOf(exportState(await filled(), 'nobody'))).toBe('not_found')
})
