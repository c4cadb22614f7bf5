import { type SqlBool, sql } from 'kysely'
import type { Migration } from './migration.ts'

/** Declared state, inventory, sealed rows, journal and leases. */
export const initial: Migration = {
  version: 1,
  statements: (schema, { octets, sequence }) => [
    schema
      .createTable('tenant')
      .addColumn('name', 'text', column => column.primaryKey().notNull())
      .addColumn('lineage', 'text', column => column.notNull())
      .addColumn('serial', 'integer', column => column.notNull()),

    schema
      .createTable('resource')
      .addColumn('tenant', 'text', column => column.notNull())
      .addColumn('address', 'text', column => column.notNull())
      .addColumn('id', 'text', column => column.notNull())
      .addColumn('owner', 'text', column => column.notNull())
      .addColumn('revision', 'integer', column => column.notNull())
      .addColumn('body', 'text', column => column.notNull())
      .addPrimaryKeyConstraint('resource_address', ['tenant', 'address']),

    schema
      .createTable('history')
      .addColumn('seq', sequence, column => column.primaryKey())
      .addColumn('tenant', 'text', column => column.notNull())
      .addColumn('serial', 'integer', column => column.notNull())
      .addColumn('address', 'text', column => column.notNull())
      .addColumn('at', 'text', column => column.notNull())
      .addColumn('actor', 'text', column => column.notNull())
      .addColumn('before', 'text')
      .addColumn('after', 'text'),
    schema.createIndex('history_serial').on('history').columns(['tenant', 'serial']),
    schema.createIndex('history_address').on('history').columns(['tenant', 'address', 'serial']),

    schema
      .createTable('certificate')
      .addColumn('seq', sequence, column => column.primaryKey())
      .addColumn('tenant', 'text', column => column.notNull())
      .addColumn('id', 'text', column => column.notNull())
      .addColumn('object_id', 'text', column => column.notNull())
      .addColumn('issuer_id', 'text', column => column.notNull())
      .addColumn('serial', 'text', column => column.notNull())
      .addColumn('not_before', 'text', column => column.notNull())
      .addColumn('not_after', 'text', column => column.notNull())
      .addColumn('der', octets, column => column.notNull())
      .addColumn('chain', octets, column => column.notNull())
      .addColumn('key_id', 'text')
      .addColumn('created_at', 'text', column => column.notNull())
      .addColumn('revoked_at', 'text')
      .addColumn('revocation_reason', 'text'),
    schema.createIndex('certificate_id').unique().on('certificate').columns(['tenant', 'id']),
    schema.createIndex('certificate_object').on('certificate').columns(['tenant', 'object_id']),
    schema.createIndex('certificate_serial').on('certificate').columns(['tenant', 'serial']),
    // RFC 5280 §4.1.2.2: a serial is unique per issuer. Foreign issuers share '' here, so they are left out.
    schema
      .createIndex('certificate_issuer_serial')
      .unique()
      .on('certificate')
      .columns(['tenant', 'issuer_id', 'serial'])
      .where(sql<SqlBool>`issuer_id <> ''`),
    schema
      .createIndex('certificate_revoked')
      .on('certificate')
      .columns(['tenant', 'issuer_id'])
      .where(sql<SqlBool>`revoked_at is not null`),
    schema
      .createIndex('certificate_key')
      .on('certificate')
      .columns(['tenant', 'key_id'])
      .where(sql<SqlBool>`key_id is not null`),

    schema
      .createTable('data_key')
      .addColumn('tenant', 'text', column => column.notNull())
      .addColumn('version', 'integer', column => column.notNull())
      .addColumn('master_key_id', 'text', column => column.notNull())
      .addColumn('wrapped', octets, column => column.notNull())
      .addColumn('created_at', 'text', column => column.notNull())
      .addPrimaryKeyConstraint('data_key_version', ['tenant', 'version']),

    // The foreign key is what keeps a late writer from sealing under a key that a rotation has just removed.
    schema
      .createTable('sealed')
      .addColumn('tenant', 'text', column => column.notNull())
      .addColumn('id', 'text', column => column.notNull())
      .addColumn('key_version', 'integer', column => column.notNull())
      .addColumn('nonce', octets, column => column.notNull())
      .addColumn('ciphertext', octets, column => column.notNull())
      .addPrimaryKeyConstraint('sealed_id', ['tenant', 'id'])
      .addForeignKeyConstraint('sealed_data_key', ['tenant', 'key_version'], 'data_key', ['tenant', 'version']),

    schema
      .createTable('operation')
      .addColumn('seq', sequence, column => column.primaryKey())
      .addColumn('tenant', 'text', column => column.notNull())
      .addColumn('id', 'text', column => column.notNull())
      .addColumn('address', 'text', column => column.notNull())
      .addColumn('action', 'text', column => column.notNull())
      .addColumn('input_hash', 'text', column => column.notNull())
      .addColumn('attempt', 'integer', column => column.notNull())
      .addColumn('epoch', 'integer', column => column.notNull())
      .addColumn('started_at', 'text', column => column.notNull())
      .addColumn('outcome', 'text'),
    schema.createIndex('operation_id').unique().on('operation').columns(['tenant', 'id']),
    schema.createIndex('operation_open').on('operation').columns(['tenant']).where(sql<SqlBool>`outcome is null`),

    schema
      .createTable('step')
      .addColumn('seq', sequence, column => column.primaryKey())
      .addColumn('tenant', 'text', column => column.notNull())
      .addColumn('operation_id', 'text', column => column.notNull())
      .addColumn('step', 'text', column => column.notNull())
      .addColumn('state', 'text', column => column.notNull())
      .addColumn('data', 'text', column => column.notNull())
      .addColumn('sealed', 'text', column => column.notNull())
      .addColumn('at', 'text', column => column.notNull()),
    schema.createIndex('step_name').unique().on('step').columns(['tenant', 'operation_id', 'step']),

    schema
      .createTable('lease')
      .addColumn('tenant', 'text', column => column.notNull())
      .addColumn('name', 'text', column => column.notNull())
      .addColumn('epoch', 'integer', column => column.notNull())
      .addColumn('holder', 'text')
      .addColumn('expires_at', 'text', column => column.notNull())
      .addColumn('since', 'text', column => column.notNull())
      .addPrimaryKeyConstraint('lease_name', ['tenant', 'name']),
  ],
}
