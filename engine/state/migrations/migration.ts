import type { Compilable, SchemaModule } from 'kysely'

/** Column types in which SQL stores differ. */
export interface ColumnTypes {
  readonly octets: 'blob' | 'bytea'
  /** A 64-bit number that grows with each row. */
  readonly sequence: 'integer' | 'bigserial'
}

/**
 * One step forward of the schema, applied whole in one transaction and never edited once released. There is no way
 * back: an older program refuses a newer database (`state_newer`).
 */
export interface Migration {
  readonly version: number
  readonly statements: (schema: SchemaModule, types: ColumnTypes) => readonly Compilable[]
}
