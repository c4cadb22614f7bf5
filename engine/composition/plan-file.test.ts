import { expect, test } from 'vitest'
import type { MadePlan } from '../index.ts'
import { manifest, type Workshop, workshop } from './fixtures/workshop.ts'

const ca = (name: string, more: object = {}) =>
  manifest('CertificateAuthority', name, { type: 'root', commonName: name, keyType: 'ec', keySize: 256, ...more })
const role = (more: object = {}) => manifest('Role', 'web', { ca: 'one', allowedDomains: ['corp.example'], ...more })
const secret = (value: unknown) => manifest('Secret', 's', { path: 's', data: { key: value } })

async function reread(shop: Workshop, { plan }: MadePlan): Promise<MadePlan> {
  return shop.engine.openPlan(await shop.engine.savePlan(plan), 'plan.json')
}

test('a saved plan does exactly what it said, also on a state that nobody has written', async () => {
  const shop = await workshop()
  const made = await shop.plan(ca('one') + role())
  const saved = await reread(shop, made)
  expect(saved.plan).toEqual(made.plan)
  const { result } = await shop.run(saved)
  expect(result.done).toEqual(['CertificateAuthority/one', 'Role/web'])
})

test('a saved plan runs once', async () => {
  const shop = await workshop()
  const saved = await reread(shop, await shop.plan(ca('one')))
  await shop.run(saved)
  await expect(shop.run(saved)).rejects.toMatchObject({ code: 'plan_stale' })
})

const tampering: [what: string, change: (text: string) => string][] = [
  ['another name', text => text.replaceAll('corp.example', 'evil.example')],
  ['another signature', text => text.replace(/hmac-sha256:[\w-]{8}/, 'hmac-sha256:AAAAAAAA')],
  ['no JSON', text => text.slice(0, -10)],
  ['another document', () => '{"trustformPlan":1}'],
  ['a list', () => '[]'],
]
test.each(tampering)('a plan file with %s is refused', async (_what, change) => {
  const shop = await workshop()
  const text = await shop.engine.savePlan((await shop.plan(ca('one') + role())).plan)
  await expect(shop.engine.openPlan(change(text), 'plan.json')).rejects.toMatchObject({ code: 'plan_tampered' })
})

test('a plan file of another state is refused', async () => {
  const [shop, other] = [await workshop(), await workshop()]
  other.env.TRUSTFORM_MASTER_KEY = shop.env.TRUSTFORM_MASTER_KEY
  const text = await shop.engine.savePlan((await shop.plan(ca('one'))).plan)
  await expect(other.engine.openPlan(text, 'plan.json')).rejects.toMatchObject({ code: 'plan_tampered' })
})

const grounds: [what: string, ends: 'is stale' | 'runs', meanwhile: string][] = [
  ['the resource itself changed', 'is stale', ca('one') + role({ maxTtl: '10d' }) + ca('two')],
  ['what it depends on changed', 'is stale', ca('one', { validity: '900d' }) + role() + ca('two')],
  ['something else changed', 'runs', ca('one') + role() + ca('two', { validity: '900d' })],
]
test.each(grounds)('when %s, a saved plan %s', async (_what, ends, meanwhile) => {
  const shop = await workshop()
  await shop.apply(ca('one') + role() + ca('two'))
  const saved = await reread(shop, await shop.plan(ca('one') + role({ allowSubdomains: true }) + ca('two')))
  await shop.apply(meanwhile)
  const run = shop.run(saved)
  if (ends === 'runs') expect((await run).result.done).toEqual(['Role/web'])
  else await expect(run).rejects.toMatchObject({ code: 'plan_stale' })
})

test('a literal secret is sealed in the file and opened again', async () => {
  const shop = await workshop()
  const canary = 'canary-literal-7f3a'
  const { plan } = await shop.plan(secret(canary))
  const text = await shop.engine.savePlan(plan)
  expect(text).not.toContain(canary)
  expect(text).not.toContain(Buffer.from(canary).toString('base64'))
  expect((await shop.run(await shop.engine.openPlan(text, 'plan.json'))).result.failed).toEqual([])
  expect((await shop.plan(secret(canary))).plan.document.summary.noop).toBe(1)
})

test('a secret that changed since makes the plan stale', async () => {
  const shop = await workshop()
  shop.env.KEY = 'one'
  const saved = await reread(shop, await shop.plan(secret({ env: 'KEY' })))
  shop.env.KEY = 'two'
  const { result } = await shop.run(saved)
  expect(result.failed).toMatchObject([{ address: 'Secret/s', error: { code: 'plan_stale' } }])
  expect(await shop.engine.list()).toEqual([])
})

test('a blocked plan stays blocked in its file', async () => {
  const shop = await workshop()
  await shop.apply(ca('one') + ca('two'))
  const saved = await reread(shop, await shop.plan(ca('one')))
  await expect(shop.run(saved)).rejects.toMatchObject({ code: 'plan_blocked' })
})
