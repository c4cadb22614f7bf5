import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { plain } from '../contract/samples.ts'
import { openStore } from '../open.ts'
import type { StateStore } from '../store.ts'
import { migrate } from '../stores/sqlite/migrate.ts'
import { openFile } from '../stores/sqlite/open-file.ts'
import { createRunner, query } from '../stores/sqlite/query.ts'
import { sqliteStore } from '../stores/sqlite/store.ts'
import { goldenCommits, goldenLease, goldenTenant } from './golden/content.ts'
import type { Migration } from './migration.ts'
import { migrations } from './migrations.ts'

const golden = new URL('golden/', import.meta.url)
const fileOf = (version: number) => `${String(version).padStart(4, '0')}.sql`
let folder = ''
let path = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trustform-migrations-'))
  path = join(folder, 'state.db')
})
afterEach(() => rmSync(folder, { recursive: true }))

test('versions count from 1 and each has a golden database', () => {
  expect(migrations.map(({ version }) => version)).toEqual(migrations.map((_, index) => index + 1))
  const recorded = readdirSync(golden).filter(name => name.endsWith('.sql'))
  expect(recorded.toSorted()).toEqual(migrations.map(({ version }) => fileOf(version)))
})

/** Everything that a store tells of the golden tenant. */
async function contentOf(store: StateStore): Promise<unknown> {
  const { resources, serial } = await store.snapshot(goldenTenant)
  return plain({
    serial,
    resources,
    history: await store.history(goldenTenant, {}),
    certificates: await store.certificates(goldenTenant, {}),
    sealed: await store.sealedRows(goldenTenant, '', 10),
    dataKeys: await store.dataKeys(goldenTenant),
    operations: await store.operations(goldenTenant),
    records: await store.records(goldenTenant, { collection: 'source' }),
    audit: await store.log(goldenTenant, { log: 'audit' }),
    events: await store.log(goldenTenant, { log: 'event' }),
    jobs: await store.jobs({}),
    lease: await store.acquireLease(goldenTenant, goldenLease),
    faults: await store.verify(goldenTenant),
  })
}

test.each(
  migrations.map(({ version }) => version),
)('a database of version %i opens with all it holds', async version => {
  const old = new DatabaseSync(path)
  old.exec(readFileSync(new URL(fileOf(version), golden), 'utf8'))
  old.close()
  const migrated = await openStore(`sqlite:${path}`)

  const fresh = sqliteStore(await openFile(':memory:'))
  for (const commit of goldenCommits(version)) await fresh.commit(goldenTenant, commit)
  await fresh.acquireLease(goldenTenant, goldenLease)

  expect(await contentOf(migrated)).toEqual(await contentOf(fresh))
  expect((await migrated.snapshot(goldenTenant)).lineage).toMatch(/^[0-9a-f-]{36}$/)
  expect(await migrated.jobs({})).toHaveLength(version < 2 ? 0 : 1)
  await migrated.close()
  await fresh.close()
})

const next = migrations.length + 1
const addColumn: Migration = {
  version: next,
  statements: schema => [schema.alterTable('resource').addColumn('colour', 'text', column => column.defaultTo('red'))],
}
const fails: Migration = {
  version: next + 1,
  statements: schema => [schema.createTable('half').addColumn('a', 'text'), schema.dropTable('not_there')],
}

/** Migrates the file at `path` with these steps, as another version of the program would. */
async function migrateWith(steps: readonly Migration[]): Promise<void> {
  const database = new DatabaseSync(path)
  try {
    await migrate(database, createRunner(database), path, undefined, steps)
  } finally {
    database.close()
  }
}

test('a step that fails leaves the database at the last version that worked, with its data', async () => {
  const store = await openStore(`sqlite:${path}`)
  for (const commit of goldenCommits(migrations.length)) await store.commit(goldenTenant, commit)
  await store.close()

  await expect(migrateWith([...migrations, addColumn, fails])).rejects.toThrow('not_there')

  const database = new DatabaseSync(path)
  const runner = createRunner(database)
  const read = (text: string) => runner.select(sql.raw<Record<string, unknown>>(text).compile(query))
  expect(read('PRAGMA user_version')).toEqual([{ user_version: next }])
  expect(read('SELECT address, colour FROM resource')).toEqual([{ address: 'Role/web', colour: 'red' }])
  expect(read("SELECT name FROM sqlite_schema WHERE name = 'half'")).toEqual([])
  database.close()

  // The program of today meets a database from tomorrow.
  await expect(openStore(`sqlite:${path}`)).rejects.toMatchObject({ code: 'state_newer' })
  // Tomorrow's, with its mistake corrected, goes on from where it stopped.
  await migrateWith([...migrations, addColumn, { version: next + 1, statements: () => [] }])
})

test('two that migrate at once do each step once', async () => {
  await Promise.all([1, 2, 3].map(() => migrateWith([...migrations, addColumn])))
  const database = new DatabaseSync(path)
  expect(database.prepare('PRAGMA user_version').get()).toEqual({ user_version: next })
  database.close()
})
