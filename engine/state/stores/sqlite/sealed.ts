import { EngineError } from '../../../core/errors.ts'
import type { Sealed, SealedRow, WrappedKey } from '../../store.ts'
import { query, type Runner, template } from './query.ts'
import { isForeignKeyViolation, isUniqueViolation } from './sqlite-error.ts'

const readSealed = template<{ tenant: string; id: string }>()(slot =>
  query
    .selectFrom('sealed')
    .select(['key_version', 'nonce', 'ciphertext'])
    .where('tenant', '=', slot.tenant)
    .where('id', '=', slot.id),
)

const readSealedPage = template<{ tenant: string; after: string; limit: number }>()(slot =>
  query
    .selectFrom('sealed')
    .select(['id', 'key_version', 'nonce', 'ciphertext'])
    .where('tenant', '=', slot.tenant)
    .where('id', '>', slot.after)
    .orderBy('id')
    .limit(slot.limit),
)

interface SealedInput {
  [column: string]: string | number | Uint8Array
  tenant: string
  id: string
  key_version: number
  nonce: Uint8Array
  ciphertext: Uint8Array
}

const putSealed = template<SealedInput>()(slot =>
  query
    .insertInto('sealed')
    .values({
      tenant: slot.tenant,
      id: slot.id,
      key_version: slot.key_version,
      nonce: slot.nonce,
      ciphertext: slot.ciphertext,
    })
    .onConflict(conflict =>
      conflict
        .columns(['tenant', 'id'])
        .doUpdateSet({ key_version: slot.key_version, nonce: slot.nonce, ciphertext: slot.ciphertext }),
    ),
)

const resealRow = template<SealedInput & { replaces: Uint8Array }>()(slot =>
  query
    .updateTable('sealed')
    .set({ key_version: slot.key_version, nonce: slot.nonce, ciphertext: slot.ciphertext })
    .where('tenant', '=', slot.tenant)
    .where('id', '=', slot.id)
    .where('nonce', '=', slot.replaces),
)

const deleteSealed = template<{ tenant: string; id: string }>()(slot =>
  query.deleteFrom('sealed').where('tenant', '=', slot.tenant).where('id', '=', slot.id),
)

const readDataKeys = template<{ tenant: string }>()(slot =>
  query
    .selectFrom('data_key')
    .select(['version', 'master_key_id', 'wrapped', 'created_at'])
    .where('tenant', '=', slot.tenant)
    .orderBy('version'),
)

const insertDataKey = template<{
  tenant: string
  version: number
  master_key_id: string
  wrapped: Uint8Array
  created_at: string
}>()(slot =>
  query.insertInto('data_key').values({
    tenant: slot.tenant,
    version: slot.version,
    master_key_id: slot.master_key_id,
    wrapped: slot.wrapped,
    created_at: slot.created_at,
  }),
)

const rewrapDataKey = template<{
  tenant: string
  version: number
  before: string
  master_key_id: string
  wrapped: Uint8Array
}>()(slot =>
  query
    .updateTable('data_key')
    .set({ master_key_id: slot.master_key_id, wrapped: slot.wrapped })
    .where('tenant', '=', slot.tenant)
    .where('version', '=', slot.version)
    .where('master_key_id', '=', slot.before),
)

const deleteDataKey = template<{ tenant: string; version: number }>()(slot =>
  query.deleteFrom('data_key').where('tenant', '=', slot.tenant).where('version', '=', slot.version),
)

export function findSealed(runner: Runner, tenant: string, id: string): Sealed | undefined {
  const row = runner.get(readSealed, { tenant, id })
  return row && { keyVersion: row.key_version, nonce: row.nonce, ciphertext: row.ciphertext }
}

export function pageOfSealed(runner: Runner, tenant: string, after: string, limit: number): SealedRow[] {
  return runner.all(readSealedPage, { tenant, after, limit }).map(row => ({
    id: row.id,
    keyVersion: row.key_version,
    nonce: row.nonce,
    ciphertext: row.ciphertext,
  }))
}

const sealedInput = (tenant: string, row: SealedRow): SealedInput => ({
  tenant,
  id: row.id,
  key_version: row.keyVersion,
  nonce: row.nonce,
  ciphertext: row.ciphertext,
})

export function writeSealed(runner: Runner, tenant: string, row: SealedRow): void {
  underExistingKey(row, () => runner.run(putSealed, sealedInput(tenant, row)))
}

export function reseal(runner: Runner, tenant: string, row: SealedRow, replaces: Uint8Array): void {
  underExistingKey(row, () => runner.run(resealRow, { ...sealedInput(tenant, row), replaces }))
}

export function destroySealed(runner: Runner, tenant: string, id: string): void {
  runner.run(deleteSealed, { tenant, id })
}

export function dataKeysOf(runner: Runner, tenant: string): WrappedKey[] {
  return runner.all(readDataKeys, { tenant }).map(row => ({
    version: row.version,
    masterKeyId: row.master_key_id,
    wrapped: row.wrapped,
    createdAt: row.created_at,
  }))
}

/** Never overwrites a key blindly: two first writers, or two rotations at once, must not lose each other's key. */
export function writeDataKey(runner: Runner, tenant: string, key: WrappedKey, rewraps: string | undefined): void {
  const { version, masterKeyId: master_key_id, wrapped } = key
  const taken = (cause?: unknown) =>
    new EngineError('state_conflict', `data key ${version} was changed meanwhile`, {
      remedy: 'run the same command again',
      cause,
    })
  if (rewraps !== undefined) {
    const rewrapped = runner.run(rewrapDataKey, { tenant, version, before: rewraps, master_key_id, wrapped })
    if (rewrapped === 0) throw taken()
    return
  }
  try {
    runner.run(insertDataKey, { tenant, version, master_key_id, wrapped, created_at: key.createdAt })
  } catch (error) {
    throw isUniqueViolation(error) ? taken(error) : error
  }
}

export function dropDataKey(runner: Runner, tenant: string, version: number): void {
  try {
    runner.run(deleteDataKey, { tenant, version })
  } catch (error) {
    if (!isForeignKeyViolation(error)) throw error
    throw new EngineError('state_conflict', `data key ${version} still seals something`, {
      remedy: 'run `trustform state rotate-key` again',
      cause: error,
    })
  }
}

function underExistingKey(row: SealedRow, write: () => void): void {
  try {
    write()
  } catch (error) {
    if (!isForeignKeyViolation(error)) throw error
    throw new EngineError('state_conflict', `data key ${row.keyVersion}, which seals ${row.id}, is gone`, {
      remedy: 'run the same command again: the keys were rotated meanwhile',
      cause: error,
    })
  }
}
