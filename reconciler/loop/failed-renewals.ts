import { EngineError, type JsonObject, type Mutation, type Random, type StateStore } from '../../engine/index.ts'
import { fraction } from './backoff.ts'

/** What is known of a certificate whose renewal is due and fails: a record, so that no restart begins afresh. */
export interface FailedRenewal {
  readonly address: string
  /** Of the resource, as it was tried; another revision is another story. */
  readonly revision: number
  /** Attempts that failed, in a row. */
  readonly failures: number
  /** `code: message` of the last attempt; never a secret. */
  readonly reason: string
  /** ISO instants. */
  readonly failingSince: string
  readonly nextAttempt: string
  readonly notAfter: string
}

const collection = 'renewal'

const minute = 60_000
const hour = 60 * minute
const first = 5 * minute
const longest = 6 * hour

/** What is to be remembered of an attempt. */
export interface Attempt {
  readonly address: string
  readonly revision: number
  readonly notAfter: string
  readonly error: unknown
}

/**
 * After an attempt failed: again in five minutes, doubled up to six hours, but at least ten times within what is left
 * of the certificate, and not before what the other side asked for. A CA counts failures against its limits (Let's
 * Encrypt: five an hour for a name), and whoever failed together must not come back together.
 */
export function failedAgain(
  before: FailedRenewal | undefined,
  { address, revision, notAfter, error }: Attempt,
  now: Date,
  random: Random,
): FailedRenewal {
  const known = before?.revision === revision ? before : undefined
  const failures = (known?.failures ?? 0) + 1
  const doubled = Math.min(longest, first * 2 ** Math.min(failures - 1, 20))
  const left = Date.parse(notAfter) - now.getTime()
  const within = left > 0 ? Math.max(minute, Math.min(doubled, left / 10)) : doubled
  const asked = error instanceof EngineError ? (error.retryAfter ?? 0) * 1000 : 0
  const wait = Math.max(asked, within) * (1 + fraction(random) / 5)
  return {
    ...{ address, revision, failures, notAfter },
    reason: reasonOf(error),
    failingSince: known?.failingSince ?? now.toISOString(),
    nextAttempt: new Date(now.getTime() + Math.round(wait)).toISOString(),
  }
}

/** By address. */
export async function failedRenewals(store: StateStore, tenant: string): Promise<ReadonlyMap<string, FailedRenewal>> {
  const records = await store.records(tenant, { collection })
  return new Map(records.map(({ id, data }) => [id, failedRenewal(data)]))
}

export function putFailedRenewal(failed: FailedRenewal): Mutation {
  const data: JsonObject = { ...failed }
  return { type: 'put-record', record: { collection, id: failed.address, data }, expectedVersion: 'any' }
}

export function forgetFailedRenewal(address: string): Mutation {
  return { type: 'delete-record', collection, id: address }
}

/** What people are told of a failure. The words of a bug may hold anything. */
export function reasonOf(error: unknown): string {
  return error instanceof EngineError ? `${error.code}: ${error.message}` : 'internal error'
}

function failedRenewal(data: JsonObject): FailedRenewal {
  return data as unknown as FailedRenewal // only written through the type
}
