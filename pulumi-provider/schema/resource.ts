import { tokenOf } from './naming.ts'
import { holdsSecret, type SchemaNode } from './node.ts'
import { guardedKinds, keyHoldingKinds, kindOutputs, type OutputField } from './outputs.ts'
import type { ObjectSpec, PropertySpec, PropertySpecs, ResourceSpec } from './package-spec.ts'
import type { TypeBook } from './types.ts'

/** A kind with the schema of its documents. */
export interface KindNode {
  readonly kind: string
  readonly document: SchemaNode
  readonly spec: SchemaNode
}

/** The resource of a kind: its spec's fields, what every resource has, and what the provider computes. */
export function resourceSpec(
  { kind, document, spec }: KindNode,
  book: TypeBook,
  former: readonly string[] = [],
): ResourceSpec {
  const inputs = specProperties(kind, spec, book)
  const requiredInputs = requiredFields(spec).filter(name => Object.hasOwn(inputs, name))
  const always = ['name', ...requiredInputs, ...Object.keys(inputs).filter(name => inputs[name]?.default !== undefined)]
  const shared = sharedProperties(document, book)
  const outputs = outputSpec(kind)
  return {
    description: spec.description,
    inputProperties: { ...inputs, ...shared, ...ownProperties(kind) },
    requiredInputs,
    properties: { ...inputs, ...shared, ...outputs.properties },
    required: [...new Set([...always, ...(outputs.required ?? [])])],
    ...(former.length > 0 && { aliases: former.map(name => ({ type: tokenOf(name) })) }),
  }
}

/** The fields of a kind's spec; what is confidential anywhere below is encrypted as a whole, as SDKs know no less. */
export function specProperties(kind: string, spec: SchemaNode, book: TypeBook): PropertySpecs {
  const properties = Object.entries(book.properties(kind, spec)).map(([name, property]): [string, PropertySpec] => {
    const node = spec.properties.get(name)
    return [name, node && holdsSecret(node) ? { ...property, secret: true } : property]
  })
  return Object.fromEntries(properties)
}

/** What the provider computes for a kind, as properties. */
export function outputSpec(kind: string): ObjectSpec {
  const fields = Object.entries(kindOutputs[kind] ?? {})
  return {
    type: 'object',
    properties: Object.fromEntries(fields.map(([name, field]) => [name, outputProperty(field)])),
    required: fields.flatMap(([name, { always }]) => (always ? [name] : [])),
  }
}

function outputProperty({ type, description, secret }: OutputField): PropertySpec {
  const shape = type === 'strings' ? ({ type: 'array', items: { type: 'string' } } as const) : ({ type } as const)
  return { description, ...shape, ...(secret && { secret }) }
}

/** Of fields that exclude each other only one may be left, when the others are paths that programs have no use for. */
function requiredFields({ required, choices, properties }: SchemaNode): readonly string[] {
  const left = choices.map(choice => choice.filter(name => properties.get(name)?.path !== true))
  const forced = left.filter((names, index) => names.length === 1 && (choices[index]?.length ?? 0) > 1)
  return [...required, ...forced.flat()]
}

function sharedProperties(document: SchemaNode, book: TypeBook): PropertySpecs {
  const labels = document.properties.get('metadata')?.properties.get('labels')
  const lifecycle = document.properties.get('lifecycle')
  return {
    name: {
      description:
        'Name within kind and tenant, by which other resources refer to this one. Default: the logical name. A change replaces the resource.',
      type: 'string',
      willReplaceOnChanges: true,
    },
    ...(labels && { labels: book.property('', 'labels', labels) }),
    ...(lifecycle && { lifecycle: book.property('', 'lifecycle', lifecycle) }),
  }
}

/** What a program may ask of the provider, which is no part of the resource. */
function ownProperties(kind: string): PropertySpecs {
  return {
    adopt: {
      description: 'Take the resource over when another door (the CLI, a git source, another stack) owns it.',
      type: 'boolean',
    },
    ...(guardedKinds.includes(kind) && {
      allowDestroy: {
        description: 'Allow it to be deleted or replaced, which breaks what stands on it. Set it in an update before.',
        type: 'boolean',
      },
    }),
    ...(keyHoldingKinds.includes(kind) && {
      exportPrivateKey: {
        description:
          'Let the private key become the secret output privateKeyPem, and so a part of the state of Pulumi.',
        type: 'boolean',
      },
    }),
  }
}
