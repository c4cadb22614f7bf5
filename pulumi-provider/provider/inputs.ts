import {
  type Address,
  type DesiredResource,
  DiagnosticsError,
  type DraftValue,
  declaredSpec,
  declareResource,
  type PointedDiagnostic,
  type ResourceDeclaration,
} from '../../engine/index.ts'
import { type CheckFailure, type Properties, unknown, type Value } from '../ports.ts'
import { guardedKinds, keyHoldingKinds, ownInputs } from '../schema/outputs.ts'
import { bare, fromDraft, toDraft, wrappedLike } from './values.ts'
import { diagnosticInPulumiWords } from './words.ts'

/** What a program may ask of the provider about a resource; no part of what is declared. */
export type Wish = 'adopt' | 'allowDestroy' | 'exportPrivateKey'

const wishes: readonly Wish[] = ['adopt', 'allowDestroy', 'exportPrivateKey']

/** The wishes that a kind knows. */
export function wishesOf(kind: string): readonly Wish[] {
  return wishes.filter(
    wish => wish === 'adopt' || (wish === 'allowDestroy' ? guardedKinds : keyHoldingKinds).includes(kind),
  )
}

/** Inputs as a manifest would say them. */
export function declarationOf(kind: string, inputs: Properties): ResourceDeclaration {
  const spec: { [field: string]: DraftValue } = {}
  const own: readonly string[] = ownInputs
  for (const [name, value] of Object.entries(inputs)) {
    if (!own.includes(name) && !name.startsWith('__')) spec[name] = toDraft(value)
  }
  const given = (name: string) => (isGiven(inputs[name]) ? { [name]: toDraft(inputs[name] ?? null) } : {})
  return { kind, name: toDraft(inputs.name ?? ''), spec, ...given('labels'), ...given('lifecycle') }
}

const lately = new Map<string, { readonly text: string; readonly resource: DesiredResource }>()

/**
 * A resource of checked inputs. Throws everything that is wrong with them. Check has nearly always declared it in the
 * same words a moment ago.
 */
export async function declared(kind: string, inputs: Properties): Promise<DesiredResource> {
  const last = lately.get(keyOf(kind, inputs))
  if (last && last.text === plainText(inputs)) return last.resource
  const { resource, diagnostics } = await declareResource(declarationOf(kind, inputs))
  if (!resource) throw new DiagnosticsError(diagnostics.map(diagnosticInPulumiWords))
  remember(resource, inputs)
  return resource
}

/** What inputs declare, for those who ask next. */
export function remember(resource: DesiredResource, inputs: Properties): void {
  const text = plainText(inputs)
  if (text !== undefined) lately.set(keyOf(resource.kind, inputs), { text, resource })
}

const keyOf = (kind: string, { name }: Properties) => `${kind}/${String(name)}`

/** Undefined where it would not be the whole of them: secrets, what is not known yet, files whose content may change. */
function plainText(inputs: Properties): string | undefined {
  const isPlain = (value: Value) => typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
  const isWhole = (value: Value) => isPlain(value) || (Array.isArray(value) && value.every(isPlain))
  return Object.values(inputs).every(isWhole) ? JSON.stringify(inputs) : undefined
}

/** Undefined while the name is not known. */
export function addressIn(kind: string, inputs: Properties): Address | undefined {
  const name = bare(inputs.name)
  return typeof name === 'string' ? `${kind}/${name}` : undefined
}

/** Inputs as they count: read by the schema, with defaults, each in the wrapping that it came in. */
export async function filledInputs(resource: DesiredResource, inputs: Properties): Promise<Properties> {
  const { kind } = resource
  const spec = await declaredSpec(resource, declarationOf(kind, inputs).spec)
  const filled: { [name: string]: Value } = { name: inputs.name ?? '' }
  for (const [name, value] of Object.entries(spec)) {
    if (value !== undefined) filled[name] = wrappedLike(fromDraft(value), inputs[name])
  }
  // What is neither given nor anything else than the default would only be noise.
  for (const name of ['labels', 'lifecycle', ...wishesOf(kind)]) {
    const value = inputs[name]
    if (value !== undefined && value !== null) filled[name] = value
  }
  return filled
}

/** Inputs that belong to no field of the kind, or are no wish of it. */
export function wrongWishes(kind: string, inputs: Properties): CheckFailure[] {
  const known = wishesOf(kind)
  return wishes.flatMap(wish => {
    const value = bare(inputs[wish])
    if (value === undefined || value === null) return []
    if (!known.includes(wish)) return [{ property: wish, reason: `a ${kind} has no ${wish}` }]
    if (value === unknown || typeof value === 'boolean') return []
    return [{ property: wish, reason: `${wish} is neither true nor false` }]
  })
}

/** A diagnostic's sentences, for a place that shows the property beside them. */
export function reasonOf(diagnostic: PointedDiagnostic): string {
  const { message, remedy } = diagnosticInPulumiWords(diagnostic)
  return remedy === undefined ? message : `${message}\n  remedy: ${remedy}`
}

function isGiven(value: Value | undefined): boolean {
  return value !== undefined && value !== null
}
