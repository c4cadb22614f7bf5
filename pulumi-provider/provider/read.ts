import {
  type Address,
  type DesiredResource,
  DiagnosticsError,
  declareResource,
  isJsonObject,
  type Json,
  type Look,
  type RecordedResource,
  type Secret,
} from '../../engine/index.ts'
import type { Backend } from '../backend/backend.ts'
import {
  type CallContext,
  type ConfiguredProvider,
  holdsSecret,
  type Properties,
  SecretValue,
  type Value,
} from '../ports.ts'
import { secretProperties } from '../schema/outputs.ts'
import { addressIn, declared, wishesOf } from './inputs.ts'
import { changeOf } from './judged.ts'
import { computed } from './outputs.ts'
import type { Parts } from './parts.ts'
import { refreshesBeforeUpdate } from './refresh.ts'
import { bare, isTrue } from './values.ts'

/** Refresh and import. Reads only: also an import takes nothing over from its owner. */
export function createRead({ backend }: Parts): ConfiguredProvider['read'] {
  return async ({ kind, urn }, { id, inputs, outputs }, context) => {
    const engine = await backend(urn)
    const isImport = Object.keys(inputs).length === 0 && Object.keys(outputs).length === 0
    const look = await find(engine, kind, id, addressIn(kind, outputs) ?? addressIn(kind, inputs), context)
    if (!look) await refuseUnknown(kind)
    // What is dead outside for good is gone: a deactivated account cannot come back.
    if (!look || look.verdict?.action === 'create') return undefined
    const { resource } = look
    if (isImport && resource.owner !== engine.owner) tellOwner(resource, context)
    const wanted = await declaredBy(inputs, resource)
    const current = wanted
      ? await refreshed(engine, resource, wanted, inputs)
      : { ...wishesIn(kind, inputs), ...(await inputsOf(engine, resource, inputs)) }
    const exportPrivateKey = isTrue(current.exportPrivateKey)
    return {
      id: resource.id,
      inputs: current,
      outputs: { ...current, ...(await computed(look, exportPrivateKey)) },
      ...((await refreshesBeforeUpdate(engine, look)) && { refreshBeforeUpdate: true }),
    }
  }
}

/** An import names a type that no program may have checked. */
async function refuseUnknown(kind: string): Promise<void> {
  const { diagnostics } = await declareResource({ kind, name: '', spec: {} })
  const unknown = diagnostics.filter(({ code }) => code === 'kind_unknown')
  if (unknown.length > 0) throw new DiagnosticsError(unknown)
}

/** By id, wherever it is now; else what has its name. An import may name either. */
async function find(
  engine: Backend,
  kind: string,
  id: string,
  address: Address | undefined,
  { signal }: CallContext,
): Promise<Look | undefined> {
  for (const asked of [{ id }, { address: address ?? (`${kind}/${id}` as const) }]) {
    const found = await engine.look(asked, { outside: true, signal })
    if (found?.resource.kind === kind) return found
  }
  return undefined
}

function tellOwner({ address, owner }: RecordedResource, { tell }: CallContext): void {
  tell(
    'warning',
    `${address} is owned by ${owner}, which may change it; set adopt: true on it to take it over with the next \`pulumi up\``,
  )
}

/** Undefined for less than a declaration: what a `get` is given beside the id comes as inputs, also to a refresh. */
async function declaredBy(inputs: Properties, { kind, name }: RecordedResource): Promise<DesiredResource | undefined> {
  if (Object.keys(inputs).length === 0) return undefined
  try {
    return await declared(kind, { ...inputs, name })
  } catch (error) {
    const isPart =
      error instanceof DiagnosticsError &&
      error.diagnostics.every(({ code }) => code === 'schema_violation' || code === 'field_unknown')
    if (isPart) return undefined
    throw error
  }
}

function wishesIn(kind: string, inputs: Properties): Properties {
  const wishes: readonly string[] = wishesOf(kind)
  return Object.fromEntries(Object.entries(inputs).filter(([name]) => wishes.includes(name)))
}

/** The inputs that the stack remembers, except where what is recorded is another one now. */
async function refreshed(
  engine: Backend,
  resource: RecordedResource,
  wanted: DesiredResource,
  inputs: Properties,
): Promise<Properties> {
  const { address, name } = resource
  const { document } = await engine.plan({ address, resource: wanted })
  const { diffs } = changeOf(document, address)
  const differing = new Set(
    diffs.map(({ path }) =>
      path
        .split('/')
        .slice(0, path.startsWith('/lifecycle') ? 2 : 3)
        .join('/'),
    ),
  )
  if (differing.size === 0) return { ...inputs, name }
  const recorded = await inputsOf(engine, resource, inputs)
  const current: { [name: string]: Value } = { ...inputs, name }
  for (const pointer of differing) {
    const field = pointer.slice(pointer.lastIndexOf('/') + 1)
    if (field === 'owner') continue
    const { [field]: value } = recorded
    if (value === undefined) delete current[field]
    else current[field] = value
  }
  return current
}

const ordinaryLifecycle = { protect: false, onDelete: 'retain' } as const

/**
 * What a program would say of a recorded resource. A property is a secret where anything in the given one was: what is
 * recorded has no marks, and does not tell which part of it had one.
 */
async function inputsOf(engine: Backend, resource: RecordedResource, given: Properties): Promise<Properties> {
  const { kind, name, spec, labels, lifecycle } = resource
  const secrets = await engine.secrets(resource)
  const inputs: { [name: string]: Value } = { name }
  for (const [field, value] of Object.entries(spec)) {
    if (value !== undefined && value !== null) inputs[field] = revealed(value, `/${field}`, secrets)
  }
  if (Object.keys(labels).length > 0) inputs.labels = labels
  const isOrdinary = (Object.keys(ordinaryLifecycle) as (keyof typeof ordinaryLifecycle)[]).every(
    word => (lifecycle[word] ?? ordinaryLifecycle[word]) === ordinaryLifecycle[word],
  )
  if (!isOrdinary) inputs.lifecycle = { ...lifecycle }
  const confidential = secretProperties(kind)
  for (const [field, value] of Object.entries(inputs)) {
    if (confidential.includes(field) || holdsSecret(given[field])) inputs[field] = new SecretValue(bare(value) ?? null)
  }
  return inputs
}

/** A recorded value with the secrets in the places of their fingerprints. */
function revealed(value: Json, at: string, secrets: ReadonlyMap<string, Secret>): Value {
  if (isJsonObject(value)) {
    if (typeof value.$secret === 'string') return new SecretValue(secrets.get(at)?.reveal() ?? null)
    const fields = Object.entries(value).flatMap(([name, item]) =>
      item === undefined || item === null ? [] : [[name, revealed(item, `${at}/${escaped(name)}`, secrets)] as const],
    )
    return Object.fromEntries(fields)
  }
  if (Array.isArray(value))
    return (value as readonly Json[]).map((item, index) => revealed(item, `${at}/${index}`, secrets))
  return value as Value // what is neither a map nor a list is a plain value
}

const escaped = (token: string) => token.replaceAll('~', '~0').replaceAll('/', '~1')
