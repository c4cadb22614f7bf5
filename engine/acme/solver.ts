import type { Trace } from '../core/ports.ts'
import type { Identifier } from './identifier.ts'

/** A challenge that waits for its answer. */
export interface PendingChallenge {
  readonly identifier: Identifier
  /** The name as ordered, for messages: with `*.` for a wildcard. */
  readonly name: string
  readonly token: string
  readonly keyAuthorization: string
  readonly authorizationUrl: string
}

/** On whose behalf a solver acts. Cleaning up has a signal of its own: it happens also when the operation is aborted. */
export interface SolverScope {
  readonly trace: Trace
  readonly signal?: AbortSignal
}

/**
 * Answers challenges of one type for one operation. All answers of an order are presented before any is asked for:
 * two names can share one TXT RRset, and a resolver that saw only the first would keep it for a whole TTL.
 */
export interface ChallengeSolver {
  /** RFC 8555 §8 name: `dns-01`, `http-01`, `tls-alpn-01`. */
  readonly type: string
  /** Puts the answer in place; idempotent. What it leaves outside is in the journal before. */
  present(challenge: PendingChallenge, scope: SolverScope): Promise<void>
  /** Resolves when the CA can see all of them. */
  awaitReady(challenges: readonly PendingChallenge[], scope: SolverScope): Promise<void>
  /** Removes every answer of this operation, also what earlier attempts left; idempotent. */
  cleanup(scope: SolverScope): Promise<void>
}
