import type { JsonObject } from '../../engine/index.ts'
import { documentSchemas } from '../../schemas/generated/validators/schemas.js'
import { mergeProviders } from './dns-provider.ts'
import { functionSpecs } from './functions.ts'
import { tokenOf } from './naming.ts'
import { readNode, type SchemaNode } from './node.ts'
import type { PackageSpec } from './package-spec.ts'
import { providerConfig } from './provider-config.ts'
import { type KindNode, resourceSpec } from './resource.ts'
import { TypeBook } from './types.ts'

/** The schemas of whole documents by kind; a DNS provider's by `DnsProvider:<type>` too. */
export type DocumentSchemas = Readonly<Record<string, JsonObject | undefined>>

/** By today's kind: names that its resource had before, under which programs' states may still have it. */
type FormerKinds = Readonly<Record<string, readonly string[]>>
const formerKinds: FormerKinds = {}

/** The answer to `GetSchema`: what SDKs are generated from. `version` is the plugin's, without a leading `v`. */
export function pulumiSchema(version: string): PackageSpec {
  return packageSpec(documentSchemas, version)
}

/** The package that these schemas make. */
export function packageSpec(schemas: DocumentSchemas, version: string, former: FormerKinds = formerKinds): PackageSpec {
  const kinds = kindsOf(schemas)
  const book = new TypeBook()
  const resources = Object.fromEntries(
    kinds.map(node => [tokenOf(node.kind), resourceSpec(node, book, former[node.kind])]),
  )
  const functions = functionSpecs(kinds, book)
  return {
    name: 'trustform',
    displayName: 'Trustform',
    version,
    description: 'Certificates as code: certificate authorities, roles, ACME accounts, DNS providers and certificates.',
    keywords: ['category/infrastructure', 'kind/native', 'pki', 'certificates', 'tls', 'acme'],
    homepage: 'https://trustform.dev',
    publisher: 'Trustform',
    config: { variables: providerConfig },
    provider: { description: 'Where the state of Trustform is.', inputProperties: providerConfig, requiredInputs: [] },
    types: book.types,
    resources,
    functions,
    // Released together: an SDK asks for the plugin of exactly its own version.
    language: {
      nodejs: { packageName: '@trustform/pulumi', respectSchemaVersion: true },
      python: { packageName: 'pulumi_trustform', respectSchemaVersion: true, pyproject: { enabled: true } },
      go: {
        importBasePath: 'trustform.dev/pulumi/trustform',
        generateResourceContainerTypes: true,
        respectSchemaVersion: true,
      },
      csharp: { respectSchemaVersion: true },
    },
  }
}

/** Documents of a kind say which; a file of settings does not. */
function kindsOf(schemas: DocumentSchemas): KindNode[] {
  return Object.entries(schemas).flatMap(([key, schema]) => {
    const document = readNode(schema)
    const spec = document.properties.get('spec')
    if (spec === undefined || !document.properties.has('kind') || key.includes(':')) return []
    return [{ kind: key, document, spec: completed(key, spec, schemas) }]
  })
}

/** A kind whose fields depend on a type gets those of every type. */
function completed(kind: string, spec: SchemaNode, schemas: DocumentSchemas): SchemaNode {
  const types = Object.entries(schemas).flatMap(([key, schema]): [string, SchemaNode][] => {
    const [of, type] = key.split(':')
    const typed = readNode(schema).properties.get('spec')
    return of === kind && type !== undefined && typed ? [[type, typed]] : []
  })
  const providers = new Map(types)
  const properties = [...spec.properties].map(([name, node]): [string, SchemaNode] => {
    const differs =
      node.properties.size === 0 && types.some(([, typed]) => (typed.properties.get(name)?.properties.size ?? 0) > 0)
    return [name, (differs && mergeProviders(name, providers)) || node]
  })
  const always = (name: string) => types.length > 0 && types.every(([, typed]) => typed.required.includes(name))
  const required = [...new Set([...spec.required, ...[...spec.properties.keys()].filter(always)])]
  return { ...spec, properties: new Map(properties), required }
}
