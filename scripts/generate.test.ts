import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { catalogueModule } from './generate/catalogue.ts'
import { referenceDocument } from './generate/reference.ts'
import { readSchemas, type SchemaNode } from './generate/schema-files.ts'
import { typesModule } from './generate/types.ts'
import { bundledSchema } from './generate/validators.ts'

const folder = join(import.meta.dirname, '..', 'schemas')
const committed = (name: string) => readFileSync(join(folder, 'generated', name), 'utf8')
const schemas = readSchemas(folder)

describe('what is generated from the schemas', () => {
  test('catalogue.ts is up to date (npm run generate)', () => {
    expect(catalogueModule(schemas)).toBe(committed('catalogue.ts'))
  })

  test('types.ts is up to date (npm run generate)', async () => {
    expect(await typesModule(schemas)).toBe(committed('types.ts'))
  })

  test('docs/reference.md is up to date (npm run generate)', () => {
    expect(referenceDocument(schemas)).toBe(readFileSync(join(folder, '..', 'docs', 'reference.md'), 'utf8'))
  })

  test('every kind and provider of the folder is there', () => {
    expect(schemas.kinds.map(({ kind }) => kind)).toEqual([
      'AcmeAccount',
      'CertificateAuthority',
      'Certificate',
      'DnsProvider',
      'Role',
      'Secret',
      'TrustAnchor',
    ])
    expect(schemas.dns.map(({ type }) => type)).toEqual(['powerdns', 'rfc2136'])
  })

  test('every field has a description', () => {
    const silent: string[] = []
    const look = (node: SchemaNode, path: string) => {
      for (const [name, child] of Object.entries(node.properties ?? {})) {
        if (typeof child.description !== 'string') silent.push(`${path}/${name}`)
        look(child, `${path}/${name}`)
      }
      if (node.items) look(node.items, `${path}/*`)
    }
    for (const { kind, spec } of schemas.kinds) look(spec, kind)
    for (const { type, schema } of schemas.dns) look(schema, type)
    look(schemas.document, 'document')
    expect(silent).toEqual([])
  })

  test('every pattern and every rule says in words what it wants', () => {
    const silent: string[] = []
    const look = (node: unknown, path: string) => {
      if (typeof node !== 'object' || node === null) return
      if (Array.isArray(node)) {
        for (const item of node) look(item, path)
        return
      }
      const schema = node as SchemaNode
      if (typeof schema.pattern === 'string' && typeof schema['x-expected'] !== 'string') silent.push(`${path} pattern`)
      const { allOf = [] } = schema as { allOf?: SchemaNode[] }
      for (const rule of allOf) if (!rule['x-reason'] || !rule['x-remedy']) silent.push(`${path} rule`)
      for (const [key, child] of Object.entries(schema)) if (key !== 'allOf') look(child, `${path}/${key}`)
    }
    for (const { kind, spec } of schemas.kinds) look(spec, kind)
    for (const { type, schema } of schemas.dns) look(schema, type)
    expect(silent).toEqual([])
  })

  describe('the bundled schema for editors', () => {
    const check = new Ajv2020({ strict: false, allErrors: true }).compile(bundledSchema(schemas))
    const document = (kind: string, spec: object) => ({
      apiVersion: 'trustform/v1',
      kind,
      metadata: { name: 'x' },
      spec,
    })
    const cases: [what: string, document: object, valid: boolean][] = [
      ['a role', document('Role', { ca: 'root' }), true],
      ['a field of another kind', document('Role', { ca: 'root', domains: [] }), false],
      ['an unknown kind', document('Rolle', { ca: 'root' }), false],
      [
        'credentials of the right type',
        document('DnsProvider', {
          providerType: 'powerdns',
          credentials: { api_url: 'http://a', api_key: { env: 'K' } },
        }),
        true,
      ],
      [
        'credentials of another type',
        document('DnsProvider', {
          providerType: 'rfc2136',
          credentials: { api_url: 'http://a', api_key: { env: 'K' } },
        }),
        false,
      ],
    ]
    test.each(cases)('judges %s', (_what, given, valid) => expect(check(given)).toBe(valid))
  })
})
