import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { pulumiSchema } from '../../pulumi-provider/schema/package.ts'
import { kinds } from '../../schemas/generated/catalogue.ts'
import { run } from './install.ts'
import { startPulumi } from './pulumi.ts'
import { ensurePulumi, type PulumiPaths, pulumiBuildTimeout } from './pulumi-install.ts'
import { pluginFromSource } from './pulumi-plugin.ts'
import { ensurePulumiPython } from './pulumi-python.ts'
import { generateSdks, type Sdks, typeCheck } from './pulumi-sdk.ts'
import { createScratch } from './scratch.ts'

const scratch = createScratch('pulumi-schema')
const spec = pulumiSchema('1.2.3')
let pulumi: PulumiPaths
let sdks: Sdks

beforeAll(async () => {
  pulumi = await ensurePulumi()
  sdks = await generateSdks(spec, join(scratch.path, 'sdks'))
}, pulumiBuildTimeout)
afterAll(() => scratch.remove())

describe("Pulumi's metaschema", () => {
  const valid = () => {
    console.log(`the metaschema is read from ${pulumi.metaschema}`)
    // It is a JSON Schema document.
    const metaschema = JSON.parse(readFileSync(pulumi.metaschema, 'utf8')) as object
    // Ours knows none of its formats, and does not judge how others write schemas.
    return new Ajv2020({ strict: false, allErrors: true, validateFormats: false }).compile(metaschema)
  }

  test('is satisfied', () => {
    const check = valid()
    expect(check(spec), JSON.stringify(check.errors)).toBe(true)
  })

  test('would not be by a type that does not exist', () => {
    const variables = { state: { type: 'text' } }
    expect(valid()({ ...spec, config: { variables } })).toBe(false)
  })
})

describe("Pulumi's binder", () => {
  const broken: [what: string, change: object, says: RegExp][] = [
    ['a reference that leads nowhere', { types: {} }, /LifecycleOnDelete|trustform:index:/],
    [
      'a default of another type',
      { config: { variables: { tenant: { type: 'boolean', default: 'x' } } } },
      /default|type/,
    ],
  ]
  test.each(broken)('refuses %s', async (_what, change, says) => {
    const folder = join(scratch.path, `broken-${String(says).length}-${Object.keys(change).join()}`)
    await expect(generateSdks({ ...spec, ...change }, folder)).rejects.toThrow(says)
  })
})

const program = (certificate: string, more = '') => `
import * as trustform from './index.js'
const root = new trustform.CertificateAuthority('root', { type: 'root', commonName: 'Root', keyType: 'ec' })
const role = new trustform.Role('web', { ca: root.name, allowedDomains: ['acme.example'] })
const provider = new trustform.DnsProvider('dns', {
  providerType: 'powerdns', credentials: { api_url: 'http://127.0.0.1', api_key: { env: 'API_KEY' } },
})
const certificate = new trustform.Certificate('www', { role: role.name, ${certificate} })
${more}
`

describe('the SDK for TypeScript', () => {
  const cases: [what: string, program: string, says: RegExp][] = [
    [
      'takes a program',
      program("domains: ['www.acme.example']", 'certificate.fullchainPem.apply(pem => pem.length)'),
      /^$/,
    ],
    [
      'answers functions',
      program('', 'trustform.getCaChainOutput({ name: root.name }).rootPem.apply(pem => pem.length)'),
      /^$/,
    ],
    ['refuses a word that an enumeration does not have', program("keyType: 'ecc'"), /'"ecc"' is not assignable/],
    ['refuses a field that does not exist', program("domain: ['x']"), /'domain' does not exist|Did you mean/],
    [
      'refuses a resource without what it needs',
      program('', "new trustform.Role('r', {})"),
      /not assignable to parameter of type 'RoleArgs'/,
    ],
    [
      'knows a key that may be absent',
      program('', 'certificate.privateKeyPem.apply(pem => pem.length)'),
      /possibly 'undefined'/,
    ],
  ]
  let said: readonly string[]
  beforeAll(async () => {
    said = await typeCheck(
      sdks.nodejs,
      cases.map(([, source]) => source),
    )
  }, 60_000)
  test.each(cases.map(([what, , says], index) => [what, says, index] as const))('%s', (_what, says, index) =>
    expect(said[index]).toMatch(says))
})

test(
  'the SDK for Python is imported, with every resource',
  async () => {
    const python = await ensurePulumiPython()
    const target = join(scratch.path, 'python')
    await python.install(sdks.python, target)
    const script = `
import pulumi_trustform as trustform
print(" ".join(name for name in ${JSON.stringify(kinds)} if issubclass(getattr(trustform, name), object)))
print(trustform.CertificateKeyType.EC.value, trustform.SecretReferenceArgs(env="A").env)`
    const printed = await run(python.python, ['-c', script], { PYTHONPATH: target })
    expect(printed.trim().split('\n')).toEqual([kinds.join(' '), 'ec A'])
  },
  pulumiBuildTimeout,
)

test(
  'the SDK for Go is built',
  async () => {
    expect(readdirSync(sdks.go).filter(name => name.endsWith('.go')).length).toBeGreaterThan(kinds.length)
    await pulumi.buildGo(sdks.go)
    await expect(
      (async () => {
        const broken = join(scratch.path, 'broken-go')
        await run('cp', ['-R', sdks.go, broken])
        await run('cp', [join(sdks.go, 'role.go'), join(broken, 'role2.go')])
        await pulumi.buildGo(broken)
      })(),
    ).rejects.toThrow(/redeclared/)
  },
  pulumiBuildTimeout,
)

test('the CLI asks the plugin for it, and takes it', async () => {
  const cli = await startPulumi(join(scratch.path, 'cli'))
  const plugin = join(pluginFromSource(join(scratch.path, 'plugin')), 'pulumi-resource-trustform')
  const answered: unknown = JSON.parse(await cli.demand(['package', 'get-schema', plugin]))
  const { version } = manifest
  // The CLI leaves out what is empty.
  const { types: _types, functions: _functions, provider: _provider, resources, ...rest } = pulumiSchema(version)
  const inputs = Object.entries(resources).map(([token, { inputProperties }]) => [token, { inputProperties }])
  expect(answered).toMatchObject({ ...rest, resources: Object.fromEntries(inputs) })
})

test('everything that Pulumi needs is in the cache', () => {
  expect([pulumi.pulumi, pulumi.generateSdk, pulumi.metaschema].filter(path => !existsSync(path))).toEqual([])
})
