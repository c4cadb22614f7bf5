import type { Selectable } from 'kysely'
import { type Address, parseAddress } from '../../../core/address.ts'
import type { CertificateRow, JournalStep, RecordedResource } from '../../../core/resource.ts'
import type { HistoryEntry, Lease, LeaseHolder, OpenOperation, ResourceDraft } from '../../store.ts'
import type { Tables } from '../../tables.ts'
import { joinOctets, splitOctets } from './octets.ts'

type Row<T extends keyof Tables> = Selectable<Tables[T]>
/** A row to insert; the store numbers it. */
type NewRow<T extends keyof Tables> = Omit<Row<T>, 'seq'>

/**
 * What a resource's `body` holds: all that is not a column. JSON read back from our own column is cast, not parsed:
 * only this module writes it, and `verify` checks the file.
 */
type Body = Pick<RecordedResource, 'labels' | 'lifecycle' | 'spec' | 'status' | 'dependsOn' | 'createdAt' | 'updatedAt'>

export function resourceRow(tenant: string, resource: ResourceDraft, revision: number): Row<'resource'> {
  const { labels, lifecycle, spec, status, dependsOn, createdAt, updatedAt } = resource
  const body: Body = { labels, lifecycle, spec, status, dependsOn, createdAt, updatedAt }
  return {
    tenant,
    address: resource.address,
    id: resource.id,
    owner: resource.owner,
    revision,
    body: JSON.stringify(body),
  }
}

export function resourceFrom(row: Omit<Row<'resource'>, 'tenant'>): RecordedResource {
  const { kind, name } = parseAddress(row.address)
  const body = JSON.parse(row.body) as Body
  return {
    address: row.address as Address, // parseAddress has just accepted it
    kind,
    name,
    id: row.id,
    owner: row.owner,
    revision: row.revision,
    ...body,
  }
}

export function historyFrom(row: Omit<Row<'history'>, 'seq' | 'tenant'>): HistoryEntry {
  return {
    serial: row.serial,
    at: row.at,
    actor: row.actor,
    address: row.address as Address, // written from an Address
    before: row.before === null ? null : (JSON.parse(row.before) as RecordedResource),
    after: row.after === null ? null : (JSON.parse(row.after) as RecordedResource),
  }
}

export function certificateRow(tenant: string, certificate: CertificateRow): NewRow<'certificate'> {
  return {
    tenant,
    id: certificate.id,
    object_id: certificate.objectId,
    issuer_id: certificate.issuerId,
    serial: certificate.serial,
    not_before: certificate.notBefore,
    not_after: certificate.notAfter,
    der: certificate.der,
    chain: joinOctets(certificate.chain),
    key_id: certificate.keyId ?? null,
    created_at: certificate.createdAt,
    revoked_at: certificate.revokedAt ?? null,
    revocation_reason: certificate.revocationReason ?? null,
  }
}

export function certificateFrom(row: NewRow<'certificate'>): CertificateRow {
  return {
    id: row.id,
    objectId: row.object_id,
    issuerId: row.issuer_id,
    serial: row.serial,
    notBefore: row.not_before,
    notAfter: row.not_after,
    der: row.der,
    chain: splitOctets(row.chain),
    ...(row.key_id !== null && { keyId: row.key_id }),
    createdAt: row.created_at,
    ...(row.revoked_at !== null && { revokedAt: row.revoked_at }),
    ...(row.revocation_reason !== null && { revocationReason: row.revocation_reason }),
  }
}

export function stepFrom(row: Pick<Row<'step'>, 'step' | 'state' | 'data' | 'sealed' | 'at'>): JournalStep {
  return {
    step: row.step,
    state: row.state as JournalStep['state'], // only `put-step` writes it
    data: JSON.parse(row.data) as JournalStep['data'],
    sealed: JSON.parse(row.sealed) as JournalStep['sealed'],
    at: row.at,
  }
}

export function operationFrom(
  row: Omit<Row<'operation'>, 'seq' | 'tenant' | 'outcome'>,
  steps: readonly JournalStep[],
): OpenOperation {
  return {
    id: row.id,
    address: row.address as Address, // written from an Address
    action: row.action,
    inputHash: row.input_hash,
    attempt: row.attempt,
    epoch: row.epoch,
    startedAt: row.started_at,
    steps,
  }
}

/** The lease in a row, or undefined while nobody holds it. */
export function leaseFrom(row: Omit<Row<'lease'>, 'tenant'> | undefined): Lease | undefined {
  if (row === undefined || row.holder === null) return undefined
  return {
    name: row.name,
    holder: JSON.parse(row.holder) as LeaseHolder,
    epoch: row.epoch,
    expiresAt: row.expires_at,
    since: row.since,
  }
}
