import { expect, test } from 'vitest'
import type { Address } from '../core/address.ts'
import { actions, manifest, type Workshop, workshop } from './fixtures/workshop.ts'

const secret = (fields: object, path = 'infra/dns') => manifest('Secret', 'dns', { path, data: fields })
const provider = (apiKey: object, more: object = {}) =>
  manifest('DnsProvider', 'pdns', {
    providerType: 'powerdns',
    verify: false,
    credentials: { api_url: 'http://127.0.0.1:9', api_key: apiKey },
    managedZones: ['corp.example'],
    ...more,
  })

/** Ids of the sealed rows that hold secrets of specs. */
async function sealedFields(shop: Workshop): Promise<string[]> {
  const document: { sealed: { id: string }[] } = JSON.parse(await shop.engine.exportState())
  return document.sealed.flatMap(({ id }) => (id.includes('#') ? [id.slice(id.indexOf('#'))] : []))
}

const diffsOf = async (shop: Workshop, yaml: string, address: Address) => {
  const { plan } = await shop.plan(yaml)
  return plan.document.changes
    .find(change => change.address === address)
    ?.diffs.map(({ path, before, after, sensitive }) => `${path} ${before} -> ${after}${sensitive ? ' sensitive' : ''}`)
}

test('a stored secret is read through a reference, from the configuration and from the state', async () => {
  const shop = await workshop()
  shop.env.DNS_KEY = 'first-value'
  const both = secret({ key: { env: 'DNS_KEY' } }) + provider({ secret: 'infra/dns#key' })
  expect(actions((await shop.apply(both)).document)).toEqual(['create Secret/dns', 'create DnsProvider/pdns'])

  shop.env.DNS_KEY = 'second-value'
  expect(await diffsOf(shop, both, 'DnsProvider/pdns')).toEqual([
    '/spec/credentials/api_key (secret) -> (secret) sensitive',
  ])
  expect(actions((await shop.apply(both)).document)).toEqual(['update Secret/dns', 'update DnsProvider/pdns'])
})

test('an offline plan takes a secret as unchanged and shows a new one as unknown', async () => {
  const shop = await workshop()
  const yaml = secret({ key: { env: 'DNS_KEY' } })
  const made = await shop.plan(yaml, { offline: true })
  expect(made.plan.document.changes[0]?.diffs.find(({ sensitive }) => sensitive)?.after).toBe('(unknown)')
  shop.env.DNS_KEY = 'value'
  const { result } = await shop.run(made)
  expect(result.failed.map(({ error }) => String(error))).toEqual([
    expect.stringContaining('the plan was made offline, without the secret at /spec/data/key of Secret/dns'),
  ])
  await shop.apply(yaml)
  expect(actions((await shop.plan(yaml, { offline: true })).plan.document)).toEqual([])
})

test('every unresolved secret fails the plan with its place', async () => {
  const shop = await workshop()
  const told = (name: string) => ({ code: 'secret_unresolved', message: expect.stringContaining(name) })
  const yaml = secret({ key: { env: 'MISSING' }, other: { env: 'ABSENT' } })
  const two = manifest('Secret', 'two', { path: 'two', data: { key: { secret: 'nowhere#key' } } })
  await expect(shop.plan(yaml + two)).rejects.toMatchObject({
    diagnostics: [{ ...told('MISSING'), position: { line: 1 } }, told('ABSENT'), told('nowhere')],
  })
})

test('sealed values go with their field and with their resource', async () => {
  const shop = await workshop()
  shop.env.A = 'value-a'
  shop.env.B = 'value-b'
  await shop.apply(secret({ a: { env: 'A' }, b: { env: 'B' } }))
  expect(await sealedFields(shop)).toEqual(['#/data/a', '#/data/b'])
  await shop.apply(secret({ b: { env: 'B' } }))
  expect(await sealedFields(shop)).toEqual(['#/data/b'])
  const { document } = await shop.apply(manifest('Secret', 'other', { path: 'other', data: { b: { env: 'B' } } }))
  expect(document.changes.find(({ action }) => action === 'delete')?.because).toBe(
    'no longer declared; its values are destroyed',
  )
  expect(await sealedFields(shop)).toEqual(['#/data/b'])
  expect(await shop.engine.verify()).toEqual([])
})

