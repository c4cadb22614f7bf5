import { type ErrorCode, type ErrorFacts, errorCatalogue } from './error-catalogue.ts'
import type { JsonObject } from './json.ts'

/** Where in a file something stands. `line` and `column` count from 1, in Unicode code units. */
export interface Position {
  readonly file: string
  readonly line: number
  readonly column: number
  /** The offending source line and the length of the marked part, for the code frame. */
  readonly sourceLine?: string
  readonly length?: number
}

/** What is told of a failure or a warning, whatever presents it (terminal, problem JSON, SARIF, comment). */
export interface Diagnostic {
  readonly severity: 'error' | 'warning'
  readonly code: ErrorCode
  /** One lower-case sentence without a full stop: what happened. Never holds a secret. */
  readonly message: string
  /** One imperative sentence: what to do about it. */
  readonly remedy?: string
  readonly address?: string
  readonly position?: Position
  /** Seconds until a retry can help, where the other side told us. */
  readonly retryAfter?: number
  /** Facts for machines: upstream status, problem type, names. Never a secret. */
  readonly details?: JsonObject
}

export interface ErrorOptions {
  readonly remedy?: string | undefined
  readonly address?: string | undefined
  readonly position?: Position | undefined
  readonly retryAfter?: number | undefined
  readonly details?: JsonObject | undefined
  readonly cause?: unknown
}

/**
 * A failure that a person is meant to read: a stable code, what happened, one remedy, where, and the cause.
 * A bug is a plain `Error` instead.
 */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly code: ErrorCode
  readonly remedy: string | undefined
  readonly address: string | undefined
  readonly position: Position | undefined
  readonly retryAfter: number | undefined
  readonly details: JsonObject | undefined

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.remedy = options.remedy
    this.address = options.address
    this.position = options.position
    this.retryAfter = options.retryAfter
    this.details = options.details
  }

  get facts(): ErrorFacts {
    return errorCatalogue[this.code]
  }

  toDiagnostic(): Diagnostic {
    return {
      severity: 'error',
      code: this.code,
      message: this.message,
      ...(this.remedy !== undefined && { remedy: this.remedy }),
      ...(this.address !== undefined && { address: this.address }),
      ...(this.position !== undefined && { position: this.position }),
      ...(this.retryAfter !== undefined && { retryAfter: this.retryAfter }),
      ...(this.details !== undefined && { details: this.details }),
    }
  }
}

/** Several failures reported together, never only the last one. */
export class DiagnosticsError extends Error {
  override readonly name = 'DiagnosticsError'
  readonly diagnostics: readonly Diagnostic[]

  constructor(diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map(d => d.message).join('; '))
    this.diagnostics = diagnostics
  }
}
