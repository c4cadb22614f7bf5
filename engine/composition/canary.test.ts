import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { armor, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { expect, test } from 'vitest'
import { manifest, type Workshop, workshop } from './fixtures/workshop.ts'

const canaries = {
  env: 'canary-env-5d1f0c7e',
  file: 'canary-file-8a24b9d3',
  literal: 'canary-literal-e7c6',
  age: 'canary-age-19fb42aa',
  stored: 'canary-stored-c03d77',
  hmac: 'Y2FuYXJ5LWhtYWMtNGY4YjJl',
  changed: 'canary-changed-6611ee',
} as const

async function encrypted(shop: Workshop, text: string): Promise<string> {
  const identity = await generateX25519Identity()
  const encrypter = new Encrypter()
  encrypter.addRecipient(await identityToRecipient(identity))
  shop.env.TRUSTFORM_AGE_IDENTITY_FILE = shop.file('sources/age-identity', identity)
  return armor.encode(await encrypter.encrypt(text))
}

/** Every way in which a value could be written down. */
const spellings = (value: string) => [
  value,
  Buffer.from(value).toString('base64').replace(/=+$/, ''),
  Buffer.from(value).toString('hex'),
  JSON.stringify(value).slice(1, -1),
]

/** Names of the canaries that an output holds. */
function found(output: string | Buffer): string[] {
  const text = typeof output === 'string' ? output : output.toString('latin1')
  return Object.entries(canaries).flatMap(([name, value]) =>
    spellings(value).some(spelling => text.includes(spelling)) ? [name] : [],
  )
}

test('no secret is in any output, log or file', async () => {
  const shop = await workshop()
  const outputs = new Map<string, string>()
  const keep = (name: string, value: unknown) =>
    outputs.set(name, `${inspect(value, { depth: 20 })}\n${JSON.stringify(value)}\n${String(value)}`)

  Object.assign(shop.env, { CANARY: canaries.env, STORED: canaries.stored, HMAC: canaries.hmac })
  shop.file('sources/secret', canaries.file)
  const yaml = (env = 'CANARY') =>
    manifest('Secret', 'all', {
      path: 'all',
      data: { env: { env }, file: { file: 'sources/secret' }, literal: canaries.literal, age: { age } },
    }) +
    manifest('Secret', 'stored', { path: 'stored', data: { key: { env: 'STORED' } } }) +
    manifest('DnsProvider', 'pdns', {
      providerType: 'powerdns',
      verify: false,
      credentials: { api_url: 'http://127.0.0.1:9', api_key: { secret: 'stored#key' } },
    }) +
    manifest('CertificateAuthority', 'root', { type: 'root', commonName: 'R', keyType: 'ec', keySize: 256 })
  const age = await encrypted(shop, canaries.age)
  const account = manifest('AcmeAccount', 'a', {
    provider: 'custom',
    directoryUrl: 'https://127.0.0.1:9/dir',
    externalAccountBinding: { kid: 'k', hmacKey: { env: 'HMAC' } },
  })

  for (const offline of [true, false]) {
    const made = await shop.plan(yaml() + account, { offline })
    keep(`plan ${offline}`, made)
    outputs.set(`plan file ${offline}`, await shop.engine.savePlan(made.plan))
  }
  keep('apply', await shop.apply(yaml()))
  shop.env.CHANGED = canaries.changed
  keep('update', await shop.apply(yaml('CHANGED')))
  keep('failed', await shop.plan(yaml('MISSING')).catch((error: unknown) => error))
  keep('list', await shop.engine.list())
  for (const { address } of await shop.engine.list()) keep(address, await shop.engine.get(address))
  keep('history', await shop.engine.history({}))
  // It fails after its secret was read: that has changed since the plan.
  const stale = await shop.plan(yaml())
  shop.env.CANARY = `${canaries.env}-later`
  keep('failed apply', await shop.run(stale))
  const { key, token } = await shop.engine.keys.create({ userId: 'ann', name: 'ci', scopes: ['plans:read'] })
  keep('key', [key, await shop.engine.keys.list()])
  await shop.engine.keys.revoke(key.id)
  keep('destroy', await shop.run(await shop.engine.plan({ mode: 'destroy', allow: ['all-deletes'] })))
  outputs.set('log', shop.logged.join('\n'))
  keep('audit', await shop.engine.audit({}))
  const exported = await shop.engine.exportState()
  outputs.set('export', exported)
  const { logs }: { logs: { log: string; type: string }[] } = JSON.parse(exported)
  for (const type of ['secret_create', 'resource.updated', 'resource.failed', 'api_key_revoke', 'secret_delete']) {
    expect(logs.map(entry => entry.type)).toContain(type)
  }

  expect([...outputs].flatMap(([name, text]) => found(text).map(canary => `${canary} in ${name}`))).toEqual([])
  const files = readdirSync(shop.folder).filter(name => name.startsWith('state.db'))
  expect(files).toContain('state.db')
  for (const name of files) {
    const content = readFileSync(join(shop.folder, name))
    expect(found(content), name).toEqual([])
    expect(content.includes(token.reveal()), name).toBe(false)
  }
  expect([...outputs].filter(([, text]) => text.includes(token.reveal())).map(([name]) => name)).toEqual([])
})

test('the scan finds what it looks for', async () => {
  const shop = await workshop()
  shop.env.CANARY = canaries.env
  expect(found(`x ${canaries.env} y`)).toEqual(['env'])
  expect(found(Buffer.from(`x ${Buffer.from(canaries.file).toString('base64')}`))).toEqual(['file'])
  await shop.apply(manifest('Secret', 's', { path: canaries.hmac, data: { key: { env: 'CANARY' } } }))
  const files = readdirSync(shop.folder).filter(name => name.startsWith('state.db'))
  const seen = files.flatMap(name => found(readFileSync(join(shop.folder, name))))
  expect([...new Set(seen)]).toEqual(['hmac'])
})
