import { createHash } from 'node:crypto'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { type Answer, fieldsOf, malformed } from './answer.ts'
import { type Problem, problemOf } from './problem.ts'
import { type AccountSession, postAs } from './session.ts'

/** RFC 8555 §7.1.5 and §8. */
export interface Challenge {
  readonly type: string
  readonly url: string
  /** '' for the types that have none (dns-persist-01). */
  readonly token: string
  /** `pending`, `processing`, `valid` or `invalid`. */
  readonly status: string
  readonly error: Problem | undefined
}

/** RFC 8555 §8.1: proves that whoever answers the challenge knows the account key. */
export function keyAuthorization(token: string, thumbprint: string): string {
  return `${token}.${thumbprint}`
}

/** RFC 8555 §8.4: what the TXT record holds, 43 characters. */
export function dns01Value(authorization: string): string {
  return createHash('sha256').update(authorization).digest('base64url')
}

/** RFC 8555 §8.4: where the TXT record of a domain (without `*.`) stands. */
export function dns01Name(domain: string): string {
  return `_acme-challenge.${domain}`
}

/** RFC 8555 §8.3: where the token of an http-01 challenge is looked for. */
export const http01Path = '/.well-known/acme-challenge/'

/** Tells the CA that the answer is in place (RFC 8555 §7.5.1). */
export function acceptChallenge(session: AccountSession, challenge: Challenge): Promise<void> {
  return session.trace.span('acme.post_challenge', { challenge: challenge.url, type: challenge.type }, async () => {
    await postAs(session, challenge.url, {})
  })
}

export function readChallenge(object: JsonObject, answer: Answer): Challenge {
  const fields = fieldsOf(object, answer)
  const token = fields.optionalString('token') ?? ''
  // RFC 8555 §8.3: base64url only. It becomes a path and a file name, so nothing else may pass.
  if (!/^[A-Za-z0-9_-]*$/.test(token)) throw malformed(answer, 'answered with a token that is not base64url')
  return {
    type: fields.string('type'),
    url: fields.url('url'),
    token,
    status: fields.optionalString('status') ?? 'pending',
    error: isJsonObject(object.error) ? problemOf(object.error, answer.status) : undefined,
  }
}
