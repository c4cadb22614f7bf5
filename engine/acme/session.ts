import { EngineError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import type { Clock, Log, Trace } from '../core/ports.ts'
import { type Answer, isServerUrl, malformed } from './answer.ts'
import { type Directory, readDirectory } from './directory.ts'
import { type SigningKey, signRequest } from './jws.ts'
import { createNoncePool, isNonce } from './nonces.ts'
import { errorOf, readProblem } from './problem.ts'
import { exchange, pauseAfter, type TransportOptions } from './transport.ts'

/** What one operation brings along; a server is shared by many. */
export interface OperationScope {
  readonly signal?: AbortSignal
  readonly trace: Trace
  readonly log: Log
}

export interface ServerOptions extends TransportOptions, OperationScope {
  readonly directoryUrl: string
}

/** An ACME server, before anyone signs in: its directory and what needs no account. */
export interface AcmeServer {
  readonly directoryUrl: string
  readonly clock: Clock
  readonly trace: Trace
  readonly log: Log
  readonly signal: AbortSignal | undefined
  /** Fetched once and kept for an hour. */
  directory(): Promise<Directory>
  /** Plain GET (directory, renewal information); any success. */
  get(url: string, accept?: string): Promise<Answer>
  /** Requests signed by a key; `kid` is its account's URL, else the public key itself is sent. */
  post(request: SignedPost): Promise<Answer>
  /** The same server (nonces, directory) on behalf of another operation. */
  within(scope: OperationScope): AcmeServer
}

export interface SignedPost {
  readonly key: SigningKey
  readonly kid?: string
  /** A URL, or a directory entry: then a directory that moved is read again once. */
  readonly to: string | { readonly entry: 'newAccount' | 'newOrder' | 'revokeCert' | 'keyChange' }
  /** '' is a POST-as-GET. A function gets the URL for JWSs within. */
  readonly payload: JsonObject | '' | ((url: string) => Promise<JsonObject>)
  readonly accept?: string
}

/** A server together with an account's key. */
export interface Session extends AcmeServer {
  readonly key: SigningKey
  within(scope: OperationScope): Session
}

/** A session that knows its account's URL; what every request but newAccount needs. */
export interface AccountSession extends Session {
  readonly accountUrl: string
  within(scope: OperationScope): AccountSession
}

/** A nonce is refused this often before we give up; at Pebble's 30 % the chance of that is 10⁻¹¹. */
const nonceAttempts = 20
const directoryLifetime = 3_600_000

/** Opens an ACME server. Nothing is fetched yet. Throws `acme_refused` for a directory URL that is not HTTPS. */
export function openServer(options: ServerOptions): AcmeServer {
  if (!isServerUrl(options.directoryUrl)) {
    throw new EngineError('acme_refused', `the directory URL "${options.directoryUrl}" is not an https URL`, {
      remedy: 'write the directory URL as the CA documents it, beginning with https://',
    })
  }
  const nonces = createNoncePool()
  const { clock, directoryUrl } = options
  let known: { readonly directory: Promise<Directory>; readonly until: number } | undefined

  function build(scope: OperationScope): AcmeServer {
    const { trace, log, signal } = scope
    const interruptible = signal === undefined ? {} : { signal }

    async function unsigned(method: 'GET' | 'HEAD', url: string, accept: string): Promise<Answer> {
      for (let attempt = 1; ; attempt++) {
        const answer = await exchange(options, { method, url, headers: { accept }, repeatable: true, ...interruptible })
        nonces.put(answer.header('replay-nonce'))
        if (answer.status >= 200 && answer.status < 300) return answer
        const wait = pauseAfter(answer, attempt, clock.now())
        if (wait === undefined) throw errorOf(answer, clock.now())
        await clock.sleep(wait, signal)
      }
    }

    function directory(): Promise<Directory> {
      if (known === undefined || clock.now().getTime() >= known.until) {
        const fetched = unsigned('GET', directoryUrl, 'application/json').then(readDirectory)
        const entry = { directory: fetched, until: clock.now().getTime() + directoryLifetime }
        known = entry
        // A failure is told to whoever waits for it and then forgotten.
        fetched.catch(() => {
          if (known === entry) known = undefined
        })
      }
      return known.directory
    }

    async function freshNonce(): Promise<string> {
      const pooled = nonces.take()
      if (pooled !== undefined) return pooled
      const answer = await unsigned('HEAD', (await directory()).newNonce, '*/*')
      const nonce = nonces.take() ?? answer.header('replay-nonce')
      if (!isNonce(nonce)) throw malformed(answer, 'gave no nonce')
      return nonce
    }

    async function postTo(url: string, request: SignedPost): Promise<Answer> {
      const payload = typeof request.payload === 'function' ? await request.payload(url) : request.payload
      let nonce = await freshNonce()
      let failures = 0
      for (let refused = 0; ; ) {
        const header = { nonce, url, ...(request.kid !== undefined && { kid: request.kid }) }
        const answer = await exchange(options, {
          method: 'POST',
          url,
          headers: { 'content-type': 'application/jose+json', accept: request.accept ?? 'application/json' },
          body: JSON.stringify(await signRequest(request.key, header, payload)),
          // A nonce serves once, so even a read is signed anew by its caller rather than sent again.
          repeatable: false,
          ...interruptible,
        })
        const next = answer.header('replay-nonce')
        if (answer.status >= 200 && answer.status < 300) {
          nonces.put(next)
          return answer
        }
        if (readProblem(answer)?.type === 'badNonce' && ++refused < nonceAttempts) {
          // RFC 8555 §6.5: retry with the nonce that came with the refusal.
          nonce = isNonce(next) ? next : await freshNonce()
          continue
        }
        nonces.put(next)
        const wait = pauseAfter(answer, ++failures, clock.now())
        if (wait === undefined) throw errorOf(answer, clock.now())
        log.debug('acme: server failed, trying again', { url, status: answer.status, attempt: failures })
        await clock.sleep(wait, signal)
        nonce = await freshNonce()
      }
    }

    async function post(request: SignedPost): Promise<Answer> {
      if (typeof request.to === 'string') return postTo(request.to, request)
      const { entry } = request.to
      const url = await entryUrl(entry)
      try {
        return await postTo(url, request)
      } catch (error) {
        if (!(error instanceof EngineError) || error.details?.status !== 404) throw error
        // The server may have moved its resources since we read the directory.
        known = undefined
        const moved = await entryUrl(entry)
        if (moved === url) throw error
        return postTo(moved, request)
      }
    }

    async function entryUrl(entry: keyof Pick<Directory, 'newAccount' | 'newOrder' | 'revokeCert' | 'keyChange'>) {
      const url = (await directory())[entry]
      if (url === undefined) {
        throw new EngineError('acme_refused', `${directoryUrl} offers no ${entry}`, {
          remedy: 'use a CA that implements it, or leave this out',
        })
      }
      return url
    }

    return {
      directoryUrl,
      clock,
      trace,
      log,
      signal,
      directory,
      get: (url, accept = 'application/json') => unsigned('GET', url, accept),
      post,
      within: build,
    }
  }
  return build(options)
}

/** A session for an account key whose account URL is not known yet; see `registerAccount` and `findAccount`. */
export function signIn(server: AcmeServer, key: SigningKey): Session {
  return { ...server, key, within: scope => signIn(server.within(scope), key) }
}

/** The session of an account whose URL is known. */
export function atAccount(session: Session, accountUrl: string): AccountSession {
  return { ...session, accountUrl, within: scope => atAccount(session.within(scope), accountUrl) }
}

/** Posts on behalf of the account. The payload '' is a POST-as-GET. */
export async function postAs(
  session: AccountSession,
  url: string,
  payload: JsonObject | '',
  accept?: string,
): Promise<Answer> {
  const request: SignedPost = { key: session.key, kid: session.accountUrl, to: url, payload, ...(accept && { accept }) }
  if (payload !== '') return session.post(request)
  // A read is worth another attempt when the connection broke; each one is signed anew.
  for (let attempt = 1; ; attempt++) {
    try {
      return await session.post(request)
    } catch (error) {
      const broken = error instanceof EngineError && error.details?.reason === 'unreachable'
      if (!broken || attempt >= 3) throw error
      await session.clock.sleep(250 * 2 ** attempt, session.signal)
    }
  }
}
