import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isJsonObject, type JsonObject } from '../../engine/index.ts'
import { loadDrivers } from '../../engine/kinds/registry.ts'
import { dnsProviderTypes, kinds } from '../../schemas/generated/catalogue.ts'
import { documentSchemas } from '../../schemas/generated/validators/schemas.js'
import { dnsProviderTypeInfos } from './dns-provider-types.ts'
import { memberName, typeName } from './naming.ts'
import { guardedKinds, kindOutputs, ownInputs, secretProperties } from './outputs.ts'
import { packageSpec, pulumiSchema } from './package.ts'
import type { PropertySpec, ResourceSpec } from './package-spec.ts'

const spec = pulumiSchema('1.2.3')
const resource = (kind: string, of = spec): ResourceSpec => {
  const found = of.resources[`trustform:index:${kind}`]
  if (!found) throw new Error(`there is no resource ${kind}`)
  return found
}
const input = (kind: string, name: string): PropertySpec | undefined => resource(kind).inputProperties[name]
const type = (name: string) => spec.types[`trustform:index:${name}`]

/** A document schema as the generator writes it, with this spec. */
function documentOf(kind: string, spec: JsonObject): JsonObject {
  const document = documentSchemas[kinds[0]]
  const properties = isJsonObject(document?.properties) ? document.properties : {}
  return { ...document, title: kind, properties: { ...properties, spec } }
}

/** The fields of a kind, as its schema has them. */
function specFieldsOf(kind: string): JsonObject {
  const properties = documentSchemas[kind]?.properties
  const spec = isJsonObject(properties) ? properties.spec : undefined
  if (!isJsonObject(spec) || !isJsonObject(spec.properties)) throw new Error(`${kind} has no fields`)
  return spec.properties
}

test('the schema is the one that SDKs were generated from (vitest -u writes it)', async () => {
  const text = `${JSON.stringify({ ...spec, version: '0.0.0' }, null, 2)}\n`
  await expect(text).toMatchFileSnapshot(join(import.meta.dirname, 'golden', 'schema.json'))
})

test('every kind is a resource', () => {
  expect(Object.keys(spec.resources).toSorted()).toEqual(kinds.map(kind => `trustform:index:${kind}`).toSorted())
  expect(spec.version).toBe('1.2.3')
})

describe('a field of a kind', () => {
  const cases: [what: string, given: PropertySpec | undefined, want: object | undefined][] = [
    [
      'keeps its description',
      input('CertificateAuthority', 'maxPathLength'),
      { description: expect.stringMatching(/RFC 5280/) },
    ],
    ['keeps a plain default', input('Role', 'maxTtl'), { type: 'string', default: '90d' }],
    [
      'tells a default that depends on another field',
      input('CertificateAuthority', 'keySize'),
      { description: expect.stringContaining('Default by keyType: 4096 for rsa, 256 for ec.') },
    ],
    [
      'tells a default that is a list',
      input('Role', 'extendedKeyUsages'),
      { description: expect.stringContaining('Default: serverAuth, clientAuth.') },
    ],
    ['tells what replaces the resource', input('CertificateAuthority', 'commonName'), { willReplaceOnChanges: true }],
    ['is updated in place otherwise', input('Certificate', 'domains'), { willReplaceOnChanges: undefined }],
    [
      'names another resource by its name',
      input('Certificate', 'role'),
      { type: 'string', description: expect.stringContaining('The `name` of the Role.') },
    ],
    [
      'has words of an enumeration',
      input('Certificate', 'challengeType'),
      { $ref: '#/types/trustform:index:CertificateChallengeType' },
    ],
    ['has numbers of an enumeration', input('Role', 'keyBits'), { type: 'integer' }],
    ['is encrypted when a part of it is a secret', input('AcmeAccount', 'externalAccountBinding'), { secret: true }],
    ['is not encrypted without one', input('AcmeAccount', 'email'), { secret: undefined }],
    [
      'is a map',
      input('Secret', 'data'),
      {
        type: 'object',
        additionalProperties: { oneOf: [{ type: 'string' }, { $ref: '#/types/trustform:index:SecretReference' }] },
        secret: true,
      },
    ],
    ['is PEM, not the path of a file', input('Certificate', 'csr'), { type: 'string' }],
    ['that is a path is left out', input('TrustAnchor', 'file'), undefined],
    [
      'of every DNS provider is there',
      input('DnsProvider', 'credentials'),
      { $ref: '#/types/trustform:index:DnsProviderCredentials', secret: true },
    ],
  ]
  test.each(cases)('%s', (_what, given, want) => {
    if (want === undefined) expect(given).toBeUndefined()
    else expect({ secret: undefined, willReplaceOnChanges: undefined, ...given }).toMatchObject(want)
  })
})

