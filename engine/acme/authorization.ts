import { type Answer, fieldsOf, jsonObject } from './answer.ts'
import { type Challenge, readChallenge } from './challenge.ts'
import { type Identifier, orderedName, readIdentifier } from './identifier.ts'
import { poll } from './poll.ts'
import { parseRetryAfter } from './retry-after.ts'
import { type AccountSession, postAs } from './session.ts'

/** RFC 8555 §7.1.4. */
export interface Authorization {
  readonly url: string
  readonly identifier: Identifier
  readonly wildcard: boolean
  /** The name as it was ordered: with `*.` for a wildcard. */
  readonly name: string
  /** `pending`, `valid`, `invalid`, `deactivated`, `expired` or `revoked`. */
  readonly status: string
  readonly challenges: readonly Challenge[]
  /** Seconds. */
  readonly retryAfter: number | undefined
}

export async function fetchAuthorization(session: AccountSession, url: string): Promise<Authorization> {
  return readAuthorization(session, await postAs(session, url, ''), url)
}

/** Reads it until the CA has come to a verdict. */
export function pollAuthorization(session: AccountSession, url: string, timeout: number): Promise<Authorization> {
  return session.trace.span('acme.poll_authorization', { authorization: url }, () =>
    poll<Authorization>({
      what: `the validation ${url}`,
      clock: session.clock,
      signal: session.signal,
      timeout,
      fetch: () => fetchAuthorization(session, url),
      settled: each => each.status !== 'pending' && each.status !== 'processing',
    }),
  )
}

/**
 * Gives an authorization up (RFC 8555 §7.5.2), so that it no longer counts against the CA's limit of pending ones.
 */
export function deactivateAuthorization(session: AccountSession, url: string): Promise<void> {
  return session.trace.span('acme.deactivate', { authorization: url }, async () => {
    await postAs(session, url, { status: 'deactivated' })
  })
}

function readAuthorization(session: AccountSession, answer: Answer, url: string): Authorization {
  const fields = fieldsOf(jsonObject(answer), answer)
  const read = readIdentifier(fieldsOf(fields.object('identifier'), answer))
  // Some servers leave `*.` in the identifier beside or instead of the flag.
  const wildcard = fields.boolean('wildcard') || read.value.startsWith('*.')
  const identifier = { ...read, value: read.value.replace(/^\*\./, '') }
  return {
    url,
    identifier,
    wildcard,
    name: orderedName(identifier, wildcard),
    status: fields.string('status'),
    challenges: fields.objects('challenges').map(each => readChallenge(each, answer)),
    retryAfter: parseRetryAfter(answer.header('retry-after'), session.clock.now()),
  }
}
