import type { SchemaNode } from './node.ts'

/**
 * One node for what differs by `providerType`. Pulumi has no unions that a discriminator chooses from, so every
 * type's fields stand beside each other, all optional, and say whose they are; the provider's check knows which fit.
 */
export function mergeProviders(field: string, providers: ReadonlyMap<string, SchemaNode>): SchemaNode | undefined {
  const having = [...providers].flatMap(([type, spec]) => {
    const node = spec.properties.get(field)
    return node ? [{ type, node }] : []
  })
  const [first] = having
  if (!first) return undefined
  const names = [...new Set(having.flatMap(({ node }) => [...node.properties.keys()]))]
  const about = having.filter(({ node }) => node.properties.size > 0)
  return {
    ...first.node,
    default: undefined,
    description: about.map(({ type, node }) => `${type}: ${node.description}`).join(' '),
    properties: new Map(names.map(name => [name, mergeField(name, about)])),
    required: [],
  }
}

function mergeField(
  name: string,
  providers: readonly { readonly type: string; readonly node: SchemaNode }[],
): SchemaNode {
  const having = providers.flatMap(({ type, node }) => {
    const field = node.properties.get(name)
    return field ? [{ type, field, demanded: node.required.includes(name) }] : []
  })
  const fields = having.map(({ field }) => field)
  const [first] = fields
  if (!first) throw new Error(`no provider has ${name}`)
  const phrases = having.map(({ type, field, demanded }) => {
    const fallback = field.default === undefined || Array.isArray(field.default) ? '' : ` Default: ${field.default}.`
    return `${type}${demanded ? ' (required)' : ''}: ${field.description}${fallback}`
  })
  return {
    ...first,
    types: [...new Set(fields.flatMap(({ types }) => types))],
    description: phrases.join(' '),
    // A default of one type would be filled in for all.
    default: undefined,
    expected: fields.length === 1 ? first.expected : undefined,
    enumeration: fields.length === 1 ? first.enumeration : [],
    secret: fields.some(({ secret }) => secret),
    secretable: fields.every(({ secretable }) => secretable),
  }
}
