import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import {
  type Compilable,
  type CompiledQuery,
  DummyDriver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import type { Tables } from '../../tables.ts'

/**
 * Kysely writes the SQL and types the rows; it does not run it. Its drivers are asynchronous, and a transaction with
 * an `await` in it would let other callers of the same connection in between.
 */
export const query = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: db => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
})

/** Stands for a value in a query that is compiled once and run many times. */
class Slot {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/** A compiled query with named places for its values. */
export interface Template<I, O> {
  readonly sql: string
  readonly values: (input: I) => SQLInputValue[]
  /** Carries the row type; never present. */
  readonly row?: O
}

type Row = Readonly<Record<string, SQLInputValue>>

/**
 * Compiles on first use: `template<{tenant: string}>()(slot => query.selectFrom('tenant').where('name', '=', slot.tenant))`.
 */
export function template<I extends Row>() {
  return <O>(build: (slot: I) => Compilable<O>): Template<I, O> => {
    let compiled: { sql: string; places: readonly unknown[] } | undefined
    const ready = () => {
      // The proxy is the one place where a slot poses as the value it stands for; Kysely only carries it through.
      const slots = new Proxy({}, { get: (_target, name) => new Slot(String(name)) }) as I
      const { sql, parameters } = build(slots).compile()
      compiled = { sql, places: parameters }
      return compiled
    }
    return {
      get sql() {
        return (compiled ?? ready()).sql
      },
      values: input =>
        (compiled ?? ready()).places.map(place => (place instanceof Slot ? (input[place.name] ?? null) : bound(place))),
    }
  }
}

/** A value that SQLite can bind; anything else in a query is a bug. */
function bound(value: unknown): SQLInputValue {
  if (value === null || typeof value === 'string' || typeof value === 'number' || value instanceof Uint8Array)
    return value
  throw new Error(`a query holds a value of type ${typeof value}`)
}

/** Runs queries on one connection; prepared statements are kept by their SQL. */
export interface Runner {
  run<I>(template: Template<I, unknown>, input: I): number
  get<I, O>(template: Template<I, O>, input: I): O | undefined
  all<I, O>(template: Template<I, O>, input: I): O[]
  /** Each row through `read` as it comes, without holding all of them twice. */
  map<I, O, T>(template: Template<I, O>, input: I, read: (row: O) => T): T[]
  /** A query whose shape depends on what was asked. */
  select<O>(compiled: CompiledQuery<O>): O[]
  exec(sql: string): void
}

export function createRunner(database: DatabaseSync): Runner {
  const statements = new Map<string, StatementSync>()
  const statement = (sql: string): StatementSync => {
    const known = statements.get(sql)
    if (known !== undefined) return known
    const made = database.prepare(sql)
    statements.set(sql, made)
    return made
  }
  return {
    run: (template, input) => Number(statement(template.sql).run(...template.values(input)).changes),
    // Rows have the shape that Kysely derived from `Tables` for this very SQL.
    get: <I, O>(template: Template<I, O>, input: I) =>
      statement(template.sql).get(...template.values(input)) as O | undefined,
    all: <I, O>(template: Template<I, O>, input: I) => statement(template.sql).all(...template.values(input)) as O[],
    map: <I, O, T>(template: Template<I, O>, input: I, read: (row: O) => T) => {
      const results: T[] = []
      for (const row of statement(template.sql).iterate(...template.values(input))) results.push(read(row as O))
      return results
    },
    select: <O>({ sql, parameters }: CompiledQuery<O>) => {
      return statement(sql).all(...parameters.map(bound)) as O[]
    },
    exec: sql => {
      statement(sql).run()
    },
  }
}
