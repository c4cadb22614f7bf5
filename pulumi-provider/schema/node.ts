import { isJsonObject, type Json, type JsonObject } from '../../engine/index.ts'

/** What this package reads of a JSON Schema node without `$ref`. */
export interface SchemaNode {
  readonly types: readonly string[]
  readonly description: string
  readonly enumeration: readonly Json[]
  readonly default: Json | undefined
  readonly properties: ReadonlyMap<string, SchemaNode>
  readonly required: readonly string[]
  readonly items: SchemaNode | undefined
  /** Of maps; undefined where other keys are refused or anything goes. */
  readonly values: SchemaNode | undefined
  readonly expected: string | undefined
  readonly ref: string | undefined
  readonly secret: boolean
  /** May be given by a reference to where a secret is stored. */
  readonly secretable: boolean
  readonly replaces: boolean
  readonly file: boolean
  /** A path whose content becomes another field. */
  readonly path: boolean
  readonly duration: boolean
  readonly defaultBy: { readonly field: string; readonly values: JsonObject } | undefined
  readonly defaultWith: { readonly field: string; readonly value: Json } | undefined
  /** For each rule that wants exactly one of some fields: these fields. */
  readonly choices: readonly (readonly string[])[]
}

/** Reads a node; what a schema of ours never says is absent, and what is not a schema reads as an empty one. */
export function readNode(json: Json | undefined): SchemaNode {
  const node = isJsonObject(json) ? json : {}
  const { type, enum: values, items, additionalProperties, format } = node
  const by = node['x-default-by']
  const beside = node['x-default-with']
  const file = node['x-file']
  return {
    types: texts(Array.isArray(type) ? type : [type]),
    description: text(node.description) ?? '',
    enumeration: Array.isArray(values) ? values : [],
    default: node.default,
    properties: new Map(entriesOf(node.properties).map(([name, child]) => [name, readNode(child)])),
    required: texts(node.required),
    items: isJsonObject(items) ? readNode(items) : undefined,
    values: isJsonObject(additionalProperties) ? readNode(additionalProperties) : undefined,
    expected: text(node['x-expected']),
    ref: text(node['x-ref']),
    secret: node['x-secret'] === true,
    secretable: node['x-secret'] !== undefined,
    replaces: node['x-replace'] === true,
    file: file === true,
    path: typeof file === 'string',
    duration: format === 'duration',
    defaultBy: isJsonObject(by)
      ? { field: text(by.field) ?? '', values: isJsonObject(by.values) ? by.values : {} }
      : undefined,
    defaultWith: isJsonObject(beside) ? { field: text(beside.field) ?? '', value: beside.value ?? null } : undefined,
    choices: itemsOf(node.allOf).flatMap(rule => (isJsonObject(rule) && rule.oneOf ? [choiceOf(rule.oneOf)] : [])),
  }
}

/** Whether anything at or below the node is confidential. */
export function holdsSecret(node: SchemaNode): boolean {
  const below = [
    ...node.properties.values(),
    ...(node.items ? [node.items] : []),
    ...(node.values ? [node.values] : []),
  ]
  return node.secret || below.some(holdsSecret)
}

/** `[{required: [role]}, {required: [account]}]` wants one of `role` and `account`. */
const choiceOf = (oneOf: Json) => itemsOf(oneOf).flatMap(option => (isJsonObject(option) ? texts(option.required) : []))

const itemsOf = (json: Json | undefined): readonly Json[] => (Array.isArray(json) ? json : [])
const entriesOf = (json: Json | undefined) => (isJsonObject(json) ? Object.entries(json) : [])
const text = (json: Json | undefined) => (typeof json === 'string' ? json : undefined)
const texts = (json: Json | undefined) => (Array.isArray(json) ? json.filter(each => typeof each === 'string') : [])
