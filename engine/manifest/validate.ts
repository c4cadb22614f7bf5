import { type Validate, type ValidationError, validators } from '../../schemas/generated/validators/index.js'
import type { Diagnostic } from '../core/errors.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { valueAt } from '../core/pointer.ts'
import { type Declared, factsOfDeclared, fieldInWords, isUnknown, judgedOf, problemOf } from './declared.ts'
import { matches, replaced } from './pattern.ts'
import { textFormats } from './text-formats.ts'
import { explainViolations, mostFindings, withoutUnknown } from './violations.ts'

const loaded = new Map<string, Validate>()

/**
 * Checks each resource against its schema and fills in defaults. Answers every problem and the resources that have
 * none. The schemas themselves are read only when there is something to explain.
 */
export async function validate(resources: readonly Declared[]): Promise<{ valid: Declared[]; problems: Diagnostic[] }> {
  const valid: Declared[] = []
  const problems: Diagnostic[] = []
  for (const declared of resources) {
    const key = factsOfDeclared(declared).schema
    const check = loaded.get(key) ?? (await validators[key]?.())
    if (check === undefined) throw new Error(`no validator for ${key}: run npm run generate`)
    loaded.set(key, check)
    const violations = check(declared.value) ? [] : await standing(declared, key, check.errors ?? [])
    if (violations.length > 0) {
      problems.push(...violations)
      continue
    }
    fillDependentDefaults(declared)
    valid.push(declared)
  }
  return { valid, problems }
}

/** What is wrong, in words; what is not known yet may still turn out to be right. */
async function standing(declared: Declared, key: string, found: readonly ValidationError[]): Promise<Diagnostic[]> {
  const { documentSchemas } = await import('../../schemas/generated/validators/schemas.js')
  const schema = documentSchemas[key] ?? {}
  const errors = declared.unknown ? withoutUnknown(schema, found, at => isUnknown(declared, at)) : found
  return explainViolations(judgedOf(declared), schema, errors)
}

/** Defaults that depend on a sibling field, after those that do not. */
function fillDependentDefaults(declared: Declared): void {
  for (const { pointer, field, values, value } of factsOfDeclared(declared).defaults) {
    const spec = declared.value.spec
    if (!isJsonObject(spec) || valueAt(spec, pointer) !== undefined) continue
    const sibling = valueAt(spec, field)
    const filled = values ? values[String(sibling)] : sibling === undefined ? undefined : value
    if (filled === undefined) continue
    const tokens = pointer.split('/').slice(1)
    declared.value = { ...declared.value, spec: replaced(spec, tokens, filled) }
  }
}

/** What a text must be beyond its pattern; runs once files have taken the place of their names. */
export function checkFormats(declared: Declared): Diagnostic[] {
  const problems: Diagnostic[] = []
  const spec: JsonObject = isJsonObject(declared.value.spec) ? declared.value.spec : {}
  for (const { pattern, format } of factsOfDeclared(declared).formats) {
    for (const { pointer, value } of matches(spec, pattern)) {
      if (typeof value !== 'string' && typeof value !== 'number') continue
      if (isUnknown(declared, `/spec${pointer}`)) continue
      const wrong = textFormats[format]?.(value)
      if (wrong === undefined) continue
      const facts = {
        code: 'schema_violation',
        message: `has a ${fieldInWords(`/spec${pointer}`)} that ${wrong}`,
        remedy: 'correct it',
      } as const
      problems.push(problemOf(declared, `/spec${pointer}`, facts))
      if (problems.length >= mostFindings) return problems
    }
  }
  return problems
}
