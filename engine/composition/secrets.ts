import { dirname } from 'node:path'
import { type Diagnostic, DiagnosticsError, EngineError } from '../core/errors.ts'
import { secretPointers } from '../core/fingerprint.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { withValueAt } from '../core/pointer.ts'
import type { Configuration, DesiredResource, Pointer, RecordedResource } from '../core/resource.ts'
import { Secret } from '../core/secret.ts'
import type { DesiredInput } from '../planner/request.ts'
import { createSecretResolver, type SecretResolver } from '../secrets/resolve.ts'
import type { Session } from './session.ts'

/** Resolves secret references; `{secret: PATH#FIELD}` finds declared secrets before recorded ones. */
export function secretResolver(
  session: Session,
  declared: readonly DesiredResource[],
  recorded: readonly RecordedResource[],
): SecretResolver {
  const resolver: SecretResolver = createSecretResolver({ ...session.references, stored })
  const declaredAt = secretsByPath(declared)
  const recordedAt = secretsByPath(recorded)
  return resolver

  async function stored(path: string, field = 'value'): Promise<Secret | undefined> {
    const source = declaredAt.get(path)
    const own = source?.secrets.find(secret => secret.pointer === `/data/${field}`)
    if (source && own) return resolver.resolve(own.reference, { folder: dirname(source.file), address: source.address })
    const known = recordedAt.get(path)
    const octets = known && (await session.unseal(`${known.id}#/data/${field}`))
    return octets && new Secret(Buffer.from(octets.reveal()).toString('utf8'))
  }
}

function secretsByPath<R extends { readonly kind: string; readonly spec: JsonObject }>(resources: readonly R[]) {
  return new Map(resources.flatMap(each => (each.kind === 'Secret' ? [[String(each.spec.path), each]] : [])))
}

/**
 * The declared resources with their secrets resolved into memory and fingerprinted in the spec. Unresolved (offline)
 * they are `unknown`. Throws every `secret_unresolved` at once.
 */
export async function desiredInputs(
  session: Session,
  configuration: Configuration,
  resolver: SecretResolver | undefined,
): Promise<DesiredInput[]> {
  const inputs: DesiredInput[] = []
  const failures: Diagnostic[] = []
  for (const resource of configuration.resources) {
    if (resource.secrets.length === 0) {
      inputs.push({ resource, spec: resource.spec, secrets: none })
      continue
    }
    const secrets = resolver ? await resolveFields(resource, resolver, failures) : none
    if (failures.length === 0) inputs.push({ resource, spec: await fingerprinted(session, resource, secrets), secrets })
  }
  if (failures.length > 0) throw new DiagnosticsError(failures)
  return inputs
}

const none: ReadonlyMap<Pointer, Secret> = new Map()

async function resolveFields(
  resource: DesiredResource,
  resolver: SecretResolver,
  failures: Diagnostic[],
): Promise<ReadonlyMap<Pointer, Secret>> {
  const values = new Map<Pointer, Secret>()
  for (const { pointer, reference } of resource.secrets) {
    const position = resource.locate(`/spec${pointer}`)
    const place = { folder: dirname(resource.file), address: resource.address, position }
    try {
      values.set(pointer, await resolver.resolve(reference, place))
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'secret_unresolved') throw error
      failures.push({ ...error.toDiagnostic(), details: { ...error.details, pointer: `/spec${pointer}` } })
    }
  }
  return values
}

async function fingerprinted(
  session: Session,
  { address, spec, secrets }: Pick<DesiredResource, 'address' | 'spec' | 'secrets'>,
  values: ReadonlyMap<Pointer, Secret>,
): Promise<JsonObject> {
  let result = spec
  for (const { pointer } of secrets) {
    const value = values.get(pointer)
    const fingerprint = value ? await fingerprintOf(session, address, pointer, value) : 'unknown'
    result = withValueAt(result, pointer, { $secret: fingerprint })
  }
  return result
}

export async function fingerprintOf(
  session: Session,
  address: string,
  pointer: Pointer,
  value: Secret,
): Promise<string> {
  return (await session.keyring()).fingerprint(value, `${address}${pointer}`)
}

/**
 * A recorded spec with the fingerprints of what is sealed beside it: a move changes the address that they are bound
 * to, a rollback the spec but not the secrets. One whose value is gone matches nothing, so that the next plan sets it
 * again.
 */
export async function withSealedFingerprints<R extends Pick<RecordedResource, 'id' | 'address' | 'spec'>>(
  session: Session,
  resource: R,
): Promise<R> {
  const { id, address } = resource
  let { spec } = resource
  for (const pointer of secretPointers(spec)) {
    const octets = await session.unseal(`${id}#${pointer}`)
    const value = octets && new Secret(Buffer.from(octets.reveal()).toString('utf8'))
    const $secret = value ? await fingerprintOf(session, address, pointer, value) : 'gone'
    spec = withValueAt(spec, pointer, { $secret })
  }
  return spec === resource.spec ? resource : { ...resource, spec }
}

/** Whether a spec holds this fingerprint at a pointer. */
export function holdsFingerprint(value: unknown, fingerprint: string): boolean {
  return isJsonObject(value) && value.$secret === fingerprint
}
