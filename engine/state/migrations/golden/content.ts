import type { Commit, LeaseRequest } from '../../store.ts'

/** What golden databases hold: one row of each sort that their version knows. */
export const goldenTenant = 'acme'

const at = '2026-11-02T08:00:00.000Z'
const web = {
  address: 'Role/web',
  kind: 'Role',
  name: 'web',
  id: 'role_1',
  owner: 'git:infra',
  spec: { ca: 'corp', allowedDomains: ['acme.example'] },
  labels: { team: 'platform' },
  lifecycle: { protect: true },
  status: { note: 'Zürich' },
  dependsOn: [],
  createdAt: at,
  updatedAt: at,
} as const

const declaredAndInventory: readonly Commit[] = [
  {
    actor: 'ann',
    at,
    mutations: [
      { type: 'put-resource', resource: web, expectedRevision: null },
      { type: 'put-data-key', key: { version: 1, masterKeyId: 'm1', wrapped: Uint8Array.of(1, 2, 3), createdAt: at } },
      {
        type: 'put-sealed',
        row: { id: 'key_1', keyVersion: 1, nonce: new Uint8Array(12).fill(9), ciphertext: Uint8Array.of(0, 255) },
      },
      {
        type: 'add-certificate',
        certificate: {
          id: 'crt_1',
          objectId: 'cert_1',
          issuerId: 'ca_1',
          serial: '0A1B',
          notBefore: at,
          notAfter: '2027-01-31T08:00:00.000Z',
          der: Uint8Array.of(0x30, 0x00),
          chain: [Uint8Array.of(0x30, 0x01, 0x00)],
          keyId: 'key_1',
          createdAt: at,
        },
      },
      { type: 'revoke-certificate', id: 'crt_1', at, reason: 'superseded' },
      {
        type: 'begin-operation',
        operation: {
          id: 'op_1',
          address: 'Certificate/edge',
          action: 'create',
          inputHash: 'h',
          attempt: 1,
          epoch: 1,
          startedAt: at,
        },
      },
      {
        type: 'put-step',
        operationId: 'op_1',
        step: { step: 'order', state: 'intended', data: { url: 'https://ca.example/1' }, sealed: { key: 'key_1' }, at },
      },
    ],
  },
  {
    actor: 'ann',
    at,
    mutations: [
      { type: 'put-resource', resource: { ...web, owner: 'cli' }, expectedRevision: 1 },
      { type: 'put-resource', resource: { ...web, address: 'Role/old', name: 'old' }, expectedRevision: null },
    ],
  },
  { actor: 'bob', at, mutations: [{ type: 'delete-resource', address: 'Role/old', expectedRevision: 2 }] },
]

const recordsLogsAndJobs: Commit = {
  actor: 'ann',
  at,
  mutations: [
    {
      type: 'put-record',
      record: { collection: 'source', id: 'src_1', name: 'infra', parent: 'group_1', data: { branch: 'main' } },
      expectedVersion: null,
    },
    {
      type: 'put-record',
      record: { collection: 'source', id: 'src_1', name: 'infra', parent: 'group_1', data: { branch: 'prod' } },
      expectedVersion: 1,
    },
    ...['one', 'two'].map(
      subject =>
        ({
          type: 'append-log',
          entry: { log: 'audit', at, type: 'source_create', actor: 'ann', subject, data: { note: 'Zürich' } },
        }) as const,
    ),
    {
      type: 'append-log',
      entry: { log: 'event', at, type: 'source.ready', actor: 'git:infra', subject: 'src_1', data: {} },
    },
    {
      type: 'enqueue-job',
      job: {
        id: 'job_1',
        queue: 'reconcile',
        key: 'src_1',
        payload: { source: 'src_1' },
        runAt: at,
        maxAttempts: 5,
        singleton: 'src_1',
      },
    },
  ],
}

/** What a database of that version was filled with; an older one has nothing of what came later. */
export function goldenCommits(version: number): readonly Commit[] {
  return version < 2 ? declaredAndInventory : [...declaredAndInventory, recordsLogsAndJobs]
}

export const goldenLease: LeaseRequest = {
  name: 'apply',
  holder: { host: 'h', pid: 1, startedAt: 's', operation: 'apply' },
  ttlMs: 15_000,
  now: new Date(at),
}
