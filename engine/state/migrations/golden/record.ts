/**
 * Prints a database of the present schema with one row of each sort, as SQL. Run it once when a migration is added,
 * before anyone uses it: `node engine/state/migrations/golden/record.ts > engine/state/migrations/golden/0002.sql`.
 * Golden files are never recorded again: they are what real databases of that version look like.
 */
import type { DatabaseSync } from 'node:sqlite'
import { openFile } from '../../stores/sqlite/open-file.ts'
import { sqliteStore } from '../../stores/sqlite/store.ts'
import { migrations } from '../migrations.ts'
import { goldenCommits, goldenLease, goldenTenant } from './content.ts'

const file = await openFile(':memory:')
const store = sqliteStore(file)
for (const commit of goldenCommits(migrations.length)) await store.commit(goldenTenant, commit)
await store.acquireLease(goldenTenant, goldenLease)
process.stdout.write(dump(file.database))
await store.close()

function dump(database: DatabaseSync): string {
  const all = (sql: string) => database.prepare(sql).all()
  const pragma = (name: string) => `PRAGMA ${name} = ${Object.values(all(`PRAGMA ${name}`)[0] ?? {})[0]}`
  // SQLite makes its own tables (sqlite_sequence) by itself.
  const schema = all(
    `SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
     ORDER BY type = 'index', name`,
  )
  const rows = schema
    .filter(({ type }) => type === 'table')
    .flatMap(({ name }) => {
      const columns = all(`PRAGMA table_info("${name}")`).map(column => `quote("${column.name}")`)
      return all(`SELECT ${columns.join(` || ', ' || `)} AS line FROM "${name}"`).map(
        ({ line }) => `INSERT INTO "${name}" VALUES (${line})`,
      )
    })
  const statements = [pragma('application_id'), pragma('user_version'), ...schema.map(({ sql }) => sql), ...rows]
  return statements.map(statement => `${statement};\n`).join('')
}
