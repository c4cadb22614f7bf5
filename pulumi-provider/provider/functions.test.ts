import { describe, expect, test } from 'vitest'
import { type Properties, SecretValue } from '../ports.ts'
import { kindOutputs } from '../schema/outputs.ts'
import { pulumiSchema } from '../schema/package.ts'
import { type Declared, deployment, hearing, open } from './fixtures/deployment.ts'
import { tellers } from './outputs.ts'

const program: Declared[] = [
  ['CertificateAuthority', 'root', { type: 'root', commonName: 'Root', keyType: 'ec', validity: '3650d' }],
  [
    'CertificateAuthority',
    'sub',
    { type: 'intermediate', parent: 'root', commonName: 'Sub', keyType: 'ec', validity: '1825d' },
  ],
  ['Role', 'web', { ca: 'sub', allowedDomains: ['acme.example'], allowSubdomains: true }],
  ['Certificate', 'www', { role: 'web', domains: ['www.acme.example'], ttl: '30d', labels: { a: 'b' } }],
]

async function asking() {
  const pulumi = await deployment()
  const { outputs } = await pulumi.up(program)
  const provider = await pulumi.provider()
  const ask = (name: string, args: Properties) => provider.invoke(`trustform:index:${name}`, args, hearing())
  return { outputs, ask, id: (key: string) => pulumi.stack.get(key)?.id }
}

describe('functions', () => {
  test('look at a certificate and at an authority', async () => {
    const { ask, outputs, id } = await asking()
    const { outputs: www } = await ask('getCertificate', { name: 'www' })
    const own = outputs('Certificate/www')
    expect(www).toMatchObject({
      id: id('Certificate/www'),
      name: 'www',
      owner: 'pulumi:shop/dev',
      labels: { a: 'b' },
      serialNumber: own.serialNumber,
      fullchainPem: own.fullchainPem,
    })
    expect(www).not.toHaveProperty('privateKeyPem')
    const withKey = await ask('getCertificate', { name: 'www', exportPrivateKey: true })
    expect(withKey.outputs.privateKeyPem).toBeInstanceOf(SecretValue)
    const sub = await ask('getCertificateAuthority', { name: 'sub' })
    expect(sub.outputs).toMatchObject({
      id: id('CertificateAuthority/sub'),
      rootPem: outputs('CertificateAuthority/root').certificatePem,
    })
    await expect(ask('getCertificate', { name: 'nope' })).rejects.toMatchObject({ code: 'not_found' })
    expect((await ask('getCertificate', {})).failures).toEqual([
      { property: 'name', reason: 'name is missing\n  remedy: set it to the name of the Certificate' },
    ])
  })

  test('tell the chain of an authority', async () => {
    const { ask, outputs } = await asking()
    const [root, sub] = ['root', 'sub'].map(name => String(outputs(`CertificateAuthority/${name}`).certificatePem))
    expect((await ask('getCaChain', { name: 'sub' })).outputs).toEqual({
      certificatePem: sub,
      chainPem: sub,
      rootPem: root,
      bundlePem: `${sub}${root}`,
    })
    expect((await ask('getCaChain', { name: 'root' })).outputs).toEqual({
      certificatePem: root,
      chainPem: '',
      rootPem: root,
      bundlePem: root,
    })
    expect(outputs('Certificate/www').chainPem).toBe(sub)
  })

  test('tell the types of DNS services', async () => {
    const { ask } = await asking()
    const { outputs } = await ask('getDnsProviderTypes', {})
    expect(outputs.types).toContainEqual(expect.objectContaining({ type: 'powerdns' }))
  })

  test('tell whether a certificate could be declared so', async () => {
    const { ask } = await asking()
    const valid = { role: 'web', domains: ['b.acme.example'], ttl: '30d' }
    const judged: [Properties, boolean, unknown[]][] = [
      [valid, true, []],
      [{ ...valid, name: 'www' }, true, []],
      [
        { ...valid, domains: ['b.acme.example', 'evil.example'] },
        false,
        [{ level: 'error', code: 'role_violation', property: 'domains[1]' }],
      ],
      [{ ...valid, role: 'webb' }, false, [{ level: 'error', code: 'reference_unknown', property: 'role' }]],
      [
        { ...valid, domains: ['not ok'] },
        false,
        [{ level: 'error', code: 'schema_violation', property: 'domains[0]' }],
      ],
    ]
    for (const [args, isValid, findings] of judged) {
      const { outputs } = await ask('validateCertificate', args)
      expect(open(outputs), JSON.stringify(args)).toMatchObject({ valid: isValid, findings })
    }
  })

  test('are those that the schema has', async () => {
    const { ask } = await asking()
    const { functions } = pulumiSchema('1.0.0')
    for (const token of Object.keys(functions)) {
      const name = token.replace('trustform:index:', '')
      await expect(ask(name, { name: 'sub' }).catch(error => error.message)).resolves.not.toContain(
        'there is no function',
      )
    }
    expect(Object.keys(functions)).toHaveLength(5)
    await expect(ask('getNothing', {})).rejects.toMatchObject({ code: 'not_found' })
  })
})

test('every computed property of the schema is told', () => {
  const names = Object.values(kindOutputs).flatMap(outputs => Object.keys(outputs ?? {}))
  expect(names.length).toBeGreaterThan(10)
  expect(names.filter(name => !Object.hasOwn(tellers, name))).toEqual([])
})
