import { refusalIn } from '../../../core/egress.ts'
import { EngineError } from '../../../core/errors.ts'
import { isJsonObject, type Json } from '../../../core/json.ts'
import { type Clock, type Http, HttpFailure, type HttpRequest, type HttpResponse } from '../../../core/ports.ts'
import type { Secret } from '../../../core/secret.ts'

export interface ApiOptions {
  readonly http: Http
  readonly clock: Clock
  readonly url: string
  readonly serverId: string
  readonly key: Secret
  readonly signal?: AbortSignal | undefined
}

/** An answer that is not a success, still with its status: some statuses mean something to the caller. */
export class ApiRefusal extends EngineError {
  readonly status: number
  /** The upstream's own words. */
  readonly words: string

  constructor(
    code: EngineError['code'],
    status: number,
    words: string,
    context: { remedy: string; retryAfter?: number | undefined },
  ) {
    super(code, `PowerDNS answered ${status}: ${words}`, { ...context, details: { status, upstream: words } })
    this.status = status
    this.words = words
  }
}

export interface Api {
  /** `path` starts below `/servers/{id}`. Gives the JSON body, or null where there is none. */
  call(method: HttpRequest['method'], path: string, body?: Json): Promise<Json>
}

/**
 * One request to the HTTP API. Errors: `dns_unauthorized`, `dns_zone_not_found`, `backend_rate_limited`,
 * `dns_provider_failed`, `egress_refused`.
 */
export function createApi({ http, clock, url, serverId, key, signal }: ApiOptions): Api {
  const root = `${url.replace(/\/+$/, '').replace(/\/api(\/v1)?$/, '')}/api/v1/servers/${encodeURIComponent(serverId)}`
  return {
    async call(method, path, body) {
      let response: HttpResponse
      try {
        response = await http.request({
          method,
          url: `${root}${path}`,
          headers: {
            accept: 'application/json',
            'x-api-key': key.reveal(),
            ...(body !== undefined && { 'content-type': 'application/json' }),
          },
          ...(body !== undefined && { body: JSON.stringify(body) }),
          ...(signal && { signal }),
        })
      } catch (error) {
        throw refusalIn(error) ?? (error instanceof HttpFailure ? unreachable(url, error) : error)
      }
      const text = Buffer.from(response.body).toString('utf8')
      if (response.status < 200 || response.status > 299) throw refusal(response, text, clock.now())
      return text === '' ? null : parsed(text)
    },
  }
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json // as: JSON.parse gives JSON; each caller checks the shape it needs
  } catch (cause) {
    throw new EngineError('dns_provider_failed', 'the PowerDNS API answered something that is not JSON', {
      remedy: 'check that api_url is the address of the PowerDNS API',
      cause,
    })
  }
}

function unreachable(url: string, cause: HttpFailure): EngineError {
  return new EngineError('dns_provider_failed', `the PowerDNS API at ${new URL(url).origin} failed: ${cause.message}`, {
    remedy: 'check api_url and that the webserver of PowerDNS runs (webserver=yes, api=yes)',
    cause,
  })
}

/** Not every error is JSON: verified 2026-11 on 4.7, 401 is the text `Unauthorized`, 404 is `Not Found`. */
function refusal(response: HttpResponse, text: string, now: Date): ApiRefusal {
  const words = upstreamWords(text)
  switch (response.status) {
    case 401:
    case 403:
      return new ApiRefusal('dns_unauthorized', response.status, words, {
        remedy: 'check api_key against api-key= in pdns.conf',
      })
    case 404:
      return new ApiRefusal('dns_zone_not_found', 404, words, {
        remedy: 'check api_url, server_id and that the zone exists',
      })
    case 429: {
      const retryAfter = secondsUntil(response.headers['retry-after'], now)
      return new ApiRefusal('backend_rate_limited', 429, words, { remedy: 'try again later', retryAfter })
    }
    default:
      return new ApiRefusal('dns_provider_failed', response.status, words, { remedy: 'read the log of PowerDNS' })
  }
}

function upstreamWords(text: string): string {
  let words = text
  try {
    const body: unknown = JSON.parse(text)
    if (isJsonObject(body) && typeof body.error === 'string') words = body.error
  } catch {
    // Plain text, as said above.
  }
  return words.replace(/\s+/g, ' ').trim().slice(0, 300) || 'nothing'
}

/** RFC 9110 §10.2.3: seconds, or a date. */
function secondsUntil(header: string | readonly string[] | undefined, now: Date): number | undefined {
  if (typeof header !== 'string') return undefined
  if (/^\d+$/.test(header)) return Number(header)
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now.getTime()) / 1000))
}
