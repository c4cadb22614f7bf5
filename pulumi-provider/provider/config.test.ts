import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { type Properties, SecretValue, unknown, type Value } from '../ports.ts'
import { checkConfig, diffConfig, settingsOf } from './config.ts'
import { createProviderFactory } from './factory.ts'
import { hearing, open } from './fixtures/deployment.ts'

const checks: [what: string, config: Properties, inputs: Properties, failures: string[]][] = [
  ['nothing', {}, {}, []],
  ['an explicit null', { state: null }, {}, []],
  [
    'texts',
    { state: 'sqlite:a.db', owner: 'pulumi:x', tenant: 'shop' },
    { state: 'sqlite:a.db', owner: 'pulumi:x', tenant: 'shop' },
    [],
  ],
  ['a boolean as JSON in a text', { adopt: 'true' }, { adopt: true }, []],
  ['a secret', { state: new SecretValue('postgres://u:p@h/d') }, { state: new SecretValue('postgres://u:p@h/d') }, []],
  ['what is not known yet', { state: unknown, adopt: unknown }, { state: unknown, adopt: unknown }, []],
  ['words of the engine', { version: '1.0.0', __internal: {} }, { version: '1.0.0', __internal: {} }, []],
  ['an unknown scheme', { state: 'mysql://u:canary@h' }, {}, ['state: state is not sqlite:PATH or postgres://…']],
  ['a wrong word', { adopt: 'yes' }, {}, ['adopt: adopt is neither true nor false']],
  [
    'endpoints',
    { resolver: '[2001:db8::53]:53', http01Listen: ':5002' },
    { resolver: '[2001:db8::53]:53', http01Listen: ':5002' },
    [],
  ],
  [
    'what is none',
    { resolver: 'a b', http01Listen: '80' },
    {},
    [
      'resolver: resolver is not HOST:PORT, such as 192.0.2.53:53 or [2001:db8::53]:53',
      'http01Listen: http01Listen is not HOST:PORT or :PORT',
    ],
  ],
  ['an empty file', { masterKeyFile: ' ' }, {}, ['masterKeyFile: masterKeyFile is not a text']],
  [
    'an unknown setting',
    { stat: 'x' },
    {},
    ['stat: there is no setting stat; settings: state, masterKeyFile, tenant, owner, adopt, resolver, http01Listen'],
  ],
]
test.each(checks)('checks %s', (_what, config, inputs, failures) => {
  const checked = checkConfig(config)
  expect(open(checked.inputs)).toEqual(open(inputs))
  expect(checked.failures.map(({ property, reason }) => `${property}: ${reason}`)).toEqual(failures)
})

const diffs: [what: string, old: Properties, news: Properties, want: string[]][] = [
  ['nothing', { state: 'sqlite:a' }, { state: 'sqlite:a' }, []],
  ['a default that is said', {}, { tenant: 'default', adopt: 'false' }, []],
  ['another spelling', { adopt: true }, { adopt: 'true' }, []],
  ['secrets without their marks', { state: new SecretValue('sqlite:a') }, { state: 'sqlite:a' }, []],
  ['another version of the plugin', { version: '1' }, { version: '2' }, []],
  ['a state that moved', { state: 'sqlite:a' }, { state: 'sqlite:b' }, ['update state']],
  ['a state that is said now', {}, { state: 'sqlite:b' }, ['add state']],
  ['another tenant', {}, { tenant: 'b' }, ['update tenant replaces']],
  ['a tenant that is not known yet', {}, { tenant: unknown }, ['update tenant']],
]
test.each(diffs)('compares %s', (_what, old, news, want) => {
  const { fields } = diffConfig(old, news)
  expect([...fields].map(([path, { kind, replaces }]) => `${kind} ${path}${replaces ? ' replaces' : ''}`)).toEqual(want)
})

const settings: [what: string, config: Properties, env: Record<string, string>, want: Record<string, Value>][] = [
  ['alone', {}, {}, { state: 'sqlite:.trustform/state.db', tenant: 'default', adopt: false }],
  ['from the environment', {}, { TRUSTFORM_STATE: 'sqlite:e' }, { state: 'sqlite:e' }],
  ['from the program first', { state: 'sqlite:p' }, { TRUSTFORM_STATE: 'sqlite:e' }, { state: 'sqlite:p' }],
  ['with their marks off', { owner: new SecretValue('me') }, {}, { owner: 'me' }],
]
test.each(settings)('settings %s', (_what, config, env, want) => {
  expect(settingsOf(config, env)).toMatchObject(want)
})

test('settings that are wrong or not known are refused, without their values', () => {
  const refusal = (config: Properties) => {
    try {
      return settingsOf(config, {})
    } catch (error) {
      return String(error)
    }
  }
  expect(refusal({ state: unknown })).toContain("the provider's state is not known yet")
  expect(refusal({ state: new SecretValue('canary') })).toMatch(/state is not sqlite:PATH(?!.*canary)/)
})

test('a kind of state that this version does not have is told when it is opened, without its URL', async () => {
  const config = { state: 'postgres://pki:canary@db.internal/trustform' }
  expect(checkConfig(config).failures).toEqual([])
  const provider = await createProviderFactory({ env: {} }).configure(config)
  const asked = provider.invoke('trustform:index:getCertificate', { name: 'web' }, hearing())
  const refusal = await asked.then(
    () => undefined,
    (error: unknown) => error,
  )
  await provider.close()
  expect(refusal).toMatchObject({
    message: 'this version has no PostgreSQL store yet',
    remedy: expect.stringContaining('pulumi config set trustform:state sqlite:PATH'),
  })
  expect(inspect(refusal)).not.toContain('canary')
})
