import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** A JSON Schema node as this generator reads it. Keywords that it does not name are carried along. */
export interface SchemaNode {
  readonly [keyword: string]: unknown
  readonly $ref?: string
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly additionalProperties?: SchemaNode | boolean
  readonly items?: SchemaNode
}

export interface KindSchema {
  readonly kind: string
  /** File below `schemas/`. */
  readonly file: string
  readonly spec: SchemaNode
}

export interface DnsSchema {
  readonly type: string
  readonly title: string
  readonly file: string
  readonly schema: SchemaNode
}

/** The schema of a configuration file that is no manifest. */
export interface SettingsSchema {
  readonly name: string
  readonly schema: SchemaNode
}

/** Everything that `schemas/` says, with every `$ref` replaced by what it points at. */
export interface SchemaSet {
  readonly kinds: readonly KindSchema[]
  readonly dns: readonly DnsSchema[]
  readonly document: SchemaNode
  readonly settings: readonly SettingsSchema[]
}

/** Reads the hand-written schemas; names of kinds and provider types come from the files, never from a list. */
export function readSchemas(folder: string): SchemaSet {
  const reader = new SchemaReader(folder)
  const annotations = new Set(Object.keys(reader.file(join(folder, 'annotations.json')).properties ?? {}))
  const dns = jsonFiles(join(folder, 'dns')).map(name => {
    const schema = reader.resolved(join(folder, 'dns', name))
    return { type: name.replace(/\.json$/, ''), title: String(schema.title), file: `dns/${name}`, schema }
  })
  const kinds = jsonFiles(join(folder, 'kinds')).map(name => {
    const spec = fillProviderTypes(
      reader.resolved(join(folder, 'kinds', name)),
      dns.map(provider => provider.type),
    )
    return { kind: String(spec.title), file: `kinds/${name}`, spec }
  })
  // Other files beside these (vocabulary, api.json) describe no file that somebody writes.
  const settings = ['reconciler'].map(name => ({ name, schema: reader.resolved(join(folder, `${name}.json`)) }))
  const set = { kinds, dns, document: reader.resolved(join(folder, 'document.json')), settings }
  for (const { name, schema } of settings) refuseUnknownAnnotations(schema, annotations, `${name}.json`)
  for (const { file, spec } of kinds) refuseUnknownAnnotations(spec, annotations, file)
  for (const { file, schema } of dns) refuseUnknownAnnotations(schema, annotations, file)
  return set
}

function jsonFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter(name => name.endsWith('.json'))
    .sort()
}

class SchemaReader {
  readonly #folder: string
  readonly #files = new Map<string, SchemaNode>()

  constructor(folder: string) {
    this.#folder = folder
  }

  file(path: string): SchemaNode {
    const known = this.#files.get(path)
    if (known) return known
    // The files are ours; a wrong shape shows in the drift test and in ajv's strict mode.
    const parsed = JSON.parse(readFileSync(path, 'utf8')) as SchemaNode
    this.#files.set(path, parsed)
    return parsed
  }

  resolved(path: string): SchemaNode {
    return this.#resolve(this.file(path), path, 0) as SchemaNode
  }

  #resolve(node: unknown, path: string, depth: number): unknown {
    if (depth > 64) throw new Error(`${path} refers to itself`)
    if (Array.isArray(node)) return node.map(item => this.#resolve(item, path, depth + 1))
    if (typeof node !== 'object' || node === null) return node
    const { $ref, $schema: _schema, $id: _id, ...rest } = node as SchemaNode
    const own = Object.fromEntries(
      Object.entries(rest).map(([key, value]) => [key, this.#resolve(value, path, depth + 1)]),
    )
    if ($ref === undefined) return own
    const [file = '', pointer = ''] = $ref.split('#')
    const target = file === '' ? path : resolve(dirname(path), file)
    if (!target.startsWith(this.#folder)) throw new Error(`${path}: ${$ref} leads out of ${this.#folder}`)
    let found: unknown = this.file(target)
    for (const token of pointer.split('/').slice(1)) found = (found as Record<string, unknown> | undefined)?.[token]
    if (typeof found !== 'object' || found === null) throw new Error(`${path}: ${$ref} does not exist`)
    // JSON Schema 2020-12 lets words stand beside $ref; ours refine what is referred to.
    return { ...(this.#resolve(found, target, depth + 1) as SchemaNode), ...own }
  }
}

function fillProviderTypes(spec: SchemaNode, types: readonly string[]): SchemaNode {
  const properties = Object.entries(spec.properties ?? {}).map(([name, node]) => [
    name,
    node['x-dns-providers'] === true ? { ...node, enum: types } : node,
  ])
  return { ...spec, properties: Object.fromEntries(properties) }
}

function refuseUnknownAnnotations(node: unknown, known: ReadonlySet<string>, file: string): void {
  if (typeof node !== 'object' || node === null) return
  for (const [key, value] of Object.entries(node)) {
    if (key.startsWith('x-') && !known.has(key)) throw new Error(`${file}: ${key} is not in annotations.json`)
    refuseUnknownAnnotations(value, known, file)
  }
}

/** The schema of a whole document of that kind; a DNS provider's is completed by its type. */
export function documentSchema(set: SchemaSet, kind: KindSchema, provider?: DnsSchema): SchemaNode {
  const spec = provider ? withProvider(kind.spec, provider) : kind.spec
  const properties = {
    ...set.document.properties,
    kind: { description: 'What the document declares.', const: kind.kind },
    spec,
  }
  return { ...set.document, title: kind.kind, properties }
}

function withProvider(spec: SchemaNode, { type, schema }: DnsSchema): SchemaNode {
  const required = [
    ...((spec.required as string[] | undefined) ?? []),
    ...((schema.required as string[] | undefined) ?? []),
  ]
  return {
    ...spec,
    properties: {
      ...spec.properties,
      ...schema.properties,
      providerType: { ...spec.properties?.providerType, const: type },
    },
    required,
  }
}
