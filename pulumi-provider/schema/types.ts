import { memberName, tokenOf, typeName } from './naming.ts'
import type { SchemaNode } from './node.ts'
import type { EnumSpec, ObjectSpec, PropertySpec, PropertySpecs, TypeSpec } from './package-spec.ts'
import { describe } from './words.ts'

/** What Pulumi lets any value into. */
const anything: TypeSpec = { $ref: 'pulumi.json#/Any' }

/** Collects the named types that properties refer to: one per object and enumeration of the schemas. */
export class TypeBook {
  readonly #types = new Map<string, ObjectSpec | EnumSpec>()

  /** All types by token, in the order of their names. */
  get types(): Readonly<Record<string, ObjectSpec | EnumSpec>> {
    return Object.fromEntries([...this.#types].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  }

  /** The property of an input, or of the output that repeats it. */
  property(owner: string, name: string, node: SchemaNode): PropertySpec {
    const { default: fallback } = node
    const plain = ['string', 'number', 'boolean'].includes(typeof fallback)
    return {
      description: describe(node),
      ...this.#type(typeName(owner, name), node),
      // The check above leaves no other type.
      ...(plain && { default: fallback as string | number | boolean }),
      ...(node.replaces && { willReplaceOnChanges: true }),
    }
  }

  /** All fields of an object; a path whose content becomes another field is left out: programs read files themselves. */
  properties(owner: string, node: SchemaNode): PropertySpecs {
    const fields = [...node.properties].filter(([, { path }]) => !path)
    return Object.fromEntries(fields.map(([name, child]) => [name, this.property(owner, name, child)]))
  }

  /** Adds a type that no schema describes, and answers how to refer to it. */
  define(name: string, type: ObjectSpec | EnumSpec): TypeSpec {
    this.#types.set(tokenOf(name), type)
    return { $ref: `#/types/${tokenOf(name)}` }
  }

  #type(name: string, node: SchemaNode): TypeSpec {
    if (node.ref !== undefined || node.file || node.duration) return { type: 'string' }
    if (node.secretable) return { oneOf: [{ type: 'string' }, this.#secretReference(node)] }
    const [first] = node.enumeration
    if (typeof first === 'string') return this.#enumeration(name, node)
    if (typeof first === 'number') return { type: 'integer' }
    const [type, ...others] = node.types
    if (others.length > 0) return anything
    if (type === 'array') return { type: 'array', items: node.items ? this.#type(name, node.items) : anything }
    if (type === 'object') return this.#object(name, node)
    return type === 'string' || type === 'integer' || type === 'number' || type === 'boolean' ? { type } : anything
  }

  #object(name: string, node: SchemaNode): TypeSpec {
    if (node.properties.size === 0) {
      return { type: 'object', additionalProperties: node.values ? this.#type(name, node.values) : anything }
    }
    const properties = this.properties(name, node)
    return this.define(name, {
      description: node.description,
      type: 'object',
      properties,
      required: node.required.filter(field => Object.hasOwn(properties, field)),
    })
  }

  #enumeration(name: string, node: SchemaNode): TypeSpec {
    const values = node.enumeration.filter(value => typeof value === 'string')
    const members = values.map(value => ({ name: memberName(value), value }))
    return this.define(name, { description: node.description, type: 'string', enum: members })
  }

  /** `{env: NAME}` and the like are the same for every secret, and their fields exclude each other. */
  #secretReference(node: SchemaNode): TypeSpec {
    return this.define('SecretReference', {
      description:
        'Where a secret is, instead of the secret itself: exactly one of these. The value is read when it is needed and enters neither the program nor the state of Pulumi.',
      type: 'object',
      properties: this.properties('SecretReference', node),
    })
  }
}
