import { type Clock, EngineError, type Http, HttpFailure, visible } from '../../engine/index.ts'
import type { Answers } from './answers.ts'

export interface TransportOptions {
  readonly http: Http
  readonly clock: Clock
  /** Words for errors: `GitHub at api.github.com`. */
  readonly forge: string
  /** Never printed; whatever a forge answers is searched for it. */
  readonly token: string
  /** Seconds that a request waits by itself when it is told to slow down; longer waits are the caller's. Default 5. */
  readonly patience?: number
  /** Shared by the transports of a service; without it every answer is asked for in full. */
  readonly answers?: Answers<ForgeResponse>
}

export interface ForgeRequest {
  readonly method: string
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface ForgeResponse {
  readonly status: number
  /** Lower-case names; repeated headers joined as RFC 9110 §5.3 allows. */
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

/**
 * Exchanges with a forge, with the same errors for each of them. Statuses that mean something to one endpoint (404,
 * 409, 422) are answered; everything else that is no success is thrown.
 */
export interface Transport {
  request(request: ForgeRequest): Promise<ForgeResponse>
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
const answered: ReadonlySet<number> = new Set([404, 405, 409, 410, 422])
const tries = 3

export function createTransport(options: TransportOptions): Transport {
  const { http, clock, forge, token, patience = 5, answers } = options

  async function exchange({ method, url, headers = {}, body }: ForgeRequest): Promise<ForgeResponse> {
    const known = methods.find(name => name === method.toUpperCase())
    if (known === undefined) throw new Error(`no forge is asked with ${method}`)
    try {
      const response = await http.request({ method: known, url, headers, ...(body !== undefined && { body }) })
      const text = Buffer.from(response.body).toString('utf8')
      return { status: response.status, headers: joined(response.headers), text }
    } catch (error) {
      throw unreachable(forge, error)
    }
  }

  /** Asks whether an answer that we have still holds: at GitHub that is free. */
  async function ask(request: ForgeRequest): Promise<ForgeResponse> {
    const { method, url, headers = {} } = request
    if (!answers || method.toUpperCase() !== 'GET') return exchange(request)
    const known = answers.get(url, headers)
    if (!known) return remember(request, await exchange(request))
    const response = await exchange({ ...request, headers: { ...headers, 'if-none-match': known.etag } })
    return response.status === 304 ? known.answer : remember(request, response)
  }

  function remember({ url, headers = {} }: ForgeRequest, response: ForgeResponse): ForgeResponse {
    const { etag } = response.headers
    if (response.status === 200 && etag !== undefined) answers?.put(url, headers, etag, response)
    return response
  }

  return {
    async request(request) {
      for (let attempt = 1; ; attempt++) {
        const response = await ask(request)
        if (response.status < 300 || response.status === 304 || answered.has(response.status)) return response
        const wait = rateLimit(response, clock.now())
        if (wait === undefined) throw refusal(forge, response, token)
        // A request that was refused for its rate did nothing, so even a POST may be sent again.
        if (wait > patience || attempt === tries) throw limited(forge, wait)
        await clock.sleep(wait * 1000)
      }
    },
  }
}

/** A `fetch` for the SDKs, so that their requests take the engine's way out and its egress guard. */
export function fetchOver(transport: Transport): typeof fetch {
  return async (input, init) => {
    const headers = Object.fromEntries(new Headers(init?.headers))
    const body = init?.body
    if (body !== undefined && body !== null && typeof body !== 'string')
      throw new Error('only texts are sent to forges')
    const response = await transport.request({
      method: init?.method ?? 'GET',
      url: String(input),
      headers,
      ...(typeof body === 'string' && { body }),
    })
    const bodiless = response.status === 204 || response.status === 304
    return new Response(bodiless ? null : response.text, { status: response.status, headers: { ...response.headers } })
  }
}

/**
 * Seconds until another request can help; undefined when the status is no rate limit. GitHub answers its secondary
 * limits with 403 and a Retry-After or words, its primary one with an exhausted `x-ratelimit-remaining`.
 */
function rateLimit({ status, headers, text }: ForgeResponse, now: Date): number | undefined {
  if (status !== 429 && status !== 403 && status !== 503) return undefined
  const told = retryAfter(headers['retry-after'], now)
  const exhausted = headers['x-ratelimit-remaining'] === '0'
  if (status === 503) return told
  if (status === 403 && told === undefined && !exhausted && !/secondary rate limit/i.test(text)) return undefined
  if (told !== undefined) return told
  const reset = Number(headers['x-ratelimit-reset'] ?? headers['ratelimit-reset'])
  if (Number.isFinite(reset) && reset > 0) return Math.max(1, Math.ceil(reset - now.getTime() / 1000))
  // What GitHub's documentation asks for where it names no time.
  return 60
}

/** RFC 9110 §10.2.3: seconds or a date. */
function retryAfter(value: string | undefined, now: Date): number | undefined {
  if (value === undefined) return undefined
  if (/^\d+$/.test(value.trim())) return Number(value)
  const at = Date.parse(value)
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - now.getTime()) / 1000))
}

