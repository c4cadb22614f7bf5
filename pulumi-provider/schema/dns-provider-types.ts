import { isJsonObject, type Json } from '../../engine/index.ts'
import { dnsProviderCatalogue } from '../../schemas/generated/catalogue.ts'
import { documentSchemas } from '../../schemas/generated/validators/schemas.js'
import { readNode, type SchemaNode } from './node.ts'

export interface DnsProviderTypeField {
  readonly name: string
  readonly description: string
  readonly required: boolean
  readonly secret: boolean
  readonly default?: string
}

/** A DNS service as `getDnsProviderTypes` answers it. */
export interface DnsProviderTypeInfo {
  readonly type: string
  /** For people. */
  readonly title: string
  readonly credentials: readonly DnsProviderTypeField[]
  readonly config: readonly DnsProviderTypeField[]
}

/** Every DNS service that a `DnsProvider` can write to. */
export function dnsProviderTypeInfos(): readonly DnsProviderTypeInfo[] {
  return Object.entries(dnsProviderCatalogue).map(([type, { title }]) => {
    const { properties } = readNode(documentSchemas[`DnsProvider:${type}`]).properties.get('spec') ?? readNode({})
    const [credentials, config] = [properties.get('credentials'), properties.get('config')]
    return {
      type,
      title,
      credentials: fieldsOf(credentials),
      config: fieldsOf(config),
    }
  })
}

function fieldsOf(node: SchemaNode | undefined): DnsProviderTypeField[] {
  return [...(node?.properties ?? [])].map(([name, field]) => ({
    name,
    description: field.description,
    required: node?.required.includes(name) ?? false,
    secret: field.secret,
    ...(!isEmpty(field.default) && { default: textOf(field.default) }),
  }))
}

/** No default, or one that means the same. */
const isEmpty = (value: Json | undefined): boolean =>
  value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)

const textOf = (value: Json | undefined): string =>
  isJsonObject(value) || Array.isArray(value) ? JSON.stringify(value) : String(value)
