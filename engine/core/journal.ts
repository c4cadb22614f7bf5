import type { JsonObject } from './json.ts'
import type { JournalStep } from './resource.ts'
import type { Secret } from './secret.ts'

/**
 * Durable memory of one operation. Steps of an interrupted earlier attempt with equal inputs are there from the
 * start, so that the same order, key and TXT records are adopted.
 */
export interface OperationJournal {
  /** What this attempt or an earlier one wrote under that name; `intend` overwrites it. */
  recall(step: string): JournalStep | undefined
  steps(): readonly JournalStep[]
  /** Durable when it resolves; call before the effect. Secrets are sealed. */
  intend(step: string, data: JsonObject, secrets?: Readonly<Record<string, Secret<Uint8Array>>>): Promise<void>
  /** Durable when it resolves; call after the effect. `data` is merged over the intended data. */
  complete(step: string, data?: JsonObject): Promise<void>
  /** Facts that are to be audited under that action; durable when it resolves. */
  note?(action: 'acme_challenge_complete', facts: readonly JsonObject[]): Promise<void>
  /** Opens a secret that an earlier `intend` sealed. */
  secret(step: string, name: string): Promise<Secret<Uint8Array> | undefined>
}
