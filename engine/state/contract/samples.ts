import { expect } from 'vitest'
import type { Address } from '../../core/address.ts'
import type { ErrorCode } from '../../core/error-catalogue.ts'
import type { CertificateRow, JournalStep } from '../../core/resource.ts'
import type { SealedRow, WrappedKey } from '../../core/sealed.ts'
import type { JobDraft, LogDraft, LogEntry, RecordDraft } from '../records.ts'
import type { Committed, Lease, LeaseHolder, Mutation, OpenOperation, ResourceDraft, StateStore } from '../store.ts'

/** What a store's test hands to the contract. */
export interface StoreUnderTest {
  /** A new, empty store. */
  readonly open: () => Promise<StateStore>
  /** Another connection to the data of a store that may still be open. */
  readonly again: (store: StateStore) => Promise<StateStore>
}

export const tenant = 'acme'
export const at = '2026-11-02T08:00:00.000Z'
export const later = '2026-11-03T08:00:00.000Z'

export function commit(
  store: StateStore,
  mutations: readonly Mutation[],
  options: { tenant?: string; lease?: Lease; at?: string; actor?: string } = {},
): Promise<Committed> {
  return store.commit(options.tenant ?? tenant, {
    mutations,
    actor: options.actor ?? 'test',
    at: options.at ?? at,
    ...(options.lease && { lease: options.lease }),
  })
}

/** The code of the error with which it fails. */
export async function codeOf(work: Promise<unknown>): Promise<ErrorCode | 'no error'> {
  const failure = await work.then(
    () => undefined,
    error => error,
  )
  if (failure === undefined) return 'no error'
  expect(failure).toHaveProperty('code')
  return failure.code
}

export function draft(address: Address, changed: Partial<ResourceDraft> = {}): ResourceDraft {
  const [kind = '', name = ''] = address.split('/')
  return {
    address,
    kind,
    name,
    id: `id_${name}`,
    owner: 'cli',
    spec: { commonName: `${name}.acme.example`, nested: { list: [1, true, null, 'ü'] } },
    labels: { team: 'platform' },
    lifecycle: { protect: true },
    status: { serial: '0A' },
    dependsOn: [],
    createdAt: at,
    updatedAt: at,
    ...changed,
  }
}

export const put = (resource: ResourceDraft, expectedRevision: number | null = null): Mutation => ({
  type: 'put-resource',
  resource,
  expectedRevision,
})

export const remove = (address: Address, expectedRevision: number): Mutation => ({
  type: 'delete-resource',
  address,
  expectedRevision,
})

export function certificate(id: string, changed: Partial<CertificateRow> = {}): CertificateRow {
  return {
    id,
    objectId: 'cert_1',
    issuerId: 'ca_1',
    serial: Buffer.from(id).toString('hex').toUpperCase(),
    notBefore: at,
    notAfter: later,
    der: Uint8Array.of(0x30, 0x00, 0xff),
    chain: [],
    createdAt: at,
    ...changed,
  }
}

export const add = (row: CertificateRow): Mutation => ({ type: 'add-certificate', certificate: row })

export const dataKey = (version: number, masterKeyId = 'm1'): WrappedKey => ({
  version,
  masterKeyId,
  wrapped: Uint8Array.of(version, 1, 2),
  createdAt: at,
})

export const sealedRow = (id: string, keyVersion = 1, octet = 7): SealedRow => ({
  id,
  keyVersion,
  nonce: new Uint8Array(12).fill(octet),
  ciphertext: Uint8Array.of(octet, 0, 255),
})

export const putKey = (version: number): Mutation => ({ type: 'put-data-key', key: dataKey(version) })
export const putSealed = (row: SealedRow): Mutation => ({ type: 'put-sealed', row })

export const operation = (id: string, changed: Partial<OpenOperation> = {}): Mutation => ({
  type: 'begin-operation',
  operation: {
    id,
    address: 'Certificate/edge',
    action: 'create',
    inputHash: 'h1',
    attempt: 1,
    epoch: 1,
    startedAt: at,
    ...changed,
  },
})

export const step = (operationId: string, name: string, changed: Partial<JournalStep> = {}): Mutation => ({
  type: 'put-step',
  operationId,
  step: { step: name, state: 'intended', data: {}, sealed: {}, at, ...changed },
})

export const holder = (pid: number): LeaseHolder => ({ host: 'h', pid, startedAt: `s${pid}`, operation: 'apply' })

export const record = (
  id: string,
  changed: Partial<RecordDraft> = {},
  expectedVersion: number | null | 'any' = null,
): Mutation => ({
  type: 'put-record',
  record: {
    collection: 'source',
    id,
    data: { url: 'https://git.example', nested: { list: [1, null, 'ü'] } },
    ...changed,
  },
  expectedVersion,
})

export const entry = (log: LogEntry['log'], changed: Partial<LogDraft> = {}): Mutation => ({
  type: 'append-log',
  entry: { log, at, type: `${log}_type`, actor: 'ann', subject: 'Role/web', data: { note: 'Zürich' }, ...changed },
})

export const job = (id: string, changed: Partial<JobDraft> = {}, yields = false): Mutation => ({
  type: 'enqueue-job',
  job: { id, queue: 'work', key: '', payload: { id }, runAt: at, maxAttempts: 3, ...changed },
  yields,
})

/** Takes a lease that must be free. */
export async function take(store: StateStore, pid: number, now: Date, ttlMs = 1000, ofTenant = tenant): Promise<Lease> {
  const answer = await store.acquireLease(ofTenant, { name: 'apply', holder: holder(pid), ttlMs, now })
  if (!('acquired' in answer)) throw new Error(`held by ${answer.heldBy.holder.pid}`)
  return answer.acquired
}

/** Octets compare by value, whatever typed array a store returns. */
export const plain = <T>(value: T): unknown =>
  JSON.parse(JSON.stringify(value, (_key, field) => (field instanceof Uint8Array ? Array.from(field) : field)))
