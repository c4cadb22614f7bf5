/**
 * What the outside world looks like to code that must stay testable: time, randomness, effects and their trace.
 * The composition root (`engine/index.ts`) supplies the real ones.
 */

export interface Clock {
  now(): Date
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export interface Random {
  /** `length` octets from a cryptographic source. */
  bytes(length: number): Uint8Array
}

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

/** Structured log; fields never hold secrets. */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
}

/**
 * Every effect outside the process and every durable step runs inside a span. Progress displays and tracing listen
 * to it; the crash tests stop the process at its borders. Names are `area.verb`: `acme.new_order`, `dns.present`,
 * `journal.order`.
 */
export interface Trace {
  span<T>(name: string, attributes: LogFields, work: () => Promise<T>): Promise<T>
}

/** One HTTP exchange, bounded in time and size; redirects are not followed. */
export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** PEM roots trusted for this exchange instead of the system's. */
  readonly trustedRoots?: readonly string[]
  /** Milliseconds for the whole exchange; default 30,000. */
  readonly timeout?: number
  readonly signal?: AbortSignal
}

export interface HttpResponse {
  readonly status: number
  /** Lower-case names; repeated headers as an array. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: Uint8Array
}

/**
 * Rejects with `HttpFailure`; the caller maps its `reason` to an error of its own area. Any status is a response.
 */
export interface Http {
  request(request: HttpRequest): Promise<HttpResponse>
}

/** Why an HTTP exchange gave no response; `refused` by the egress guard, whose error is the `cause` (`refusalIn`). */
export class HttpFailure extends Error {
  override readonly name = 'HttpFailure'
  readonly reason: 'unreachable' | 'refused' | 'untrusted' | 'timeout' | 'too_large' | 'aborted'

  constructor(reason: HttpFailure['reason'], message: string, cause?: unknown) {
    super(message, { cause })
    this.reason = reason
  }
}
