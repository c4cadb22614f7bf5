import { expect, test } from 'vitest'
import { EngineError } from '../core/errors.ts'
import { Secret } from '../core/secret.ts'
import type { Driver } from '../kinds/driver.ts'
import type { PlannedOperation } from '../planner/plan.ts'
import { type Bench, bench, op, thing } from './fixtures/run.ts'

/** `type subject` of what the run left in both logs. */
async function logged({ store }: Bench): Promise<Record<'audit' | 'event', string[]>> {
  const lines = async (log: 'audit' | 'event') =>
    (await store.log('default', { log })).map(({ type, subject }) => `${type} ${subject}`)
  return { audit: await lines('audit'), event: await lines('event') }
}

const row = {
  objectId: 'thing_1',
  issuerId: 'ca_1',
  notBefore: '',
  notAfter: '2027-01-31T08:00:00.000Z',
  der: new Uint8Array(1),
  chain: [],
}

test('an outcome is logged by the commit that records it, with its certificate and what made it happen', async () => {
  const shop = await bench()
  const driver = thing({
    create: async () => ({ status: {}, certificates: [{ ...row, id: 'crt_1', serial: '0A' }] }),
  })
  await shop.run([op('a')], driver, { actor: 'git:infra', cause: { commit: 'abc' } })
  expect(await shop.store.log('default', { log: 'audit' })).toMatchObject([
    {
      type: 'thing_create',
      actor: 'git:infra',
      subject: 'Thing/a',
      at: '2026-11-01T12:00:00.000Z',
      data: { certificate: 'crt_1', serial: '0A', notAfter: row.notAfter, cause: { commit: 'abc' } },
    },
  ])
  expect(await logged(shop)).toMatchObject({ event: ['resource.created Thing/a'] })
})

test('updates, renewals, revocations and removals are logged as such', async () => {
  const shop = await bench()
  const made = thing({ create: async () => ({ status: {}, certificates: [{ ...row, id: 'crt_1', serial: '0A' }] }) })
  await shop.run([op('a')], made)
  const revocations = [{ certificateId: 'crt_1', reason: 'superseded' }]
  const driver = thing({ renew: async () => ({ status: {}, revocations }) })
  const next = async (action: PlannedOperation['action']) =>
    shop.run([op('a', { action, expectedRevision: await shop.revision('a') })], driver)
  await next('update')
  await next('renew')
  await next('delete')
  expect(await logged(shop)).toEqual({
    audit: [
      'thing_create Thing/a',
      'thing_update Thing/a',
      'thing_renew Thing/a',
      'certificate_revoke Thing/a',
      'thing_delete Thing/a',
    ],
    event: [
      'resource.created Thing/a',
      'resource.updated Thing/a',
      'resource.renewed Thing/a',
      'certificate.revoked Thing/a',
      'resource.deleted Thing/a',
    ],
  })
  expect(await shop.store.verify('default')).toEqual([])
})

const failures: [what: string, error: unknown, want: object][] = [
  [
    'a failure is told with code, words and remedy',
    new EngineError('acme_refused', 'the CA says no', { remedy: 'ask it' }),
    { code: 'acme_refused', message: 'the CA says no', remedy: 'ask it', action: 'create', kind: 'Thing' },
  ],
  [
    'the words of a bug are not told',
    new Error('password hunter2'),
    { code: 'internal', message: 'an unexpected error' },
  ],
]
test.each(failures)('%s', async (_what, error, data) => {
  const shop = await bench()
  const create: Driver['create'] = async () => {
    throw error
  }
  await shop.run([op('a')], thing({ create }))
  expect(await shop.store.log('default', { log: 'event' })).toMatchObject([{ type: 'resource.failed', data }])
  expect(JSON.stringify(await shop.store.log('default', { log: 'event' }))).not.toContain('hunter2')
  expect(await logged(shop)).toMatchObject({ audit: [] })
})

test('a TXT record is audited when it was written and when it was removed, a challenge when it was met', async () => {
  const shop = await bench()
  const place = { provider: 'pdns', zone: 'acme.example', name: '_acme-challenge.acme.example' }
  const create: Driver['create'] = async (_operation, { journal }) => {
    await journal.intend('key', {}, { key: new Secret(new Uint8Array(1)) })
    await journal.complete('key')
    await journal.intend('txt:a', { ...place, value: 'v' })
    expect((await logged(shop)).audit).toEqual([])
    await journal.complete('txt:a')
    await journal.note?.('acme_challenge_complete', [{ name: 'acme.example' }, { name: 'www.acme.example' }])
    await journal.complete('txt:a', { removed: true })
    return { status: {} }
  }
  await shop.run([op('a')], thing({ create }))
  expect((await logged(shop)).audit).toEqual([
    'dns_record_create Thing/a',
    'acme_challenge_complete Thing/a',
    'acme_challenge_complete Thing/a',
    'dns_record_delete Thing/a',
    'thing_create Thing/a',
  ])
  const [created] = await shop.store.log('default', { log: 'audit' })
  expect(created?.data).toEqual({ type: 'TXT', ...place })
})

test('a run that lost its lease logs nothing', async () => {
  const shop = await bench()
  await shop.takeLease()
  const { failed } = await shop.run([op('a')], thing())
  expect(failed).toHaveLength(1)
  expect(await logged(shop)).toEqual({ audit: [], event: [] })
})