describe('a resource', () => {
  test('has what every resource has', () => {
    for (const kind of kinds) {
      expect(Object.keys(resource(kind).inputProperties)).toEqual(
        expect.arrayContaining(['name', 'labels', 'lifecycle', 'adopt']),
      )
      expect(resource(kind).required).toContain('name')
      expect(resource(kind).requiredInputs).not.toContain('name')
    }
  })

  test('demands what its schema demands, and what is left when a path is no choice', () => {
    expect(resource('CertificateAuthority').requiredInputs).toEqual(['type', 'commonName'])
    expect(resource('DnsProvider').requiredInputs).toEqual(['providerType', 'credentials'])
    expect(resource('TrustAnchor').requiredInputs).toEqual(['certificatePem'])
  })

  test('can be destroyed only when asked exactly where its driver is guarded', async () => {
    const guarded = [...(await loadDrivers())].flatMap(([kind, driver]) => (driver.guarded ? [kind] : []))
    expect(guarded.toSorted()).toEqual([...guardedKinds].toSorted())
    expect(kinds.filter(kind => input(kind, 'allowDestroy')).toSorted()).toEqual([...guardedKinds].toSorted())
  })

  test('hides its private key, and has one only where it can be asked for', () => {
    for (const kind of kinds) {
      const asked = input(kind, 'exportPrivateKey') !== undefined
      expect(resource(kind).properties.privateKeyPem).toEqual(
        asked ? expect.objectContaining({ secret: true }) : undefined,
      )
      expect(resource(kind).required).not.toContain('privateKeyPem')
    }
  })

  test('encrypts the same properties that the provider does', () => {
    for (const kind of kinds) {
      const { properties } = resource(kind)
      const marked = Object.keys(properties).filter(name => properties[name]?.secret)
      expect(marked.toSorted()).toEqual([...secretProperties(kind)].toSorted())
    }
  })

  test('computes nothing under the name of an input', () => {
    const inputs = (kind: string) => [...ownInputs, ...Object.keys(resource(kind).inputProperties)]
    const both = Object.entries(kindOutputs).flatMap(([kind, fields]) =>
      Object.keys(fields ?? {}).filter(name => inputs(kind).includes(name)),
    )
    expect(both).toEqual([])
  })

  test('answers to the names that it had before', () => {
    expect(kinds.filter(kind => resource(kind).aliases)).toEqual([])
    const renamed = packageSpec(documentSchemas, '1.0.0', { Role: ['Policy'] })
    expect(resource('Role', renamed).aliases).toEqual([{ type: 'trustform:index:Policy' }])
  })
})

