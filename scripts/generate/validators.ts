import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import standaloneCode from 'ajv/dist/standalone/index.js'
import { build } from 'esbuild'
import { textPattern } from '../../engine/manifest/text-pattern.ts'
import { documentSchema, type SchemaNode, type SchemaSet } from './schema-files.ts'

const declarations = `export interface ValidationError {
  readonly keyword: string
  readonly instancePath: string
  readonly schemaPath: string
  readonly params: Readonly<Record<string, unknown>>
}
export interface Validate {
  (document: unknown): boolean
  errors?: readonly ValidationError[] | null
}
/** By kind; a DnsProvider's by \`DnsProvider:<type>\`; \`reconciler\` for the service's file. Each loads its own module. */
export declare const validators: Readonly<Record<string, (() => Promise<Validate>) | undefined>>
`

const schemaDeclarations = `import type { JsonObject } from '../../../engine/core/json.ts'
/** The schema of a whole document, without $ref, by the same keys as \`validators\`. */
export declare const documentSchemas: Readonly<Record<string, JsonObject | undefined>>
/** One schema for every kind, for editors. */
export declare const bundledSchema: JsonObject
`

/**
 * Writes one module per kind of document. ajv's own code is needed only here: its stand-alone output asks for two
 * small functions of ajv's runtime, which the bundler puts in.
 */
export async function writeValidators(set: SchemaSet, folder: string): Promise<void> {
  const schemas = documentSchemas(set)
  mkdirSync(folder, { recursive: true })
  // Files are replaced one by one, and old ones go last: a program may be running on them.
  const stale = new Set(readdirSync(folder))
  const entries: { in: string; out: string }[] = []
  const sources = new Map<string, string>()
  const loaders: string[] = []
  for (const [key, schema] of schemas) {
    const file = key
      .replace(/(?<=[a-z])(?=[A-Z])/g, '-')
      .replace(':', '-')
      .toLowerCase()
    sources.set(file, validatorSource(schema))
    entries.push({ in: `validator:${file}`, out: file })
    loaders.push(`  ${JSON.stringify(key)}: () => import('./${file}.js').then(module => module.validate),`)
  }
  const { metafile } = await build({
    metafile: true,
    entryPoints: entries,
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    minifySyntax: true,
    logLevel: 'warning',
    plugins: [
      {
        name: 'validator',
        setup(context) {
          context.onResolve({ filter: /^validator:/ }, ({ path }) => ({
            path: path.slice('validator:'.length),
            namespace: 'validator',
          }))
          context.onLoad({ filter: /.*/, namespace: 'validator' }, ({ path }) => ({
            contents: sources.get(path) ?? '',
            loader: 'js',
            resolveDir: import.meta.dirname,
          }))
        },
      },
    ],
  })
  writeFileSync(join(folder, 'index.js'), `export const validators = {\n${loaders.join('\n')}\n}\n`)
  writeFileSync(join(folder, 'index.d.ts'), declarations)
  writeFileSync(
    join(folder, 'schemas.js'),
    `export const documentSchemas = ${JSON.stringify(Object.fromEntries(schemas))}\nexport const bundledSchema = ${JSON.stringify(bundledSchema(set))}\n`,
  )
  writeFileSync(join(folder, 'schemas.d.ts'), schemaDeclarations)
  const written = [
    ...Object.keys(metafile.outputs).map(path => basename(path)),
    'index.js',
    'index.d.ts',
    'schemas.js',
    'schemas.d.ts',
  ]
  for (const name of stale) if (!written.includes(name)) rmSync(join(folder, name))
}

function documentSchemas(set: SchemaSet): Map<string, SchemaNode> {
  const schemas = new Map<string, SchemaNode>()
  for (const kind of set.kinds) {
    schemas.set(kind.kind, documentSchema(set, kind))
    if (kind.kind !== 'DnsProvider') continue
    for (const provider of set.dns) schemas.set(`DnsProvider:${provider.type}`, documentSchema(set, kind, provider))
  }
  for (const { name, schema } of set.settings) schemas.set(name, schema)
  return schemas
}

/** The stand-alone validators make their patterns with this function, which the bundler puts in. */
const regExp = Object.assign(textPattern, {
  code: 'require("../../engine/manifest/text-pattern.ts").textPattern',
})

function validatorSource(schema: SchemaNode): string {
  const ajv = new Ajv2020({
    allErrors: true,
    useDefaults: true,
    ownProperties: true,
    strictTypes: false,
    strictRequired: false,
    // Formats are checked by engine/manifest/text-formats.ts, after files have been read.
    validateFormats: false,
    code: { source: true, esm: true, regExp },
  })
  ajv.addVocabulary([
    'x-ref',
    'x-secret',
    'x-replace',
    'x-reissue',
    'x-file',
    'x-set',
    'x-rest',
    'x-expected',
    'x-reason',
    'x-remedy',
    'x-default-by',
    'x-default-with',
    'x-dns-providers',
  ])
  ajv.addSchema(schema, 'document')
  // The package is CommonJS: its default export is the module object under Node's ESM loader.
  const generate = standaloneCode as unknown as typeof standaloneCode.default
  return generate(ajv, { validate: 'document' })
}

/** One schema that chooses by `kind` (and `providerType`), so that an editor completes any document. */
export function bundledSchema(set: SchemaSet): Record<string, unknown> {
  const rules: Record<string, unknown>[] = []
  for (const kind of set.kinds) {
    rules.push(rule({ properties: { kind: { const: kind.kind } }, required: ['kind'] }, documentSchema(set, kind)))
    if (kind.kind !== 'DnsProvider') continue
    for (const { type, schema } of set.dns) {
      const spec = { properties: { providerType: { const: type } }, required: ['providerType'] }
      const isType = { properties: { kind: { const: kind.kind }, spec }, required: ['kind', 'spec'] }
      const { properties = {}, required = [] } = schema
      rules.push(rule(isType, { properties: { spec: { properties, required } } }))
    }
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'https://trustform.dev/schemas/trustform.json',
    title: 'Trustform manifest',
    type: 'object',
    properties: { apiVersion: { const: 'trustform/v1' }, kind: { enum: set.kinds.map(({ kind }) => kind) } },
    required: ['apiVersion', 'kind', 'metadata', 'spec'],
    allOf: rules,
  }
}

function rule(condition: unknown, consequence: unknown): Record<string, unknown> {
  return Object.fromEntries([
    ['if', condition],
    ['then', consequence],
  ])
}
