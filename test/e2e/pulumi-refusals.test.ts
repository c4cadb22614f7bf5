import { afterAll, beforeAll, expect, test } from 'vitest'
import { pulumiBuildTimeout } from '../servers/pulumi-install.ts'
import { certificate, dnsProvider, pki, ref, role, rootCa, secret, the } from './pulumi-program.ts'
import { type Declarations, type PulumiWorld, startPulumiWorld } from './pulumi-world.ts'

let world: PulumiWorld
beforeAll(async () => {
  world = await startPulumiWorld('pulumi-refusals')
}, pulumiBuildTimeout)
afterAll(() => world?.stop())

/** Fits none of the patterns. */
const canary = '!canary 0d6e1f5b77'
const marked = (value: unknown) => ({ 'fn::secret': value })

/** What is wrong with the program alone: each names the property, and says what to do. */
const checked: [what: string, resources: Declarations, says: RegExp[]][] = [
  ['a name that is none', { web: certificate({ domains: ['web.acme.example', 'not a name'] }) }, [/domains\[1\]/]],
  ['two issuers', { web: certificate({ account: 'ca' }) }, [/exactly one of role or account/, /remedy: /]],
  ['a duration that is none', { web: certificate({ ttl: 'soon' }) }, [/ttl/, /30d/]],
  ['one name twice', { again: role({ name: 'servers' }) }, [/Role\/servers is declared twice/, /remedy: /]],
  // The language's own checks know no patterns: these come to the provider, marked as secrets.
  ['a secret for a path', { tokens: secret({ value: 'x' }, { path: the('token') }) }, [/path/]],
  ['a secret for a variable', { tokens: secret({ value: { env: the('token') } }) }, [/data/, /env/]],
  ['a secret for a name', { web: certificate({ domains: [the('token')] }) }, [/domains/]],
  ['a secret for a duration', { root: rootCa({ validity: the('token') }) }, [/validity/]],
  [
    'a credential that its service has not',
    { pdns: dnsProvider({ providerType: 'powerdns', credentials: { api_token: the('token') } }) },
    [/credentials/, /api_key/],
  ],
]

/** What only the state, or the world around, can say. */
const planned: [what: string, resources: Declarations, says: RegExp[]][] = [
  ['a name that its role does not allow', { web: certificate({ domains: ['evil.example'] }) }, [/evil\.example/]],
  ['a lifetime that its role does not allow', { web: certificate({ ttl: '100d' }) }, [/Certificate\/web/, /90d/]],
  [
    'a name outside of what the authority may sign',
    { root: rootCa({ nameConstraints: { permitted: { dns: ['other.example'] } } }) },
    [/web\.acme\.example/, /other\.example|constraint/],
  ],
  ['a role that is nowhere', { web: certificate({ role: 'nowhere' }) }, [/nowhere/, /name output/]],
  [
    'a service that does not answer',
    {
      pdns: dnsProvider({
        providerType: 'powerdns',
        credentials: { api_url: 'http://127.0.0.1:9', api_key: the('token') },
      }),
    },
    [/DnsProvider\/pdns/],
  ],
]

test.each([
  ...checked.map(([what, ...rest]) => [what, ...rest] as const),
  ...planned.map(([what, resources, says]) => [what, resources, [...says, /remedy: /]] as const),
])('%s stops the preview with what is wrong and what to do', async (what, resources, says) => {
  const project = await world.project(`refused-${what.replaceAll(/\W+/g, '-')}`)
  project.declare({ ...pki, ...resources }, { config: { token: { type: 'string', secret: true } } })
  await project.demand('config', 'set', '--secret', 'token', canary)
  const { text } = await project.refused('preview')
  for (const each of says) expect(text).toMatch(each)
  expect(text).not.toContain(canary)
  expect(text).not.toContain('a bug in')
  const { code, stdout, stderr } = await project.work.run(['list', '--json'])
  // A preview makes no state of its own.
  expect([code, stdout.trim() || stderr]).toEqual(
    code === 0 ? [0, '[]'] : [1, expect.stringContaining('there is no state')],
  )
})

