import { isJsonObject, type Json } from '../../engine/index.ts'
import type { SchemaNode } from './node.ts'

/** What an SDK says of a field: the schema's description, and what Pulumi's schema has no keyword for. */
export function describe(node: SchemaNode): string {
  const { description, ref, replaces } = node
  return [
    // Where a manifest says a path, a program does.
    description.replace('the file that says so', 'the folder of the program'),
    ref && `The \`name\` of the ${ref}.`,
    formOf(node),
    defaultOf(node),
    replaces && 'A change replaces the resource.',
  ]
    .filter(Boolean)
    .join(' ')
}

/** Only forms that come with an example say more than the field's name does. */
function formOf({ expected, items, ref, secretable, file }: SchemaNode): string | undefined {
  if (ref !== undefined || secretable) return undefined
  if (file) return 'PEM.'
  const [form, each] = [expected, items?.expected].map(text => (text?.includes(' such as ') ? text : undefined))
  if (form !== undefined) return `Form: ${form}.`
  return each === undefined ? undefined : `Each is ${each}.`
}

/** Defaults that depend on another field, and lists. */
function defaultOf({ default: fallback, defaultBy, defaultWith }: SchemaNode): string | undefined {
  if (defaultBy) {
    const cases = Object.entries(defaultBy.values).map(([value, chosen]) => `${plain(chosen)} for ${value}`)
    return `Default by ${defaultBy.field}: ${cases.join(', ')}.`
  }
  if (defaultWith) return `Default beside ${defaultWith.field}: ${plain(defaultWith.value)}.`
  return Array.isArray(fallback) && fallback.length > 0 ? `Default: ${fallback.map(plain).join(', ')}.` : undefined
}

const plain = (value: Json | undefined): string =>
  isJsonObject(value) || Array.isArray(value) ? JSON.stringify(value) : String(value)
