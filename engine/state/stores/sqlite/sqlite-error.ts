import type { ErrorCode } from '../../../core/error-catalogue.ts'
import { EngineError } from '../../../core/errors.ts'

/** Primary result codes, https://www.sqlite.org/rescode.html */
const primary = { busy: 5, locked: 6, readOnly: 8, io: 10, corrupt: 11, full: 13, cannotOpen: 14, notDatabase: 26 }
/** Extended codes that decide something. */
const extended = { foreignKey: 787, primaryKey: 1555, unique: 2067 }

type Told = readonly [code: ErrorCode, what: string, remedy: string]

const told = new Map<number, Told>([
  [primary.busy, ['state_unavailable', 'is locked by another process', 'wait for the other process, then try again']],
  [primary.locked, ['state_unavailable', 'is locked by another process', 'wait for the other process, then try again']],
  [primary.readOnly, ['state_read_only', 'cannot be written', 'allow writing to the file and its folder']],
  [
    primary.io,
    ['state_unavailable', 'could not be read or written', 'check the disk and the file system, then try again'],
  ],
  [
    primary.corrupt,
    ['state_corrupt', 'is damaged', 'restore it from a backup, or from `trustform state export` output'],
  ],
  [primary.full, ['disk_full', 'cannot grow: the disk is full', 'free disk space, then run the same command again']],
  [primary.cannotOpen, ['state_unavailable', 'cannot be opened', 'check that its folder exists and may be entered']],
  [
    primary.notDatabase,
    ['state_corrupt', 'is not a Trustform state database', 'name the right file with --state, or restore a backup'],
  ],
])

/** Extended result code of an error that `node:sqlite` threw, else undefined. */
function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined
  return typeof error.errcode === 'number' ? error.errcode : undefined
}

/** Another process holds the lock: trying again may help. */
export function isBusy(error: unknown): boolean {
  const code = (resultCode(error) ?? 0) & 0xff
  return code === primary.busy || code === primary.locked
}

export function isUniqueViolation(error: unknown): boolean {
  const code = resultCode(error)
  return code === extended.unique || code === extended.primaryKey
}

export function isForeignKeyViolation(error: unknown): boolean {
  return resultCode(error) === extended.foreignKey
}

/** The -shm file beside a database in WAL mode can be neither opened nor made. */
export function isWithoutSharedMemory(error: unknown): boolean {
  const code = (resultCode(error) ?? 0) & 0xff
  return code === primary.cannotOpen || code === primary.readOnly
}

/** The failure in a person's words; anything that is no SQLite failure stays what it is. */
export function explain(error: unknown, path: string): unknown {
  const facts = told.get((resultCode(error) ?? 0) & 0xff)
  if (facts === undefined) return error
  const [code, what, remedy] = facts
  return new EngineError(code, `the state file ${path} ${what}`, { remedy, cause: error })
}