test('a warning is shown by the preview and stops nothing', async () => {
  const project = await world.project('warnings')
  project.declare({ root: pki.root, nothing: role({ allowedDomains: [] }) })
  for (const command of ['preview', 'up'] as const) {
    const { told, steps } = await project.do(command)
    expect(steps).toEqual({ root: 'create', nothing: 'create' })
    expect(told).toEqual([
      expect.stringMatching(/^warning: Role\/nothing: the role allows no name at all\s+remedy: add/),
    ])
  }
})

test('a provider whose configuration is not known yet previews, and then makes what it shows', async () => {
  const project = await world.project('unknown')
  const provider = (owner: string) => ({
    type: 'pulumi:providers:trustform',
    properties: { owner, state: `sqlite:${project.work.folder}/.trustform/state.db` },
  })
  const by = { provider: the('ours') }
  const resources = {
    first: rootCa({ commonName: 'First' }),
    ours: provider(`team-${ref('first', 'serialNumber')}`),
    root: rootCa({}, by),
    servers: role({}, by),
    web: certificate({}, by),
  }
  project.declare(resources)
  expect((await project.do('preview')).steps).toEqual({
    first: 'create',
    root: 'create',
    servers: 'create',
    web: 'create',
  })
  await project.do('up')
  await project.do('preview', '--expect-no-changes')
  const { serialNumber } = (await project.recorded('first')).outputs
  const { stdout } = await project.work.expect(0, ['list', '--json'])
  expect(stdout).toContain(`"team-${serialNumber}"`)
})

test('settings that are wrong are told with their name, and a secret one without its value', async () => {
  const project = await world.project('settings')
  const cases: [properties: object, says: RegExp][] = [
    [{ state: 'mysql://x' }, /state is not sqlite:PATH or postgres/],
    [{ state: marked(`mysql://u:${canary}@db/x`) }, /state is not sqlite:PATH or postgres/],
    [{ tenant: 'no tenant' }, /tenant is not a name/],
    [{ masterKeyFile: '/nowhere/master.key' }, /nowhere\/master\.key.*does not exist\s+remedy: /],
  ]
  for (const [properties, says] of cases) {
    project.declare({
      ours: { type: 'pulumi:providers:trustform', properties },
      root: rootCa({}, { provider: the('ours') }),
      tokens: secret({ value: 'x' }, {}, { provider: the('ours') }),
    })
    const { text } = await project.refused('preview')
    expect(text).toMatch(says)
    expect(text).not.toContain(canary)
  }
})

test('functions answer in a program, and validate what is not declared', async () => {
  const project = await world.project('functions')
  const call = (name: string, args: object) => ({ 'fn::invoke': { function: `trustform:${name}`, arguments: args } })
  project.declare(pki)
  await project.do('up')
  project.declare(pki, {
    variables: {
      valid: call('validateCertificate', { role: ref('servers'), domains: ['a.acme.example'], ttl: '10d' }),
      wrong: call('validateCertificate', { role: ref('servers'), domains: ['evil.example'], ttl: '10d' }),
      found: call('getCertificate', { name: ref('web') }),
      chain: call('getCaChain', { name: ref('root') }),
      types: call('getDnsProviderTypes', {}),
    },
    outputs: {
      valid: ref('valid', 'valid'),
      wrong: the('wrong'),
      serial: ref('found', 'serialNumber'),
      made: ref('web', 'serialNumber'),
      bundle: ref('chain', 'bundlePem'),
      root: ref('root', 'certificatePem'),
      types: the('types'),
    },
  })
  await project.do('preview', '--expect-no-changes')
  await project.do('up')
  const outputs = await project.outputs()
  expect(outputs).toMatchObject({ valid: true, wrong: { valid: false }, serial: outputs.made, bundle: outputs.root })
  expect(JSON.stringify(outputs.wrong)).toMatch(/evil\.example.*remedy/)
  expect(JSON.stringify(outputs.types)).toMatch(/powerdns.*rfc2136|rfc2136.*powerdns/)
  // What is made by the same run is asked for by its outputs.
  const fresh = certificate({ domains: ['new.acme.example'] })
  project.declare({ ...pki, fresh }, { variables: { found: call('getCertificate', { name: ref('fresh') }) } })
  expect((await project.do('preview')).text).toMatch(/Certificate\/fresh does not exist\s+remedy: .*use its outputs/)
})