function joined(headers: Readonly<Record<string, string | readonly string[] | undefined>>): Record<string, string> {
  const entries = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name.toLowerCase(), typeof value === 'string' ? value : value.join(', ')]],
  )
  return Object.fromEntries(entries)
}

function limited(forge: string, wait: number): EngineError {
  return new EngineError('backend_rate_limited', `${forge} asks for fewer requests`, {
    remedy: `wait ${wait} seconds; webhooks and a longer interval need fewer requests than polling`,
    retryAfter: wait,
  })
}

function refusal(forge: string, { status, headers, text }: ForgeResponse, token: string): EngineError {
  const words = wordsOf(text, token)
  const said = words === '' ? '' : `: ${words}`
  if (status === 401) {
    return new EngineError('forge_unauthorized', `${forge} does not accept the token${said}`, {
      remedy: 'give the forge a token that is valid and not expired',
      details: { status },
    })
  }
  if (status === 403) {
    return new EngineError('forge_unauthorized', `${forge} does not let the token do this${said}`, {
      remedy: 'give the token the permissions that docs/ci.md lists',
      details: { status },
    })
  }
  if (status >= 300 && status < 400) {
    return new EngineError('forge_failed', `${forge} has moved to ${visible(headers.location ?? 'another address')}`, {
      remedy: 'name the repository and the URL of the forge as they are now',
      details: { status },
    })
  }
  return new EngineError('forge_failed', `${forge} answered ${status}${said}`, {
    remedy: status >= 500 ? 'try again later' : 'look at the message of the forge',
    details: { status },
  })
}

/** What a forge said, short, on one line, without our token. */
export function wordsOf(text: string, token: string): string {
  let words = text
  try {
    const json: unknown = JSON.parse(text)
    const told = typeof json === 'object' && json !== null ? Object.entries(json) : []
    const found = told.find(([name, value]) => ['message', 'error'].includes(name) && typeof value === 'string')
    words = found ? String(found[1]) : told.length > 0 ? JSON.stringify(json) : text
  } catch {
    // A page of a proxy says nothing to a person.
    if (text.trimStart().startsWith('<')) return ''
  }
  const hidden = token === '' ? words : words.replaceAll(token, '(token)')
  return visible(hidden.replaceAll(/\s+/g, ' ').trim()).slice(0, 200)
}

/** An `EngineError` inside is told as it is: the egress guard's refusal says more than that nothing was reached. */
function unreachable(forge: string, error: unknown): unknown {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof EngineError) return cause
  }
  if (!(error instanceof HttpFailure)) return error
  if (error.reason === 'aborted') return new EngineError('interrupted', `the request to ${forge} was interrupted`)
  const remedy =
    error.reason === 'untrusted'
      ? "add the forge's CA to NODE_EXTRA_CA_CERTS"
      : 'check the URL of the forge and the network between'
  return new EngineError('forge_failed', `${forge} gave no answer: ${error.message}`, { remedy, cause: error })
}
