import type { Generated } from 'kysely'

/**
 * The tables as Kysely sees them; the migrations make them. Instants are ISO text, documents are JSON text, so that
 * every SQL store can share the shape. Each row belongs to one tenant and every key starts with it.
 */
export interface Tables {
  tenant: { name: string; lineage: string; serial: number }
  resource: { tenant: string; address: string; id: string; owner: string; revision: number; body: string }
  history: {
    seq: Generated<number>
    tenant: string
    serial: number
    address: string
    at: string
    actor: string
    before: string | null
    after: string | null
  }
  certificate: {
    seq: Generated<number>
    tenant: string
    id: string
    object_id: string
    issuer_id: string
    serial: string
    not_before: string
    not_after: string
    der: Uint8Array
    chain: Uint8Array
    key_id: string | null
    created_at: string
    revoked_at: string | null
    revocation_reason: string | null
  }
  data_key: { tenant: string; version: number; master_key_id: string; wrapped: Uint8Array; created_at: string }
  sealed: { tenant: string; id: string; key_version: number; nonce: Uint8Array; ciphertext: Uint8Array }
  operation: {
    seq: Generated<number>
    tenant: string
    id: string
    address: string
    action: string
    input_hash: string
    attempt: number
    epoch: number
    started_at: string
    /** Null while it is open. */
    outcome: string | null
  }
  step: {
    seq: Generated<number>
    tenant: string
    operation_id: string
    step: string
    state: string
    data: string
    sealed: string
    at: string
  }
  /** Outlives its holder, so that the epoch never goes back; `holder` is null while nobody has it. */
  lease: { tenant: string; name: string; epoch: number; holder: string | null; expires_at: string; since: string }
  record: {
    seq: Generated<number>
    tenant: string
    collection: string
    id: string
    name: string | null
    parent: string | null
    data: string
    version: number
    created_at: string
    updated_at: string
  }
  log_entry: {
    tenant: string
    log: string
    sequence: number
    at: string
    type: string
    actor: string
    subject: string
    data: string
    hash: string
  }
  /** The last entry of each log: what the next one continues, and what shows that the end was cut off. */
  log_head: { tenant: string; log: string; sequence: number; hash: string }
  job: {
    seq: Generated<number>
    tenant: string
    id: string
    queue: string
    key: string
    payload: string
    run_at: string
    max_attempts: number
    singleton: string | null
    state: string
    attempts: number
    last_error: string | null
    lease_until: string | null
  }
}
