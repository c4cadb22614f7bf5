import type { JsonObject } from '../core/json.ts'
import type { JournalStep } from '../core/resource.ts'
import type { Secret } from '../core/secret.ts'

/**
 * The durable memory that issuing needs; `OperationJournal` of the kinds is one. `intend` overwrites a step of the
 * same name, `recall` and `steps` show what this and earlier attempts wrote.
 */
export interface IssuanceJournal {
  recall(step: string): JournalStep | undefined
  steps(): readonly JournalStep[]
  intend(step: string, data: JsonObject, secrets?: Readonly<Record<string, Secret<Uint8Array>>>): Promise<void>
  complete(step: string, data?: JsonObject): Promise<void>
  /** Facts that are to be audited under that action; durable when it resolves. */
  note?(action: 'acme_challenge_complete', facts: readonly JsonObject[]): Promise<void>
  secret(step: string, name: string): Promise<Secret<Uint8Array> | undefined>
}
