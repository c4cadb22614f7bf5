import { refusalIn } from '../core/egress.ts'
import { EngineError } from '../core/errors.ts'
import { type Clock, type Http, HttpFailure, type HttpRequest } from '../core/ports.ts'
import type { Answer } from './answer.ts'
import { parseRetryAfter } from './retry-after.ts'

export interface TransportOptions {
  readonly http: Http
  readonly clock: Clock
  /** PEM roots of the CA's own TLS certificate, instead of the system's. */
  readonly trustedRoots?: readonly string[]
  /** Milliseconds for one exchange; default 30,000. */
  readonly timeout?: number
}

export interface TransportRequest extends Pick<HttpRequest, 'method' | 'url' | 'headers' | 'body' | 'signal'> {
  /** The request changes nothing, so a broken connection is worth a second attempt. */
  readonly repeatable: boolean
}

/** Attempts of one request that the server could not answer (5xx) or that did not reach it. */
const maximumAttempts = 4
/** Longest wait within a request; a server that asks for more gets its wish by rescheduling the operation. */
const longestPause = 30

/** One exchange with the server. Throws `acme_unreachable`, `acme_untrusted`, `acme_malformed`, `egress_refused` or `interrupted`. */
export async function exchange(options: TransportOptions, request: TransportRequest): Promise<Answer> {
  const { repeatable, ...rest } = request
  for (let attempt = 1; ; attempt++) {
    try {
      const response = await options.http.request({
        ...rest,
        ...(options.trustedRoots !== undefined && { trustedRoots: options.trustedRoots }),
        ...(options.timeout !== undefined && { timeout: options.timeout }),
      })
      return answerOf(request.url, response)
    } catch (error) {
      if (!(error instanceof HttpFailure)) throw error
      if (error.reason !== 'unreachable' || !repeatable || attempt >= 3) throw refusalIn(error) ?? transportError(error)
      await options.clock.sleep(pause(attempt), request.signal)
    }
  }
}

/**
 * Milliseconds before the next attempt of a request that got a 5xx, or undefined when another makes no sense: the
 * attempts are used up, or the server asks for more patience than a request has.
 */
export function pauseAfter(answer: Answer, attempt: number, now: Date): number | undefined {
  // 501 and 505 say that it will never work.
  if (answer.status < 500 || answer.status === 501 || answer.status === 505 || attempt >= maximumAttempts)
    return undefined
  const asked = parseRetryAfter(answer.header('retry-after'), now)
  if (asked === undefined) return pause(attempt)
  return asked > longestPause ? undefined : Math.max(asked * 1000, 250)
}

/** 0.5 s, 1 s, 2 s. */
function pause(attempt: number): number {
  return 250 * 2 ** attempt
}

function answerOf(url: string, response: Awaited<ReturnType<Http['request']>>): Answer {
  const all = (name: string): readonly string[] => {
    const value = response.headers[name]
    return value === undefined ? [] : typeof value === 'string' ? [value] : value
  }
  return { url, status: response.status, body: response.body, headers: all, header: name => all(name)[0] }
}

function transportError(failure: HttpFailure): EngineError {
  switch (failure.reason) {
    case 'untrusted':
      return new EngineError('acme_untrusted', failure.message, {
        remedy: "set trustedRoots to the CA's root certificate, or correct the directory URL",
        cause: failure,
      })
    case 'too_large':
      return new EngineError('acme_malformed', failure.message, {
        remedy: 'check that the directory URL is an ACME server',
        cause: failure,
      })
    case 'aborted':
      return new EngineError('interrupted', failure.message, {
        remedy: 'apply again: it goes on from here',
        cause: failure,
      })
    case 'refused':
    case 'timeout':
    case 'unreachable':
      return new EngineError('acme_unreachable', failure.message, {
        remedy: 'check the network and the directory URL, then apply again',
        details: { reason: failure.reason },
        cause: failure,
      })
  }
}
