import { initial } from './0001-initial.ts'
import { records } from './0002-records.ts'
import type { Migration } from './migration.ts'

/** Every step in order; a test holds that versions count 1, 2, 3… and that each has a golden database. */
export const migrations: readonly Migration[] = [initial, records]
