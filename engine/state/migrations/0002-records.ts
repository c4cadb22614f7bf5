import { type SqlBool, sql } from 'kysely'
import type { Migration } from './migration.ts'

/** Records, logs and jobs of the service. */
export const records: Migration = {
  version: 2,
  statements: (schema, { sequence }) => {
    // SQLite gives the number of a deleted last row out again unless told not to; a cursor would skip its successor.
    const numbered = (table: string) =>
      schema
        .createTable(table)
        .addColumn('seq', sequence, column =>
          sequence === 'integer' ? column.primaryKey().autoIncrement() : column.primaryKey(),
        )
    return [
      numbered('record')
        .addColumn('tenant', 'text', column => column.notNull())
        .addColumn('collection', 'text', column => column.notNull())
        .addColumn('id', 'text', column => column.notNull())
        .addColumn('name', 'text')
        .addColumn('parent', 'text')
        .addColumn('data', 'text', column => column.notNull())
        .addColumn('version', 'integer', column => column.notNull())
        .addColumn('created_at', 'text', column => column.notNull())
        .addColumn('updated_at', 'text', column => column.notNull()),
      schema.createIndex('record_id').unique().on('record').columns(['tenant', 'collection', 'id']),
      schema
        .createIndex('record_name')
        .unique()
        .on('record')
        .columns(['collection', 'name', 'tenant'])
        .where(sql<SqlBool>`name is not null`),
      schema.createIndex('record_order').on('record').columns(['collection', 'seq']),
      schema.createIndex('record_tenant').on('record').columns(['tenant', 'collection', 'seq']),
      schema
        .createIndex('record_parent')
        .on('record')
        .columns(['tenant', 'collection', 'parent', 'seq'])
        .where(sql<SqlBool>`parent is not null`),

      schema
        .createTable('log_entry')
        .addColumn('tenant', 'text', column => column.notNull())
        .addColumn('log', 'text', column => column.notNull())
        .addColumn('sequence', 'integer', column => column.notNull())
        .addColumn('at', 'text', column => column.notNull())
        .addColumn('type', 'text', column => column.notNull())
        .addColumn('actor', 'text', column => column.notNull())
        .addColumn('subject', 'text', column => column.notNull())
        .addColumn('data', 'text', column => column.notNull())
        .addColumn('hash', 'text', column => column.notNull())
        .addPrimaryKeyConstraint('log_entry_sequence', ['tenant', 'log', 'sequence']),
      schema.createIndex('log_entry_type').on('log_entry').columns(['tenant', 'log', 'type', 'sequence']),
      schema.createIndex('log_entry_subject').on('log_entry').columns(['tenant', 'log', 'subject', 'sequence']),
      schema
        .createTable('log_head')
        .addColumn('tenant', 'text', column => column.notNull())
        .addColumn('log', 'text', column => column.notNull())
        .addColumn('sequence', 'integer', column => column.notNull())
        .addColumn('hash', 'text', column => column.notNull())
        .addPrimaryKeyConstraint('log_head_log', ['tenant', 'log']),

      numbered('job')
        .addColumn('tenant', 'text', column => column.notNull())
        .addColumn('id', 'text', column => column.notNull())
        .addColumn('queue', 'text', column => column.notNull())
        .addColumn('key', 'text', column => column.notNull())
        .addColumn('payload', 'text', column => column.notNull())
        .addColumn('run_at', 'text', column => column.notNull())
        .addColumn('max_attempts', 'integer', column => column.notNull())
        .addColumn('singleton', 'text')
        .addColumn('state', 'text', column => column.notNull())
        .addColumn('attempts', 'integer', column => column.notNull())
        .addColumn('last_error', 'text')
        .addColumn('lease_until', 'text'),
      schema.createIndex('job_id').unique().on('job').columns(['id']),
      schema.createIndex('job_due').on('job').columns(['state', 'queue', 'run_at']),
      schema.createIndex('job_running_key').on('job').columns(['tenant', 'key']).where(sql<SqlBool>`state = 'running'`),
      schema
        .createIndex('job_singleton')
        .unique()
        .on('job')
        .columns(['tenant', 'queue', 'singleton'])
        .where(sql<SqlBool>`state = 'waiting' and singleton is not null`),
    ]
  },
}
