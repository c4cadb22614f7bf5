import type { ValidationError } from '../../schemas/generated/validators/index.js'
import type { Diagnostic } from '../core/errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { pointerTo, pointerTokens, valueAt } from '../core/pointer.ts'
import type { Pointer } from '../core/resource.ts'
import { fieldInWords, valueInWords } from './declared.ts'
import { fieldsOfRule } from './draft.ts'
import type { Judged, ProblemFacts } from './judged.ts'
import { listed, nearest } from './suggestion.ts'

/** Findings told per resource: a document made of mistakes must not take minutes to explain. */
export const mostFindings = 100

/**
 * Turns what the validator found into sentences: one per field, one per broken rule, and none that only repeats the
 * consequence of another.
 */
export function explainViolations(judged: Judged, schema: JsonObject, found: readonly ValidationError[]): Diagnostic[] {
  const errors = found.slice(0, mostFindings)
  const problems: Diagnostic[] = []
  const told = new Set<string>()
  const rules = new Map<string, { node: JsonObject; errors: ValidationError[] }>()
  const misspelt = misspeltFields(schema, errors)
  for (const error of errors) {
    const rule = ruleOf(schema, error)
    if (rule) {
      const entry = rules.get(rule.path)
      if (entry) entry.errors.push(error)
      else rules.set(rule.path, { node: rule.node, errors: [error] })
      continue
    }
    if (error.keyword !== 'propertyNames' && error.schemaPath.includes('/propertyNames/')) continue
    const problem = explain(judged, schema, error, misspelt)
    if (problem === undefined || told.has(problem.key)) continue
    told.add(problem.key)
    problems.push(problem.diagnostic)
  }
  for (const { node, errors: broken } of rules.values()) {
    const lacking = broken.map(error => `${error.instancePath}/${String(error.params.missingProperty)}`)
    // "needs role or account" only repeats that `rolle` is not a field; and a wrong value was told already.
    if (lacking.some(pointer => misspelt.has(pointer))) continue
    const at = broken.filter(({ keyword }) => keyword !== 'if').sort((a, b) => depth(b) - depth(a))[0]
    if (at && told.has(at.instancePath)) continue
    problems.push(
      judged.problemAt(at?.instancePath ?? '/spec', {
        code: 'schema_violation',
        message: String(node['x-reason']),
        remedy: String(node['x-remedy']),
        part: at?.keyword === 'false schema' ? 'key' : 'value',
      }),
    )
  }
  return problems
}

/**
 * What remains of the violations when some fields are not known yet: nothing at or below such a field, and no rule
 * that looks at one.
 */
export function withoutUnknown(
  schema: JsonObject,
  found: readonly ValidationError[],
  isUnknown: (pointer: Pointer) => boolean,
): ValidationError[] {
  return found.filter(error => {
    const rule = ruleOf(schema, error)
    if (!rule) return !isUnknown(error.instancePath)
    return ![...fieldsOfRule(rule.node)].some(field => isUnknown(`/spec${pointerTo(field)}`))
  })
}

const depth = ({ instancePath }: ValidationError) => instancePath.split('/').length

/** Fields that were probably meant by an unknown one beside them, as pointers. */
function misspeltFields(schema: JsonObject, errors: readonly ValidationError[]): Set<string> {
  const meant = new Set<string>()
  for (const error of errors) {
    if (error.keyword !== 'additionalProperties') continue
    const field = nearest(String(error.params.additionalProperty), fieldsOf(parentSchema(schema, error)))
    if (field !== undefined) meant.add(`${error.instancePath}/${field}`)
  }
  return meant
}

interface Explained {
  /** What it is about; a second finding about the same is not told. */
  readonly key: string
  readonly diagnostic: Diagnostic
}

