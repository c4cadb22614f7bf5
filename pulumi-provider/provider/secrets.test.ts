import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { type Properties, SecretValue } from '../ports.ts'
import { type Declared, deployment, open } from './fixtures/deployment.ts'

const canaries = ['canary-plain-4711', 'canary-whole-4712', 'canary-name-4713.example', 'canary-rotated-4714']
const [plain = '', whole = '', name = '', rotated = ''] = canaries

/** What may be shown: values with the secrets in their wrapping. */
const shown = (value: unknown) => inspect(value, { depth: null }) + JSON.stringify(value)

function program(key = plain, domain: Properties = {}): Declared[] {
  return [
    ['Secret', 'dns', { path: 'infra/dns', data: { key, other: new SecretValue(whole) } }],
    [
      'DnsProvider',
      'pdns',
      {
        providerType: 'powerdns',
        verify: false,
        // Nobody listens there: it is tried all the same, and told.
        credentials: new SecretValue({ api_url: 'http://127.0.0.1:1', api_key: { secret: 'infra/dns#key' } }),
      },
    ],
    ['CertificateAuthority', 'root', { type: 'root', commonName: 'Root', keyType: 'ec', exportPrivateKey: true }],
    ['Role', 'web', { ca: 'root', allowedDomains: ['acme.example'], allowSubdomains: true }],
    [
      'Certificate',
      'www',
      { role: 'web', domains: ['www.acme.example'], ttl: '30d', exportPrivateKey: true, ...domain },
    ],
  ]
}

test('secrets are told as secrets alone, and are in no message, plan or file', async () => {
  const pulumi = await deployment()
  const told: string[] = []
  const previewed = await pulumi.preview(program())
  expect(previewed.steps).toHaveLength(5)
  expect(open(previewed.outputs('Certificate/www').privateKeyPem)).toEqual({ secret: '<unknown>' })
  const made = await pulumi.up(program())
  const keys = ['CertificateAuthority/root', 'Certificate/www'].map(each => made.outputs(each).privateKeyPem)
  for (const key of keys) {
    expect(key).toBeInstanceOf(SecretValue)
    expect(open(key)).toEqual({ secret: expect.stringMatching(/^-----BEGIN PRIVATE KEY-----/) })
  }
  expect(open(made.outputs('Secret/dns'))).toMatchObject({
    data: { key: { secret: plain }, other: { secret: whole } },
    fields: ['key', 'other'],
  })
  const same = await pulumi.up(program())
  expect(same.steps.filter(step => !step.startsWith('same'))).toEqual([])
  const changed = await pulumi.preview(program(rotated))
  expect(changed.steps.slice(0, 2)).toEqual([
    'update Secret/dns: data.key',
    'update DnsProvider/pdns: credentials.api_key',
  ])
  expect((await pulumi.up(program(rotated))).steps.slice(0, 2)).toEqual(changed.steps.slice(0, 2))
  expect((await pulumi.up(program(rotated))).steps.filter(step => !step.startsWith('same'))).toEqual([])
  await pulumi.refresh()

  // Names that only the program holds for secrets are in sentences of the engine, and not in ours.
  const bad: Properties[] = [
    { domains: [new SecretValue(name)] },
    { domains: new SecretValue([name]) },
    { domains: new SecretValue([`${name} x`]) },
    { role: new SecretValue(name) },
  ]
  for (const domain of bad) {
    const outcome = await pulumi.preview(program(rotated, domain)).then(
      () => 'nothing was refused',
      (error: unknown) => String(error),
    )
    expect(outcome).toMatch(/\(secret\)|a text that is not shown/)
    told.push(outcome)
  }
  told.push(...pulumi.told)
  expect(pulumi.told.join('\n'), 'something was told').toContain('DnsProvider/pdns')
  const remembered = [...pulumi.stack.values()].map(shown).join('\n')
  expect(remembered).toContain('infra/dns')
  const files = readdirSync(pulumi.folder).map(file => readFileSync(join(pulumi.folder, file)).toString('latin1'))
  expect(files.join(''), 'the state was read').toContain('infra/dns')
  for (const canary of [...canaries, 'BEGIN PRIVATE KEY']) {
    expect(told.join('\n')).not.toContain(canary)
    expect(files.join('')).not.toContain(canary)
    // inspect lays SecretValue open for tests; as JSON, which logs are, it is closed.
    expect(JSON.stringify([...pulumi.stack.values()])).not.toContain(canary)
  }
})

test('a reference that leads nowhere is told with its field, because its words are hidden', async () => {
  const pulumi = await deployment()
  const secret: Declared = [
    'Secret',
    'app',
    { path: 'app', data: new SecretValue({ 'pass.word': { env: 'NOBODY_SET' } }) },
  ]
  await expect(pulumi.preview([secret])).rejects.toThrow(
    /^Secret\/app: data\["pass\.word"\]: the environment variable \(secret\) is not set\n {2}remedy: set \(secret\)/,
  )
})
