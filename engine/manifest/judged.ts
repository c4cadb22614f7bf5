import type { Diagnostic } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import type { Pointer } from '../core/resource.ts'

/** What is said of one field that is not as it should be. */
export interface ProblemFacts {
  readonly code: Diagnostic['code']
  /** Follows the name of what is judged. */
  readonly message: string
  readonly remedy?: string
  readonly part?: 'key' | 'value'
  readonly severity?: Diagnostic['severity']
}

/** A document that a schema was held against, able to say where its fields stand. */
export interface Judged {
  readonly value: JsonObject
  problemAt(pointer: Pointer, facts: ProblemFacts): Diagnostic
  isConfidential(tokens: readonly string[]): boolean
}
