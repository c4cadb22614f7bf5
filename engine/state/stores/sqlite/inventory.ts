import { sql } from 'kysely'
import { EngineError } from '../../../core/errors.ts'
import type { CertificateRow } from '../../../core/resource.ts'
import type { CertificateQuery } from '../../store.ts'
import { query, type Runner, template } from './query.ts'
import { certificateFrom, certificateRow } from './rows.ts'
import { isUniqueViolation } from './sqlite-error.ts'

const insertCertificate = template<{
  tenant: string
  id: string
  object_id: string
  issuer_id: string
  serial: string
  not_before: string
  not_after: string
  der: Uint8Array
  chain: Uint8Array
  key_id: string | null
  created_at: string
  revoked_at: string | null
  revocation_reason: string | null
}>()(slot =>
  query.insertInto('certificate').values({
    tenant: slot.tenant,
    id: slot.id,
    object_id: slot.object_id,
    issuer_id: slot.issuer_id,
    serial: slot.serial,
    not_before: slot.not_before,
    not_after: slot.not_after,
    der: slot.der,
    chain: slot.chain,
    key_id: slot.key_id,
    created_at: slot.created_at,
    revoked_at: slot.revoked_at,
    revocation_reason: slot.revocation_reason,
  }),
)

const readRevocation = template<{ tenant: string; id: string }>()(slot =>
  query.selectFrom('certificate').select('revoked_at').where('tenant', '=', slot.tenant).where('id', '=', slot.id),
)

const revokeCertificate = template<{ tenant: string; id: string; at: string; reason: string }>()(slot =>
  query
    .updateTable('certificate')
    .set({ revoked_at: slot.at, revocation_reason: slot.reason })
    .where('tenant', '=', slot.tenant)
    .where('id', '=', slot.id)
    .where('revoked_at', 'is', null),
)

const forgetKey = template<{ tenant: string; id: string }>()(slot =>
  query
    .updateTable('certificate')
    .set({ key_id: null })
    .where('tenant', '=', slot.tenant)
    .where('key_id', '=', slot.id),
)

export function addCertificate(runner: Runner, tenant: string, certificate: CertificateRow): void {
  try {
    runner.run(insertCertificate, certificateRow(tenant, certificate))
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
    const { id, issuerId, serial } = certificate
    throw new EngineError('state_conflict', `certificate ${id} or serial ${serial} of issuer "${issuerId}" exists`, {
      remedy: 'issue it again with a fresh serial',
      cause: error,
    })
  }
}

/** The first revocation stands: RFC 5280 §5.3.2 dates are published in CRLs and never move. */
export function revoke(runner: Runner, tenant: string, id: string, at: string, reason: string): void {
  if (runner.run(revokeCertificate, { tenant, id, at, reason }) > 0) return
  if (runner.get(readRevocation, { tenant, id }) !== undefined) return
  throw new EngineError('not_found', `there is no certificate ${id}`, { remedy: 'run `trustform list` for the ids' })
}

/** The private key is destroyed: the certificates stay, and no longer claim that we hold it. */
export function forgetPrivateKey(runner: Runner, tenant: string, sealedId: string): void {
  runner.run(forgetKey, { tenant, id: sealedId })
}

const readCertificate = template<{ tenant: string; id: string }>()(slot =>
  query.selectFrom('certificate').selectAll().where('tenant', '=', slot.tenant).where('id', '=', slot.id),
)

/** Newest first. */
export function findCertificates(runner: Runner, tenant: string, asked: CertificateQuery): CertificateRow[] {
  const { id, ...more } = asked
  // The query that is asked most is compiled once.
  if (id !== undefined && Object.keys(more).length === 0) {
    return runner.all(readCertificate, { tenant, id }).map(certificateFrom)
  }
  let built = query.selectFrom('certificate').selectAll().where('tenant', '=', tenant).orderBy('seq', 'desc')
  if (asked.id !== undefined) built = built.where('id', '=', asked.id)
  if (asked.objectId !== undefined) built = built.where('object_id', '=', asked.objectId)
  if (asked.issuerId !== undefined) built = built.where('issuer_id', '=', asked.issuerId)
  // Spelled out so that SQLite may use the partial unique index.
  if (asked.issuerId) built = built.where(sql<boolean>`issuer_id <> ''`)
  if (asked.serial !== undefined) built = built.where('serial', '=', asked.serial)
  if (asked.revoked !== undefined) built = built.where('revoked_at', asked.revoked ? 'is not' : 'is', null)
  if (asked.limit !== undefined) built = built.limit(asked.limit)
  return runner.select(built.compile()).map(certificateFrom)
}
