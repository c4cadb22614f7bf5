import { secretPointers } from '../core/fingerprint.ts'
import type { Pointer, RecordedResource } from '../core/resource.ts'
import { Secret } from '../core/secret.ts'
import type { NewCertificate, Operation, Outcome, Removal } from '../kinds/driver.ts'
import type { PlannedOperation } from '../planner/plan.ts'
import type { Mutation, ResourceDraft } from '../state/store.ts'
import { heldSecretId, specSecretId } from './context.ts'
import type { ExecutorPorts } from './ports.ts'
import type { RecordedIndex } from './recorded.ts'

/** What an operation brought about, as the one commit that makes it durable. */
interface Recording {
  readonly ports: Pick<ExecutorPorts, 'clock' | 'sealer'>
}

export function draftOf(planned: PlannedOperation, operation: Operation, outcome: Outcome, at: Date): ResourceDraft {
  const now = at.toISOString()
  const { address, kind, name, owner, spec, labels, lifecycle, dependsOn } = planned
  const createdAt = operation.recorded?.id === operation.id ? operation.recorded.createdAt : now
  return {
    address,
    kind,
    name,
    id: operation.id,
    owner,
    spec,
    labels,
    lifecycle,
    status: outcome.status,
    dependsOn,
    createdAt,
    updatedAt: now,
  }
}

export function outcomeMutations(
  operation: Operation,
  resource: ResourceDraft,
  planned: PlannedOperation,
  outcome: Outcome,
  secrets: ReadonlyMap<Pointer, Secret>,
  run: Recording,
): Mutation[] {
  const seal = (id: string, value: Secret<Uint8Array>): Mutation => ({
    type: 'put-sealed',
    row: { id, ...run.ports.sealer.seal(id, value) },
  })
  const mutations: Mutation[] = []
  for (const [pointer, secret] of secrets) {
    mutations.push(seal(specSecretId(operation.id, pointer), new Secret(Buffer.from(secret.reveal(), 'utf8'))))
  }
  mutations.push(...forgottenSecrets(operation, planned))
  for (const [name, secret] of Object.entries(outcome.secrets ?? {})) {
    mutations.push(seal(heldSecretId(operation.id, name), secret))
  }
  for (const certificate of outcome.certificates ?? []) mutations.push(...certificateMutations(certificate, seal, run))
  for (const { certificateId, reason } of outcome.revocations ?? []) {
    mutations.push({ type: 'revoke-certificate', id: certificateId, at: resource.updatedAt, reason })
  }
  mutations.push({ type: 'put-resource', resource, expectedRevision: planned.expectedRevision })
  return mutations
}

/** Sealed fields that the new spec does not have any more. What a replacement leaves goes when it is retired. */
function forgottenSecrets({ id, recorded, spec }: Operation, { action }: PlannedOperation): Mutation[] {
  if (!recorded || action === 'replace') return []
  return removedSecrets(recorded, recorded.id === id ? secretPointers(spec) : [])
}

function removedSecrets({ id, spec }: RecordedResource, kept: readonly Pointer[] = []): Mutation[] {
  return secretPointers(spec)
    .filter(pointer => !kept.includes(pointer))
    .map(pointer => ({ type: 'delete-sealed', id: specSecretId(id, pointer) }))
}

function certificateMutations(
  { key, ...row }: NewCertificate,
  seal: (id: string, value: Secret<Uint8Array>) => Mutation,
  run: Recording,
): Mutation[] {
  const createdAt = run.ports.clock.now().toISOString()
  if (!key) return [{ type: 'add-certificate', certificate: { ...row, createdAt } }]
  if ('keyId' in key) return [{ type: 'add-certificate', certificate: { ...row, keyId: key.keyId, createdAt } }]
  const keyId = `${row.id}/key`
  return [seal(keyId, key.privateKey), { type: 'add-certificate', certificate: { ...row, keyId, createdAt } }]
}

/** What was recorded on something that goes is recorded on what it stands on instead, as far as that is there. */
export function releasedBy({ releases = [] }: PlannedOperation, recorded: RecordedIndex): RecordedResource[] {
  return releases.flatMap(({ address, dependsOn }) => {
    const known = recorded.get(address)
    return known ? [{ ...known, dependsOn: dependsOn.filter(target => recorded.get(target)) }] : []
  })
}

export function recordedAgain({ revision, ...resource }: RecordedResource): Mutation {
  return { type: 'put-resource', resource, expectedRevision: revision }
}

export function removalOf(operation: Operation, removal: Removal, run: Recording): Mutation[] {
  const { recorded } = operation
  if (!recorded) throw new Error(`${operation.address} is deleted without being recorded`)
  const at = run.ports.clock.now().toISOString()
  return [
    ...(removal.revocations ?? []).map(
      ({ certificateId, reason }): Mutation => ({ type: 'revoke-certificate', id: certificateId, at, reason }),
    ),
    ...(removal.destroyKeys ?? []).map((id): Mutation => ({ type: 'delete-sealed', id })),
    ...removedSecrets(recorded),
    { type: 'delete-resource', address: operation.address, expectedRevision: recorded.revision },
  ]
}
