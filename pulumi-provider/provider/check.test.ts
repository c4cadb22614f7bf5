import { describe, expect, test } from 'vitest'
import { type Autonaming, type Properties, SecretValue, unknown } from '../ports.ts'
import { createCheck } from './check.ts'
import { hearing, nameOf, open } from './fixtures/deployment.ts'
import { createProgram } from './program.ts'

async function check(kind: string, inputs: Properties, more: { old?: Properties; autonaming?: Autonaming } = {}) {
  const verb = createCheck({ program: createProgram() })
  const name = { ...nameOf('dev', kind, 'web'), ...(more.autonaming && { autonaming: more.autonaming }) }
  const { inputs: checked, failures } = await verb(name, inputs, more.old ?? {}, hearing())
  return { inputs: checked, failures: failures.map(({ property, reason }) => `${property}: ${reason}`) }
}

const role = { ca: 'root', allowedDomains: ['acme.example'] }

const filled: [what: string, kind: string, given: Properties, want: Properties][] = [
  ['defaults and the name', 'Role', role, { name: 'web', ca: 'root', maxTtl: '90d', keyType: 'any' }],
  [
    'a default that follows from another field',
    'CertificateAuthority',
    { type: 'root', commonName: 'R', keyType: 'ec' },
    { keySize: 256, validity: '3650d' },
  ],
  [
    'no such default where that field is not known',
    'CertificateAuthority',
    { type: 'root', commonName: 'R', keyType: unknown },
    { keyType: unknown },
  ],
  [
    'values that are not known yet',
    'Role',
    { ca: unknown, allowedDomains: [unknown, 'b.example'] },
    { ca: unknown, allowedDomains: [unknown, 'b.example'] },
  ],
  ['explicit nulls', 'Role', { ...role, defaultTtl: null }, { ca: 'root' }],
  ['a secret given as a text', 'Secret', { path: 'a', data: { k: 'v' } }, { data: { k: new SecretValue('v') } }],
  [
    'a property that is secret as a whole',
    'Secret',
    { path: 'a', data: new SecretValue({ k: 'v' }) },
    { data: new SecretValue({ k: 'v' }) },
  ],
  ['where a secret is', 'Secret', { path: 'a', data: { k: { env: 'K' } } }, { data: { k: { env: 'K' } } }],
  [
    'a secret where none is asked for',
    'Role',
    { ...role, ca: new SecretValue('root') },
    { ca: new SecretValue('root') },
  ],
  [
    'wishes, labels and lifecycle as they are',
    'CertificateAuthority',
    { type: 'root', commonName: 'R', allowDestroy: true, labels: { a: 'b' }, lifecycle: { protect: true } },
    { allowDestroy: true, labels: { a: 'b' }, lifecycle: { protect: true } },
  ],
]
test.each(filled)('fills in %s', async (_what, kind, given, want) => {
  const { inputs, failures } = await check(kind, given)
  expect(failures).toEqual([])
  expect(open(inputs)).toMatchObject(open(want) as object)
  const again = await check(kind, inputs, { old: inputs })
  expect(open(again.inputs), 'and finds nothing to fill in then').toEqual(open(inputs))
})

test('a default is not filled in for what is not known yet', async () => {
  const { inputs } = await check('CertificateAuthority', { type: 'root', commonName: 'R', keyType: unknown })
  expect(inputs).not.toHaveProperty('keySize')
  expect((await check('Role', { ...role, defaultTtl: null })).inputs).not.toHaveProperty('defaultTtl')
})

const refused: [what: string, kind: string, given: Properties, want: RegExp][] = [
  [
    'an item of a list',
    'Certificate',
    { role: 'web', domains: ['a.example', 'not ok'] },
    /^domains\[1\]: Certificate "web" has "not ok" as domains\[1\], expected a DNS name/,
  ],
  ['a key with a dot', 'Role', { ...role, labels: { 'a.b': 'x'.repeat(300) } }, /^labels\["a\.b"\]: /],
  [
    'a nested field',
    'CertificateAuthority',
    { type: 'root', commonName: 'R', subject: { country: 'nl' } },
    /^subject\.country: .*two capital letters/s,
  ],
  [
    'a rule over several fields',
    'Certificate',
    { domains: ['a.example'] },
    /^: Certificate "web" needs exactly one of role or account\n {2}remedy: /,
  ],
  [
    'a wish that the kind does not know',
    'Role',
    { ...role, exportPrivateKey: true },
    /^exportPrivateKey: a Role has no exportPrivateKey$/,
  ],
  ['a wish that is no truth', 'Role', { ...role, adopt: 'maybe' }, /^adopt: adopt is neither true nor false$/],
  ['a name that cannot be one', 'Role', { ...role, name: 'a/b' }, /^name: /],
  ['a secret name', 'Role', { ...role, name: new SecretValue('geheim') }, /^name: a name cannot be a secret: /],
  [
    'one that is not known yet',
    'Role',
    { ...role, name: new SecretValue(unknown) },
    /^name: a name cannot be a secret/,
  ],
]
test.each(refused)('refuses %s at its place', async (_what, kind, given, want) => {
  const { failures } = await check(kind, given)
  expect(failures).toEqual([expect.stringMatching(want)])
})

describe('names', () => {
  const named: [what: string, given: Properties, autonaming: Autonaming | undefined, old: Properties, want: string][] =
    [
      ['the logical one', {}, undefined, {}, 'web'],
      ["the program's", { name: 'x' }, { mode: 'enforce', proposed: 'y' }, {}, 'x'],
      ['a proposal', {}, { mode: 'propose', proposed: 'web-17' }, {}, 'web-17'],
      ['an earlier proposal', {}, { mode: 'propose', proposed: 'web-18' }, { name: 'web-17' }, 'web-17'],
      ['one that is enforced', {}, { mode: 'enforce', proposed: 'dev-web' }, { name: 'web' }, 'dev-web'],
    ]
  test.each(named)('%s', async (_what, given, autonaming, old, want) => {
    const { inputs, failures } = await check('Role', { ...role, ...given }, { old, ...(autonaming && { autonaming }) })
    expect(failures).toEqual([])
    expect(inputs.name).toBe(want)
  })

  test('none where the project wants the program to say them', async () => {
    const { failures } = await check('Role', role, { autonaming: { mode: 'disable', proposed: '' } })
    expect(failures).toEqual([expect.stringContaining('name: the project names nothing by itself')])
  })
})
