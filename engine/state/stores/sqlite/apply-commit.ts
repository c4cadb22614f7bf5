import type { Address } from '../../../core/address.ts'
import { EngineError } from '../../../core/errors.ts'
import type { Commit, Committed, Mutation } from '../../store.ts'
import {
  advanceSerial,
  type Change,
  createIdentity,
  identityOf,
  removeResource,
  restoreDeclared,
  writeResource,
} from './declared.ts'
import { addCertificate, forgetPrivateKey, revoke } from './inventory.ts'
import { cancelJob, enqueueJob, finishJob, restoreJobs, returnJob } from './jobs.ts'
import { beginOperation, finishOperation, trimOperations, writeStep } from './journal.ts'
import { expectHeld } from './leases.ts'
import { appendEntries, restoreEntries, trimEvents } from './logs.ts'
import type { Runner } from './query.ts'
import { removeRecord, restoreRecords, writeRecord } from './records.ts'
import { destroySealed, dropDataKey, findSealed, reseal, writeDataKey, writeSealed } from './sealed.ts'

/** Applies one commit inside the caller's savepoint; throwing undoes all of it. */
export function applyCommit(runner: Runner, tenant: string, commit: Commit, newLineage: () => string): Committed {
  if (commit.lease !== undefined) expectHeld(runner, tenant, commit.lease)
  const known = identityOf(runner, tenant)
  const { lineage, serial } = known ?? firstIdentity(runner, tenant, commit, newLineage)
  const declares = commit.mutations.some(({ type }) => type === 'put-resource' || type === 'delete-resource')
  const change: Change = { tenant, serial: declares ? serial + 1 : serial, commit }
  if (declares) advanceSerial(runner, tenant, change.serial)

  const revisions = new Map<Address, number>()
  for (const mutation of commit.mutations) {
    if (mutation.type === 'restore' && known !== undefined) throw notEmpty(tenant)
    applyMutation(runner, change, mutation, revisions)
  }
  appendEntries(
    runner,
    tenant,
    commit.mutations.flatMap(mutation => (mutation.type === 'append-log' ? [mutation.entry] : [])),
  )
  for (const mutation of commit.mutations) {
    if (mutation.type === 'add-certificate') expectKey(runner, tenant, mutation.certificate)
  }
  return { lineage, serial: change.serial, revisions }
}

function applyMutation(runner: Runner, change: Change, mutation: Mutation, revisions: Map<Address, number>): void {
  const { tenant } = change
  switch (mutation.type) {
    case 'put-resource': {
      const revision = writeResource(runner, change, mutation.resource, mutation.expectedRevision)
      revisions.set(mutation.resource.address, revision)
      break
    }
    case 'delete-resource':
      removeResource(runner, change, mutation.address, mutation.expectedRevision)
      break
    case 'add-certificate':
      addCertificate(runner, tenant, mutation.certificate)
      break
    case 'revoke-certificate':
      revoke(runner, tenant, mutation.id, mutation.at, mutation.reason)
      break
    case 'put-sealed':
      writeSealed(runner, tenant, mutation.row)
      break
    case 'reseal':
      reseal(runner, tenant, mutation.row, mutation.replacesNonce)
      break
    case 'delete-sealed':
      destroySealed(runner, tenant, mutation.id)
      forgetPrivateKey(runner, tenant, mutation.id)
      break
    case 'put-data-key':
      writeDataKey(runner, tenant, mutation.key, mutation.rewraps)
      break
    case 'delete-data-key':
      dropDataKey(runner, tenant, mutation.version)
      break
    case 'begin-operation':
      beginOperation(runner, tenant, mutation.operation)
      break
    case 'put-step':
      writeStep(runner, tenant, mutation.operationId, mutation.step)
      break
    case 'end-operation':
      finishOperation(runner, tenant, mutation.operationId, mutation.outcome)
      break
    case 'trim-operations':
      trimOperations(runner, tenant, mutation.before, mutation.most)
      break
    case 'put-record':
      writeRecord(runner, tenant, mutation.record, mutation.expectedVersion, change.commit.at)
      break
    case 'delete-record':
      removeRecord(runner, tenant, mutation.collection, mutation.id)
      break
    case 'enqueue-job':
      enqueueJob(runner, tenant, mutation.job, mutation.yields ?? false)
      break
    case 'finish-job':
      finishJob(runner, tenant, mutation.id, mutation.attempt)
      break
    case 'return-job':
      returnJob(runner, tenant, mutation)
      break
    case 'cancel-job':
      cancelJob(runner, tenant, mutation.id)
      break
    case 'trim-events':
      trimEvents(runner, tenant, mutation.through)
      break
    case 'append-log':
      break // together with the commit's others
    case 'restore':
      break // done with the identity, which it brings
  }
}

/** A tenant's first write names its state: afresh, or as it was named where it is restored from. */
function firstIdentity(runner: Runner, tenant: string, commit: Commit, newLineage: () => string) {
  const restored = commit.mutations.find(mutation => mutation.type === 'restore')
  if (restored !== undefined) {
    restoreDeclared(runner, tenant, restored.declared, restored.history)
    restoreRecords(runner, tenant, restored.records ?? [])
    restoreEntries(runner, tenant, restored.logs ?? [])
    restoreJobs(runner, tenant, restored.jobs ?? [])
    return restored.declared
  }
  const identity = { lineage: newLineage(), serial: 0 }
  createIdentity(runner, tenant, identity.lineage, identity.serial)
  return identity
}

/** Checked at the end of the commit, whatever the order of its mutations: a certificate never outlives its key row. */
function expectKey(runner: Runner, tenant: string, { id, keyId }: { id: string; keyId?: string }): void {
  if (keyId === undefined || findSealed(runner, tenant, keyId) !== undefined) return
  throw new EngineError('state_conflict', `certificate ${id} names the private key ${keyId}, which is not stored`, {
    remedy: 'issue it again',
  })
}

function notEmpty(tenant: string): EngineError {
  return new EngineError('state_conflict', `the tenant "${tenant}" already has state there`, {
    remedy: 'import into an empty state, or under a tenant that does not exist yet',
  })
}