function explain(
  judged: Judged,
  schema: JsonObject,
  error: ValidationError,
  misspelt: ReadonlySet<string>,
): Explained | undefined {
  const { instancePath, keyword, params } = error
  const node = parentSchema(schema, error)
  const field = fieldInWords(instancePath)
  const value = valueAt(judged.value, instancePath)
  const told = (key: string, pointer: string, facts: ProblemFacts): Explained => ({
    key,
    diagnostic: judged.problemAt(pointer, facts),
  })
  switch (keyword) {
    case 'additionalProperties': {
      const name = String(params.additionalProperty)
      const pointer = instancePath + pointerTo(name)
      const fields = fieldsOf(node)
      const meant = nearest(name, fields)
      const known = fields.length > 0 ? `fields here: ${listed(fields, 30)}` : 'no fields belong here'
      return told(pointer, pointer, {
        code: 'field_unknown',
        message: `has an unknown field ${fieldInWords(pointer)}`,
        remedy: meant ? `did you mean "${meant}"?` : `remove it; ${known}`,
        part: 'key',
      })
    }
    case 'required': {
      const pointer = instancePath + pointerTo(String(params.missingProperty))
      if (misspelt.has(pointer)) return undefined
      const wanted = nodeAt(schema, [...schemaTokens(error).slice(0, -1), 'properties', String(params.missingProperty)])
      return told(pointer, instancePath, {
        code: 'schema_violation',
        message: `lacks ${fieldInWords(pointer)}`,
        remedy: `add ${String(params.missingProperty)}: ${lowerFirst(String(wanted?.description ?? expectedOf(wanted)))}`,
        part: 'key',
      })
    }
    case 'propertyNames': {
      const name = String(params.propertyName)
      const names = isJsonObject(node?.propertyNames) ? node.propertyNames : undefined
      return told(`${instancePath}#${name}`, instancePath + pointerTo(name), {
        code: 'schema_violation',
        message: `has a key ${valueInWords(name)} in ${field}, expected ${expectedOf(names)}`,
        remedy: 'rename the key',
        part: 'key',
      })
    }
    case 'uniqueItems': {
      const item = `${instancePath}/${Math.max(Number(params.i), Number(params.j))}`
      const again = valueAt(judged.value, item)
      return told(instancePath, item, {
        code: 'schema_violation',
        message: `has ${valueInWords(again)} twice in ${field}`,
        remedy: 'remove one of them',
      })
    }
    case 'minItems':
    case 'maxItems': {
      const count = Array.isArray(value) ? value.length : 0
      const bound = keyword === 'minItems' ? `at least ${String(params.limit)}` : `at most ${String(params.limit)}`
      return told(instancePath, instancePath, {
        code: 'schema_violation',
        message: `has ${count} items in ${field}, expected ${bound}`,
        remedy: keyword === 'minItems' ? 'add one, or remove the field' : 'split it into several resources',
      })
    }
    default:
      return told(instancePath, instancePath, {
        code: 'schema_violation',
        message: `has ${shown(judged, instancePath, value)} as ${field}, expected ${expectedOf(node)}`,
        remedy: valueRemedy(judged, instancePath, node, value),
      })
  }
}

function shown(judged: Judged, pointer: string, value: Json | undefined): string {
  const plain = typeof value === 'object' || value === undefined
  if (plain || !judged.isConfidential(pointerTokens(pointer))) return valueInWords(value)
  return typeof value === 'string' ? 'a text that is not shown' : `a ${typeof value}`
}

function valueRemedy(judged: Judged, pointer: string, node: JsonObject | undefined, value: Json | undefined): string {
  const choices = Array.isArray(node?.enum) ? node.enum.map(String) : []
  if (Array.isArray(node?.enum) && typeof value === 'string' && choices.includes(value)) return 'remove the quotes'
  const meant = typeof value === 'string' ? nearest(value, choices) : undefined
  if (meant !== undefined) return `did you mean "${meant}"?`
  if (value === null) return 'give it a value, or remove the field'
  const wantsText = node?.type === 'string' || (Array.isArray(node?.type) && node.type.includes('string'))
  const isBare = typeof value === 'number' || typeof value === 'boolean'
  if (wantsText && isBare && !judged.isConfidential(pointerTokens(pointer))) return 'put it in quotes'
  const description = node?.description
  return description === undefined ? 'rewrite it' : `rewrite it; the field means: ${lowerFirst(String(description))}`
}

/** The outermost schema with a sentence of its own on the way to what failed. */
function ruleOf(schema: JsonObject, error: ValidationError): { path: string; node: JsonObject } | undefined {
  let node: Json | undefined = schema
  const path: string[] = []
  for (const token of schemaTokens(error)) {
    if (isJsonObject(node) && node['x-reason'] !== undefined) return { path: path.join('/'), node }
    node = step(node, token)
    path.push(token)
  }
  return undefined
}

function parentSchema(schema: JsonObject, error: ValidationError): JsonObject | undefined {
  return nodeAt(schema, schemaTokens(error).slice(0, -1))
}

function nodeAt(schema: JsonObject, tokens: readonly string[]): JsonObject | undefined {
  let node: Json | undefined = schema
  for (const token of tokens) node = step(node, token)
  return isJsonObject(node) ? node : undefined
}

function step(node: Json | undefined, token: string): Json | undefined {
  if (Array.isArray(node)) return (node as readonly Json[])[Number(token)]
  return isJsonObject(node) ? node[token] : undefined
}

/** ajv escapes schema paths as URI fragments. */
function schemaTokens({ schemaPath, keyword }: ValidationError): string[] {
  const tokens = pointerTokens(decodeURIComponent(schemaPath.slice(schemaPath.indexOf('#') + 1)))
  // The path of a `false` schema ends with words of ajv's own.
  return keyword === 'false schema' ? tokens.slice(0, -1) : tokens
}

function fieldsOf(node: JsonObject | undefined): readonly string[] {
  return isJsonObject(node?.properties) ? Object.keys(node.properties) : []
}

const typeWords: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  object: 'a map',
  array: 'a list',
}

function expectedOf(node: JsonObject | undefined): string {
  if (node === undefined) return 'something else'
  if (node['x-expected'] !== undefined) return String(node['x-expected'])
  if (Array.isArray(node.enum)) return `one of ${node.enum.join(', ')}`
  if (node.const !== undefined) return valueInWords(node.const)
  const types = [node.type ?? []].flat().map(type => typeWords[String(type)] ?? String(type))
  return types.length > 0 ? types.join(' or ') : 'something else'
}

function lowerFirst(text: string): string {
  const plain = text.replace(/\.$/, '')
  return /^(?:A |[A-Z][a-z])/.test(plain) ? plain.charAt(0).toLowerCase() + plain.slice(1) : plain
}
