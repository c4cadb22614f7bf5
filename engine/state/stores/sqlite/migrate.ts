import type { DatabaseSync } from 'node:sqlite'
import { EngineError } from '../../../core/errors.ts'
import type { Migration } from '../../migrations/migration.ts'
import { migrations } from '../../migrations/migrations.ts'
import { patiently } from './group-commit.ts'
import { query, type Runner } from './query.ts'

/** "TRFM" in the header of our databases: https://www.sqlite.org/fileformat2.html#application_id */
const applicationId = 0x5452464d

/**
 * Brings a database to the newest schema, each migration in a transaction of its own; a new file starts at 0.
 * `refuse` is called instead where it may not be written. Throws `state_newer`, or `state_corrupt` for a database of
 * another program, without having touched it.
 */
export async function migrate(
  database: DatabaseSync,
  runner: Runner,
  path: string,
  refuse?: () => never,
  steps: readonly Migration[] = migrations,
): Promise<void> {
  const newest = steps.at(-1)?.version ?? 0
  for (const step of steps) {
    if ((await patiently(() => versionOf(database, path, newest))) >= step.version) continue
    refuse?.()
    await patiently(() => database.exec('BEGIN IMMEDIATE'))
    try {
      // Another process may have been here between the look and the lock.
      if (versionOf(database, path, newest) < step.version) applyStep(database, runner, step)
      database.exec('COMMIT')
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }
}

function applyStep(database: DatabaseSync, runner: Runner, step: Migration): void {
  for (const statement of step.statements(query.schema, { octets: 'blob', sequence: 'integer' })) {
    runner.select(statement.compile())
  }
  // PRAGMA takes no bound values; both are our own numbers. They are part of the transaction.
  database.exec(`PRAGMA application_id = ${applicationId}`)
  database.exec(`PRAGMA user_version = ${step.version}`)
}

function versionOf(database: DatabaseSync, path: string, newest: number): number {
  const read = (sql: string) => Number(Object.values(database.prepare(sql).get() ?? {})[0])
  const version = read('PRAGMA user_version')
  if (read('PRAGMA application_id') !== applicationId) {
    if (version === 0 && read('SELECT count(*) FROM sqlite_schema') === 0) return 0
    throw new EngineError('state_corrupt', `${path} is the SQLite database of another program`, {
      remedy: 'name another file with --state sqlite:PATH',
    })
  }
  if (version > newest) {
    throw new EngineError(
      'state_newer',
      `the state file ${path} has version ${version}; this program knows ${newest}`,
      {
        remedy: 'upgrade trustform to the version that wrote it',
      },
    )
  }
  return version
}