test('a moved secret stays unchanged under its new address', async () => {
  const shop = await workshop()
  shop.env.A = 'value-a'
  await shop.apply(secret({ a: { env: 'A' } }) + provider({ secret: 'infra/dns#a' }))
  await shop.engine.locked('test', {}, locked => locked.move('Secret/dns', 'Secret/renamed'))
  const renamed = manifest('Secret', 'renamed', { path: 'infra/dns', data: { a: { env: 'A' } } })
  expect(actions((await shop.plan(renamed + provider({ secret: 'infra/dns#a' }))).plan.document)).toEqual([])
})

test('a rollback records what is really sealed, so that the next plan mends it', async () => {
  const shop = await workshop()
  shop.env.A = 'first-value'
  const yaml = secret({ a: { env: 'A' } })
  await shop.apply(yaml)
  const { serial } = await shop.engine.snapshot()
  shop.env.A = 'second-value'
  await shop.apply(yaml)
  await shop.engine.locked('test', {}, locked => locked.rollBack(serial))
  // The spec is the first one again; the sealed value is the second.
  expect(actions((await shop.plan(yaml)).plan.document)).toEqual([])
  shop.env.A = 'first-value'
  expect(actions((await shop.apply(yaml)).document)).toEqual(['update Secret/dns'])
})

test('a deleted secret that a rollback brings back is set again', async () => {
  const shop = await workshop()
  shop.env.A = 'first-value'
  await shop.apply(secret({ a: { env: 'A' } }))
  const { serial } = await shop.engine.snapshot()
  await shop.run(await shop.engine.plan({ mode: 'destroy' }))
  await shop.engine.locked('test', {}, locked => locked.rollBack(serial))
  expect(actions((await shop.apply(secret({ a: { env: 'A' } }))).document)).toEqual(['update Secret/dns'])
})

test('two secrets at one path are refused', async () => {
  const shop = await workshop()
  shop.env.A = 'value'
  const yaml =
    secret({ a: { env: 'A' } }) + manifest('Secret', 'twin', { path: 'infra/dns', data: { a: { env: 'A' } } })
  const { plan } = await shop.plan(yaml)
  expect(plan.document.preflight.map(({ address, code }) => `${address} ${code}`)).toEqual([
    'Secret/dns reference_ambiguous',
    'Secret/twin reference_ambiguous',
  ])
})

test('after a key rotation everything opens, here and in another process', async () => {
  const shop = await workshop()
  shop.env.A = 'value-a'
  const yaml =
    secret({ a: { env: 'A' } }) +
    provider({ secret: 'infra/dns#a' }) +
    manifest('CertificateAuthority', 'root', { type: 'root', commonName: 'Root', keyType: 'ec', keySize: 256 })
  await shop.apply(yaml)
  const before = shop.engine
  const other = await shop.reopen()
  expect(await other.rotateKey()).toMatchObject({ version: 2 })
  expect(await other.verify()).toEqual([])
  for (const engine of [other, before]) {
    const { certificate } = await engine.get('CertificateAuthority/root')
    expect((await certificate?.key?.())?.reveal()).toContain('BEGIN PRIVATE KEY')
  }
  expect(actions((await shop.plan(yaml)).plan.document)).toEqual([])
})

test('a stored secret under another name leaves nothing in the record that is gone', async () => {
  const shop = await workshop()
  shop.env.DNS_KEY = 'value'
  const named = (name: string) => manifest('Secret', name, { path: 'infra/dns', data: { key: { env: 'DNS_KEY' } } })
  const uses = provider({ secret: 'infra/dns#key' })
  await shop.apply(named('dns') + uses)
  const { document } = await shop.apply(named('other') + uses)
  expect(actions(document)).toEqual(['create Secret/other', 'delete Secret/dns'])
  expect((await shop.engine.get('DnsProvider/pdns')).resource.dependsOn).toEqual(['Secret/other'])
  expect(actions((await shop.plan(named('other') + uses)).plan.document)).toEqual([])
  expect(await shop.engine.verify()).toEqual([])
})
