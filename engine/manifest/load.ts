import { canonicalJson } from '../core/canonical-json.ts'
import type { Diagnostic, Position } from '../core/errors.ts'
import { isJsonObject } from '../core/json.ts'
import type { Configuration, DesiredResource, Lifecycle, Pointer, Reference, SecretField } from '../core/resource.ts'
import { addressOf, type Declared, locate, originOf } from './declared.ts'
import type { Named } from './envelope.ts'
import type { SourceFiles } from './files.ts'
import { gather } from './gather.ts'
import { inlineFiles } from './inline.ts'
import { mergeOverlays, rebaseSecretFiles } from './overlay.ts'
import { findCycles, ReferenceResolver } from './references.ts'
import { takeSecrets } from './secrets.ts'
import { checkFormats, validate } from './validate.ts'

/** A resource that also knows which file says each field. */
export interface LoadedResource extends DesiredResource {
  /** Where exactly a field of the document is said; undefined for a default. */
  origin(pointer: Pointer): Position | undefined
}

/** A configuration together with what identifies its content. */
export interface LoadedConfiguration extends Configuration {
  readonly resources: readonly LoadedResource[]
  /** `sha256:…` over every resource; equal for equal declarations, wherever they stand. Secrets count by reference. */
  readonly digest: string
}

export interface Loaded {
  /** Absent when any diagnostic is an error. */
  readonly configuration?: LoadedConfiguration
  readonly diagnostics: readonly Diagnostic[]
}

/**
 * Reads manifests and reports everything that is wrong with them at once, in the order of the files. Each path is
 * one input; a later one overlays the earlier ones. No network, no secret is resolved.
 */
export async function loadConfiguration(paths: readonly string[], files: SourceFiles): Promise<Loaded> {
  const gathered = await gather(paths, files)
  const { declared, duplicates, problems } = mergeOverlays(gathered.inputs)
  const diagnostics: Diagnostic[] = [...gathered.problems, ...problems]
  const { valid, problems: violations } = await validate(declared)
  diagnostics.push(...violations)

  const secretsOf = new Map<Declared, readonly SecretField[]>()
  for (const resource of valid) {
    diagnostics.push(...(await inlineFiles(resource, files)), ...checkFormats(resource))
    rebaseSecretFiles(resource)
    const { secrets, warnings } = takeSecrets(resource)
    secretsOf.set(resource, secrets)
    diagnostics.push(...warnings)
  }

  const resolver = new ReferenceResolver({
    declared,
    duplicates: positionsOf(duplicates),
    mayExist: name => gathered.unread.some(text => text === undefined || text.includes(name)),
  })
  const referencesOf = new Map<Declared, readonly Reference[]>()
  for (const resource of declared) {
    const { references, problems: unresolved } = resolver.resolve(resource, secretsOf.get(resource) ?? [])
    referencesOf.set(resource, references)
    diagnostics.push(...unresolved)
  }
  diagnostics.push(...findCycles(declared, resource => referencesOf.get(resource) ?? []))

  const sorted = inReadingOrder(diagnostics, gathered.files)
  if (sorted.some(({ severity }) => severity === 'error')) return { diagnostics: sorted }
  const resources = valid.map(resource =>
    desired(resource, referencesOf.get(resource) ?? [], secretsOf.get(resource) ?? []),
  )
  const warnings = sorted.filter(({ severity }) => severity === 'warning')
  return { configuration: new Configured(resources, warnings), diagnostics: sorted }
}

class Configured implements LoadedConfiguration {
  readonly resources: readonly LoadedResource[]
  readonly warnings: readonly Diagnostic[]
  #digest: string | undefined

  constructor(resources: readonly LoadedResource[], warnings: readonly Diagnostic[]) {
    this.resources = resources
    this.warnings = warnings
  }

  /** Computed when asked: `validate` and `plan` of one resource do not need it. */
  get digest(): string {
    if (this.#digest !== undefined) return this.#digest
    // Loading node:crypto takes a fifth of a start of `validate`, which needs no digest.
    const hash = process.getBuiltinModule('node:crypto').createHash('sha256')
    const sorted = this.resources.toSorted((a, b) => (a.address < b.address ? -1 : 1))
    for (const { address, labels, lifecycle, spec } of sorted) {
      hash.update(`${canonicalJson({ address, labels, lifecycle: { ...lifecycle }, spec })}\n`)
    }
    this.#digest = `sha256:${hash.digest('hex')}`
    return this.#digest
  }
}

function positionsOf(duplicates: ReadonlyMap<string, readonly Named[]>) {
  return new Map(
    [...duplicates].map(([address, documents]) => [
      address,
      documents.flatMap(({ layer: { source, document } }) => {
        const range = source.find(document, '/metadata/name', 'value')
        return range ? [source.position(range, false)] : []
      }),
    ]),
  )
}

function desired(
  declared: Declared,
  references: readonly Reference[],
  secrets: readonly SecretField[],
): LoadedResource {
  const { kind, name, layers, value } = declared
  const metadata = isJsonObject(value.metadata) ? value.metadata : {}
  return {
    address: addressOf(declared),
    kind,
    name,
    // The schema says what labels and lifecycle hold.
    labels: (metadata.labels ?? {}) as Readonly<Record<string, string>>,
    lifecycle: (value.lifecycle ?? {}) as Lifecycle,
    spec: isJsonObject(value.spec) ? value.spec : {},
    references,
    secrets,
    file: layers[0]?.source.file ?? '',
    locate: pointer => locate(declared, pointer),
    origin: pointer => originOf(declared, pointer),
  }
}

/** By file and line, as a person works through them; what has no place comes first. */
function inReadingOrder(diagnostics: readonly Diagnostic[], order: readonly string[]): Diagnostic[] {
  const files = new Map(order.map((file, index) => [file, index]))
  for (const { position } of diagnostics)
    if (position && !files.has(position.file)) files.set(position.file, files.size)
  const rank = ({ position }: Diagnostic) => (position ? (files.get(position.file) ?? 0) : -1)
  return diagnostics.toSorted(
    (a, b) =>
      rank(a) - rank(b) ||
      (a.position?.line ?? 0) - (b.position?.line ?? 0) ||
      (a.position?.column ?? 0) - (b.position?.column ?? 0),
  )
}
