import { kinds } from '../../schemas/generated/catalogue.ts'
import type { Diagnostic } from '../core/errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { valueAt } from '../core/pointer.ts'
import type { DesiredResource, Lifecycle, Pointer, Reference, SecretField } from '../core/resource.ts'
import { Secret } from '../core/secret.ts'
import { addressOf, type Declared, isUnknown } from './declared.ts'
import { type DraftValue, plainOf } from './draft.ts'
import { isKind } from './facts.ts'
import type { SourceFiles } from './files.ts'
import { inlineFiles } from './inline.ts'
import { ReferenceResolver } from './references.ts'
import { takeSecrets } from './secrets.ts'
import { checkFormats, validate } from './validate.ts'

/** A resource that a program declares without any text: the fields of a manifest's document. */
export interface ResourceDeclaration {
  readonly kind: string
  readonly name: DraftValue
  readonly labels?: DraftValue
  readonly lifecycle?: DraftValue
  readonly spec: { readonly [field: string]: DraftValue | undefined }
}

/** A diagnostic with the field that it is about: `/spec/domains/1`; `''` for the whole. */
export interface PointedDiagnostic extends Diagnostic {
  readonly pointer: Pointer
}

export interface Declaring {
  /** Absent when any diagnostic is an error. */
  readonly resource?: DesiredResource
  readonly diagnostics: readonly PointedDiagnostic[]
}

/**
 * Reads one resource as a manifest is read: validation, defaults, files, secrets, references. Whether its references
 * lead anywhere is for the plan. Values that are not known yet pass every check. Relative paths start at the working
 * folder.
 */
export async function declareResource(declaration: ResourceDeclaration, files: SourceFiles): Promise<Declaring> {
  const { kind } = declaration
  if (!isKind(kind)) {
    const message = `there is no kind "${kind}"`
    const remedy = `use one of ${kinds.join(', ')}`
    return { diagnostics: [{ severity: 'error', code: 'kind_unknown', message, remedy, pointer: '' }] }
  }
  const name = plainOf(declaration.name, '/metadata/name')
  const labels = plainOf(declaration.labels ?? {}, '/metadata/labels')
  const lifecycle = plainOf(declaration.lifecycle ?? {}, '/lifecycle')
  const spec = plainOf(declaration.spec, '/spec')
  const unknown = [name, labels, lifecycle, spec].flatMap(part => part.unknown)
  const declared: Declared = {
    kind,
    name: String(name.value),
    layers: [],
    value: {
      apiVersion: 'trustform/v1',
      kind,
      metadata: { name: name.value, labels: labels.value },
      lifecycle: lifecycle.value,
      spec: spec.value,
    },
    pointers: new Map(),
    confidential: [name, labels, lifecycle, spec].flatMap(part => part.secret),
    ...(unknown.length > 0 && { unknown }),
  }
  const { valid, problems } = await validate([declared])
  const diagnostics = [...problems]
  if (valid.length > 0) diagnostics.push(...(await inlineFiles(declared, files)), ...checkFormats(declared))
  if (diagnostics.length > 0) return { diagnostics: pointed(declared, diagnostics) }
  // A program's literals are no text in a repository: nothing is said of them.
  const secrets = takeSecrets(declared).secrets.filter(({ pointer }) => !isUnknown(declared, `/spec${pointer}`))
  const { references, problems: unresolved } = resolverOf(declared).resolve(declared, secrets)
  const own = references.filter(({ pointer }) => !isUnknown(declared, pointer))
  if (unresolved.length > 0) return { diagnostics: pointed(declared, unresolved) }
  return { resource: desiredOf(declared, own, secrets), diagnostics: [] }
}

/** Any name may be another program's or the state's. */
function resolverOf(declared: Declared): ReferenceResolver {
  return new ReferenceResolver({ declared: [declared], duplicates: new Map(), mayExist: () => true })
}

function pointed({ pointers }: Declared, diagnostics: readonly Diagnostic[]): PointedDiagnostic[] {
  return diagnostics.map(diagnostic => ({ ...diagnostic, pointer: pointers?.get(diagnostic) ?? '' }))
}

function desiredOf(
  declared: Declared,
  references: readonly Reference[],
  secrets: readonly SecretField[],
): DesiredResource {
  const { kind, name, value, unknown } = declared
  return {
    address: addressOf(declared),
    kind,
    name,
    // The schema says what labels and lifecycle hold.
    labels: objectAt(value, '/metadata/labels') as Readonly<Record<string, string>>,
    lifecycle: objectAt(value, '/lifecycle') as Lifecycle,
    spec: objectAt(value, '/spec'),
    references,
    secrets,
    file: '',
    locate: () => undefined,
    ...(unknown && { unknown }),
  }
}

function objectAt(document: JsonObject, pointer: Pointer): JsonObject {
  const found = valueAt(document, pointer)
  return isJsonObject(found) ? found : {}
}

/**
 * The fields of a declared resource as a program has them: the spec with defaults, with what was special about the
 * draft in its place again. A confidential field is a `Secret`, however it was given.
 */
export function declaredSpec(
  resource: DesiredResource,
  draft: ResourceDeclaration['spec'],
): { readonly [field: string]: DraftValue | undefined } {
  const literals = new Map(
    resource.secrets.flatMap(({ pointer, reference }) =>
      'literal' in reference ? [[pointer, reference.literal] as const] : [],
    ),
  )
  const fields = Object.entries(resource.spec).map(
    ([field, value]) => [field, restore(value, draft[field], `/${field}`)] as const,
  )
  return Object.fromEntries(fields)

  function restore(value: Json | undefined, given: DraftValue | undefined, at: Pointer): DraftValue | undefined {
    const literal = literals.get(at)
    if (literal) return literal
    if (typeof given === 'symbol') return given
    if (given instanceof Secret) return given
    if (value === undefined || typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) {
      const items = Array.isArray(given) ? (given as readonly DraftValue[]) : []
      return (value as readonly Json[]).map((item, index) => restore(item, items[index], `${at}/${index}`) ?? null)
    }
    const around = typeof given === 'object' && given !== null && !Array.isArray(given) ? given : {}
    return Object.fromEntries(
      Object.entries(value).map(([field, item]) => [
        field,
        restore(item, (around as Readonly<Record<string, DraftValue>>)[field], `${at}/${field}`),
      ]),
    )
  }
}
