import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { EngineError } from '../../engine/index.ts'
import type { ApiKeys, Caller } from '../services.ts'
import { isLocal } from './local.ts'

export interface AuthenticationOptions {
  readonly keys: ApiKeys
  readonly publicUrl?: string | undefined
  /** Called for each request whose key is missing or bad; throws `rate_limited` when there were too many. */
  onFailure(request: FastifyRequest): Promise<void>
  onCaller(request: FastifyRequest, caller: Caller): Promise<void>
}

/** Longer values are no keys of ours and need not be hashed. */
const longestToken = 256

/**
 * Checks every request against its route's `access` before its body is read. The key is looked up by its digest, so
 * how long that takes tells nothing about keys that exist.
 */
export function authenticate(app: FastifyInstance, options: AuthenticationOptions): void {
  app.decorateRequest('caller', undefined)
  app.addHook('onRequest', async (request, reply) => {
    const { access } = request.routeOptions.config
    // No route: the answer is 404 or 405, and what routes there are is public.
    if (access === undefined || access === 'open') return
    const token = tokenOf(request)
    if (token === undefined && access.local && isLocal(originOf(request), options.publicUrl)) return
    const caller = token === undefined ? undefined : await options.keys.authenticate(token)
    if (!caller) {
      await options.onFailure(request)
      throw challenge(reply, token, access.local === true)
    }
    request.caller = caller
    await options.onCaller(request, caller)
    if (caller.scopes.has(access.scope)) return
    // RFC 6750 §3.1
    reply.header('www-authenticate', `Bearer realm="trustform", error="insufficient_scope", scope="${access.scope}"`)
    throw new EngineError('forbidden', `the API key lacks the scope ${access.scope}`, {
      remedy: 'use a key that holds it',
      details: { scope: access.scope },
    })
  })
}

/** Who asks, for handlers of routes that need a key. */
export function callerOf(request: FastifyRequest): Caller {
  if (request.caller) return request.caller
  throw new Error(`${request.routeOptions.url ?? request.url} was reached without a key`)
}

/** How logs of what was done name the caller. */
export const actorOf = (request: FastifyRequest): string => callerOf(request).keyId

/** `Bearer KEY`; or `Basic`, whose password is the key, because that is what a browser can ask for. */
function tokenOf(request: FastifyRequest): string | undefined {
  const [scheme = '', value = ''] = (request.headers.authorization ?? '').split(' ')
  if (value === '') return undefined
  if (/^bearer$/i.test(scheme)) return value.length <= longestToken ? value : ''
  if (!/^basic$/i.test(scheme) || value.length > 2 * longestToken) return undefined
  const text = Buffer.from(value, 'base64').toString('utf8')
  return text.slice(text.indexOf(':') + 1)
}

function originOf({ socket, headers }: FastifyRequest) {
  return { remoteAddress: socket.remoteAddress, headers }
}

/** RFC 6750 §3: what was wrong is said only where something was given. */
function challenge(reply: FastifyReply, token: string | undefined, page: boolean): EngineError {
  const failure = token === undefined ? '' : ', error="invalid_token"'
  const bearer = `Bearer realm="trustform"${failure}`
  reply.header('www-authenticate', page ? [bearer, 'Basic realm="trustform", charset="UTF-8"'] : bearer)
  const message = token === undefined ? 'no API key was given' : 'the API key is not known, has expired or was revoked'
  return new EngineError('unauthorized', message, { remedy: 'send a valid key as "Authorization: Bearer KEY"' })
}
