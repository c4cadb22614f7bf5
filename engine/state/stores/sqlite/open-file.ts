import { accessSync, closeSync, constants, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { EngineError } from '../../../core/errors.ts'
import { patiently } from './group-commit.ts'
import { migrate } from './migrate.ts'
import { createRunner, type Runner } from './query.ts'
import { explain, isWithoutSharedMemory } from './sqlite-error.ts'

/** Milliseconds inside SQLite before a lock is reported to `patiently`, which waits without blocking the process. */
const busyTimeout = 20

export interface OpenFile {
  readonly database: DatabaseSync
  readonly runner: Runner
  readonly path: string
  readonly readOnly: boolean
}

/**
 * Opens or creates the database file; a file or folder that cannot be written is opened for reading alone. Errors:
 * `state_corrupt`, `state_newer`, `state_read_only`, `state_unavailable`, `disk_full`.
 */
export async function openFile(path: string): Promise<OpenFile> {
  try {
    if (path === ':memory:') return await openWritable(path)
    return createFile(path) ? await openWritable(path) : await openReadOnly(path)
  } catch (error) {
    throw explain(error, path)
  }
}

async function openWritable(path: string): Promise<OpenFile> {
  const database = new DatabaseSync(path, { timeout: busyTimeout, enableForeignKeyConstraints: true })
  try {
    const runner = createRunner(database)
    await migrate(database, runner, path)
    await patiently(() => database.exec('PRAGMA journal_mode = WAL'))
    // FULL: the write-ahead log is synced at each commit, so that what was answered survives a power cut.
    database.exec('PRAGMA synchronous = FULL')
    return { database, runner, path, readOnly: false }
  } catch (error) {
    database.close()
    throw error
  }
}

async function openReadOnly(path: string): Promise<OpenFile> {
  try {
    return await openAsIs(path)
  } catch (error) {
    if (!isWithoutSharedMemory(error)) throw error
    // Reading a WAL database needs its -shm file. Where that cannot be made, the main file alone is complete only
    // when no log lies beside it.
    if (sizeOf(`${path}-wal`) > 0) throw readOnly(path, 'holds commits that are not yet in its main file', error)
    return await openAsIs(new URL(`${pathToFileURL(resolve(path))}?immutable=1`))
  }

  async function openAsIs(location: string | URL): Promise<OpenFile> {
    const database = new DatabaseSync(location, { readOnly: true, timeout: busyTimeout })
    try {
      const runner = createRunner(database)
      await migrate(database, runner, path, () => {
        throw readOnly(path, 'was written by an older version and cannot be brought up to date')
      })
      return { database, runner, path, readOnly: true }
    } catch (error) {
      database.close()
      throw error
    }
  }
}

/** Makes sure that the file is there, 0600 in a folder that is 0700 when we make it. False: reading is all we can do. */
function createFile(path: string): boolean {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    closeSync(openSync(path, 'wx', 0o600))
    const folder = openSync(dirname(path), 'r')
    fsyncSync(folder)
    closeSync(folder)
    return true
  } catch (error) {
    if (!hasCode(error)) throw error
    if (error.code === 'ENOSPC' || error.code === 'EDQUOT') {
      throw new EngineError('disk_full', `the state file ${path} cannot be created: the disk is full`, {
        remedy: 'free disk space, then run the same command again',
        cause: error,
      })
    }
    const known = statSync(path, { throwIfNoEntry: false })
    if (known?.isDirectory()) {
      throw new EngineError('usage', `the state ${path} is a folder`, {
        remedy: `name a file in it: sqlite:${path}/state.db`,
        cause: error,
      })
    }
    if (known === undefined && isRefusal(error.code)) throw readOnly(path, 'cannot be created here', error)
    if (known === undefined) {
      throw new EngineError('state_unavailable', `the state file ${path} cannot be created: ${error.code}`, {
        remedy: 'name another file with --state sqlite:PATH',
        cause: error,
      })
    }
    return writable(path) && writable(dirname(path))
  }
}

function writable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

function isRefusal(code: string): boolean {
  return code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
}

function hasCode(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
}

/** The error of every write to a state that we may only read. */
export function readOnly(path: string, what: string, cause?: unknown): EngineError {
  return new EngineError('state_read_only', `the state file ${path} ${what}`, {
    remedy: 'allow writing to the file and its folder, or copy both to where you may write',
    cause,
  })
}