describe('what is added to the schemas', () => {
  const tunnel = {
    type: 'object',
    description: 'A way out.',
    properties: {
      mode: { description: 'How.', enum: ['on-demand', 'always'], default: 'always', 'x-replace': true },
      role: { description: 'Whose.', type: ['string', 'object'], 'x-ref': 'Role' },
      options: {
        description: 'What else.',
        type: 'object',
        properties: { token: { description: 'Pass.', type: ['string', 'object'], 'x-secret': true, properties: {} } },
      },
    },
    required: ['mode'],
  }
  const extended = packageSpec({ ...documentSchemas, Tunnel: documentOf('Tunnel', tunnel) }, '1.0.0')

  test('is a resource when it is a kind', () => {
    const { inputProperties, requiredInputs, properties } = resource('Tunnel', extended)
    expect(inputProperties).toMatchObject({
      mode: { $ref: '#/types/trustform:index:TunnelMode', default: 'always', willReplaceOnChanges: true },
      role: { type: 'string' },
      options: { $ref: '#/types/trustform:index:TunnelOptions', secret: true },
      name: { type: 'string' },
    })
    expect(requiredInputs).toEqual(['mode'])
    expect(properties.options?.secret).toBe(true)
    expect(extended.types['trustform:index:TunnelMode']).toMatchObject({
      enum: [
        { name: 'OnDemand', value: 'on-demand' },
        { name: 'Always', value: 'always' },
      ],
    })
  })

  test('is a choice of DnsProvider when it is a DNS service', () => {
    const properties = {
      ...specFieldsOf('DnsProvider'),
      credentials: {
        type: 'object',
        description: 'A token.',
        properties: { api_key: { description: 'The token.', type: ['string', 'object'], 'x-secret': true } },
        required: ['api_key'],
      },
      config: {
        type: 'object',
        description: 'Where.',
        properties: { port: { description: 'A name.', type: 'string' } },
      },
    }
    const made = packageSpec(
      {
        ...documentSchemas,
        'DnsProvider:clouds': documentOf('DnsProvider', { type: 'object', properties, required: ['credentials'] }),
      },
      '1.0.0',
    )
    expect(made.types['trustform:index:DnsProviderCredentials']).toMatchObject({
      properties: {
        api_key: { description: 'powerdns (required): Value of api-key= in pdns.conf. clouds (required): The token.' },
      },
    })
    // Two services that mean different things by one word.
    expect(made.types['trustform:index:DnsProviderConfig']).toMatchObject({
      properties: { port: { $ref: 'pulumi.json#/Any' } },
    })
    expect(resource('DnsProvider', made).inputProperties.credentials?.secret).toBe(true)
  })
})

test('no type refers to one that is not there, and none is there in vain', () => {
  const text = JSON.stringify({ ...spec })
  const referred = [...text.matchAll(/#\/types\/([\w:]+)/g)].map(([, token]) => token)
  expect([...new Set(referred)].toSorted()).toEqual(Object.keys(spec.types).toSorted())
})

test('everything is described', () => {
  const silent: string[] = []
  const look = (node: unknown, path: string) => {
    if (typeof node !== 'object' || node === null) return
    for (const [key, child] of Object.entries(node)) {
      const inner = `${path}/${key}`
      if (/(properties|inputProperties|variables)$/.test(path) && !child?.description) silent.push(inner)
      look(child, inner)
    }
  }
  look(spec, '')
  expect(silent).toEqual([])
})

const names: [what: string, given: string, want: string][] = [
  ['a field of a kind', typeName('CertificateAuthority', 'nameConstraints'), 'CertificateAuthorityNameConstraints'],
  ['a field that begins as its kind ends', typeName('DnsProvider', 'providerType'), 'DnsProviderType'],
  ['a field of no kind', typeName('', 'lifecycle'), 'Lifecycle'],
  ['a value with a dash', memberName('http-01'), 'Http01'],
  ['a value in camel case', memberName('serverAuth'), 'ServerAuth'],
]
test.each(names)('%s is named', (_what, given, want) => expect(given).toBe(want))

describe('what getDnsProviderTypes answers', () => {
  test('is every service with its fields', () => {
    const infos = dnsProviderTypeInfos()
    expect(infos.map(info => info.type)).toEqual([...dnsProviderTypes])
    expect(infos.find(info => info.type === 'powerdns')?.credentials).toEqual([
      { name: 'api_url', description: expect.any(String), required: true, secret: false },
      { name: 'api_key', description: expect.any(String), required: true, secret: true },
      { name: 'server_id', description: expect.any(String), required: false, secret: false, default: 'localhost' },
    ])
  })

  test('tells no default that says nothing', () => {
    const zones = dnsProviderTypeInfos()
      .find(info => info.type === 'rfc2136')
      ?.config.find(({ name }) => name === 'zones')
    expect(zones).toMatchObject({ required: false })
    expect(zones).not.toHaveProperty('default')
  })

  test('has the shape that the schema promises', () => {
    const shape = type('DnsProviderTypeInfo')
    expect(Object.keys(dnsProviderTypeInfos()[0] ?? {}).toSorted()).toEqual(
      Object.keys((shape && 'properties' in shape && shape.properties) || {}).toSorted(),
    )
  })
})
