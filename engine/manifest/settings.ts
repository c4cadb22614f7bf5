import { isUtf8 } from 'node:buffer'
import { validators } from '../../schemas/generated/validators/index.js'
import { documentSchemas } from '../../schemas/generated/validators/schemas.js'
import type { Diagnostic } from '../core/errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { pointerTo, pointerTokens, valueAt } from '../core/pointer.ts'
import type { Pointer } from '../core/resource.ts'
import { fieldInWords } from './declared.ts'
import type { SourceFiles } from './files.ts'
import type { Judged } from './judged.ts'
import { SourceText } from './source-text.ts'
import { textFormats } from './text-formats.ts'
import { explainViolations } from './violations.ts'
import { parseYaml } from './yaml.ts'
import { type YamlDocument, yamlLimits } from './yaml-builder.ts'

/** A configuration file that is no manifest, with its defaults; able to tell what else is wrong in it. */
export interface Settings {
  readonly value: JsonObject
  /** A diagnostic at one of its fields; `message` follows "the configuration". */
  readonly problemAt: Judged['problemAt']
}

export interface LoadedSettings {
  /** Absent when any diagnostic is an error. */
  readonly settings?: Settings
  readonly diagnostics: readonly Diagnostic[]
}

/**
 * Reads one YAML document of a schema of ours (`reconciler`) and reports everything that is wrong with it at once.
 * Secrets stay references; a literal one is refused, because settings are recorded as they are.
 */
export async function loadSettings(
  schemaName: 'reconciler',
  file: string,
  files: SourceFiles,
): Promise<LoadedSettings> {
  const octets = await files.read(file, yamlLimits.fileSize)
  if (!isUtf8(octets)) return refused(file, `"${file}" is not UTF-8 text`, 'save it as UTF-8')
  const text = Buffer.from(octets)
    .toString('utf8')
    .replace(/^\ufeff/, '')
  const source = new SourceText(file, text)
  const { documents, problems } = parseYaml(text)
  if (problems.length > 0) {
    const diagnostics = problems.map(({ code, message, remedy, range }) => ({
      ...{ severity: 'error' as const, code, message, remedy },
      position: source.position(range, false),
    }))
    return { diagnostics }
  }
  const [document, second] = documents
  if (second) return refused(file, `"${file}" holds more than one document`, 'keep one of them')
  // An empty file is one that leaves everything to the defaults.
  const value = document?.value ?? {}
  if (!isJsonObject(value)) return refused(file, `"${file}" is not a map of settings`, 'write fields such as listen:')
  return judge(schemaName, { file, source, document, value })
}

interface Read {
  readonly file: string
  readonly source: SourceText
  readonly document: YamlDocument | undefined
  readonly value: JsonObject
}

async function judge(schemaName: string, read: Read): Promise<LoadedSettings> {
  const validate = await validators[schemaName]?.()
  const schema = documentSchemas[schemaName]
  if (!validate || !schema) throw new Error(`no validator for ${schemaName}: run npm run generate`)
  const value = structuredClone(read.value)
  const judged = judgedOf({ ...read, value }, schema)
  if (!validate(value)) return { diagnostics: explainViolations(judged, schema, validate.errors ?? []) }
  const wrong: Diagnostic[] = []
  look(schema, value, '', (node, at, pointer) => {
    const text = typeof at === 'string' || typeof at === 'number' ? at : undefined
    const words = text !== undefined && typeof node.format === 'string' ? textFormats[node.format]?.(text) : undefined
    if (words !== undefined) wrong.push(judged.problemAt(pointer, formatFacts(pointer, words)))
    if (node['x-secret'] === true && text !== undefined) wrong.push(judged.problemAt(pointer, literalFacts(pointer)))
  })
  return wrong.length > 0
    ? { diagnostics: wrong }
    : { settings: { value, problemAt: judged.problemAt }, diagnostics: [] }
}

function formatFacts(pointer: Pointer, wrong: string) {
  return {
    code: 'schema_violation',
    message: `has a ${fieldInWords(pointer)} that ${wrong}`,
    remedy: 'correct it',
  } as const
}

function literalFacts(pointer: Pointer) {
  return {
    code: 'literal_secret',
    message: `holds the value of ${fieldInWords(pointer)} itself`,
    remedy: 'keep it elsewhere and write {env: NAME} or {file: PATH}',
  } as const
}

function judgedOf({ file, source, document, value }: Read, schema: JsonObject): Judged {
  const isConfidential: Judged['isConfidential'] = tokens => isSecret(schema, tokens)
  return {
    value,
    isConfidential,
    problemAt(pointer, { part = 'value', severity = 'error', code, message, remedy }) {
      const tokens = pointerTokens(pointer)
      const place = () => {
        for (let depth = tokens.length; document && depth >= 0; depth--) {
          const at = pointerTo(...tokens.slice(0, depth))
          const range = source.find(document, at, depth === tokens.length ? part : 'key')
          if (range) return source.position(range, isConfidential(tokens))
        }
        return { file, line: 1, column: 1 }
      }
      const told = { severity, code, message: `the configuration ${message}`, position: place() }
      return { ...told, ...(remedy !== undefined && { remedy }) }
    },
  }
}

/** Calls for every value that the schema says something about. */
function look(
  schema: JsonObject,
  value: Json,
  pointer: Pointer,
  tell: (node: JsonObject, value: Json, pointer: Pointer) => void,
): void {
  tell(schema, value, pointer)
  if (Array.isArray(value) && isJsonObject(schema.items)) {
    for (const [index, item] of (value as readonly Json[]).entries())
      look(schema.items, item, `${pointer}/${index}`, tell)
  }
  if (!isJsonObject(value) || !isJsonObject(schema.properties)) return
  for (const [name, child] of Object.entries(schema.properties)) {
    const inner = value[name]
    if (inner !== undefined && isJsonObject(child)) look(child, inner, pointer + pointerTo(name), tell)
  }
}

/** Whether a field is a secret, or somewhere below one. */
function isSecret(schema: JsonObject, tokens: readonly string[]): boolean {
  let node: Json | undefined = schema
  for (const token of tokens) {
    if (!isJsonObject(node)) return false
    if (node['x-secret'] === true) return true
    node = isJsonObject(node.items) ? node.items : valueAt(node, pointerTo('properties', token))
  }
  return isJsonObject(node) && node['x-secret'] === true
}

function refused(file: string, message: string, remedy: string): LoadedSettings {
  const position = { file, line: 1, column: 1 }
  return { diagnostics: [{ severity: 'error', code: 'schema_violation', message, remedy, position }] }
}
