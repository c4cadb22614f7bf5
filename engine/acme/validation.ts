import { EngineError } from '../core/errors.ts'
import { type Authorization, fetchAuthorization, pollAuthorization } from './authorization.ts'
import { acceptChallenge, type Challenge, keyAuthorization } from './challenge.ts'
import { challengeFailed } from './challenge-failure.ts'
import { orderedName } from './identifier.ts'
import { inParallel, throwTogether } from './in-parallel.ts'
import { defaultLimits, type Issuance } from './issuance.ts'
import type { Order } from './order.ts'
import type { DeadOrder } from './order-intent.ts'
import { problemType } from './problem.ts'
import type { AccountSession } from './session.ts'
import type { PendingChallenge, SolverScope } from './solver.ts'

/** Requests to the CA at a time. */
const parallel = 4

interface Task {
  readonly authorization: Authorization
  readonly challenge: Challenge
  readonly pending: PendingChallenge
}

/**
 * Proves control of every name of an order that is still pending. Authorizations that are valid already are skipped,
 * and a challenge that an earlier attempt posted is only waited for. Throws `challenge_failed` with the CA's words
 * for every name; returns a dead order when an authorization was lost before we did anything.
 */
export async function validate(issuance: Issuance, order: Order): Promise<DeadOrder | undefined> {
  const { session, solver, progress } = issuance
  const scope: SolverScope = { trace: session.trace, ...(session.signal && { signal: session.signal }) }
  const all = await inParallel(order.authorizations, parallel, url => fetchAuthorization(session, url))
  checkCoverage(issuance, order, all)
  const lost = all.filter(each => each.status !== 'valid' && each.status !== 'pending')
  if (lost.length > 0) {
    return {
      url: order.url,
      why: `of its authorizations ${lost.map(each => `${each.name} is ${each.status}`).join(', ')}`,
    }
  }
  const tasks = all.filter(each => each.status === 'pending').map(each => taskOf(issuance, each))
  if (tasks.length === 0) return undefined

  progress?.(`answers ${tasks.length === 1 ? 'the challenge' : `${tasks.length} challenges`}`)
  // Names that share a TXT RRset follow one another; others need not wait for them.
  const groups = Map.groupBy(tasks, task => task.authorization.identifier.value)
  await inParallel([...groups.values()], parallel, async group => {
    for (const { pending } of group) await solver.present(pending, scope)
  })
  progress?.('waits until the answers are visible')
  await solver.awaitReady(
    tasks.map(task => task.pending),
    scope,
  )
  progress?.('waits for the validation')
  await inParallel(tasks, parallel, task => post(session, task))
  await verdicts(issuance, tasks)
  return undefined
}

/** RFC 8555 §7.5.1. A challenge that is past `pending` was posted by an earlier attempt, or for another order. */
async function post(session: AccountSession, { authorization, challenge }: Task): Promise<void> {
  if (challenge.status !== 'pending') return
  try {
    await acceptChallenge(session, challenge)
  } catch (error) {
    if (problemType(error) === undefined) throw error
    // It may have moved on between our look and our post; then the refusal means nothing.
    const now = await fetchAuthorization(session, authorization.url)
    const same = now.challenges.find(each => each.url === challenge.url)
    if (now.status === 'pending' && (same?.status ?? 'pending') === 'pending') throw error
  }
}

async function verdicts(issuance: Issuance, tasks: readonly Task[]): Promise<void> {
  const timeout = issuance.limits?.validation ?? defaultLimits.validation
  const results = await Promise.allSettled(
    tasks.map(task => pollAuthorization(issuance.session, task.authorization.url, timeout)),
  )
  const decided = results.filter(each => each.status === 'fulfilled').map(each => each.value)
  const refused = decided.filter(each => each.status !== 'valid')
  const proven = decided.filter(each => each.status === 'valid').map(({ name, url }) => ({ name, authorization: url }))
  const { journal, solver, session } = issuance
  if (proven.length > 0) {
    const facts = proven.map(fact => ({ ...fact, type: solver.type, account: session.accountUrl }))
    await journal.note?.('acme_challenge_complete', facts)
  }
  // A verdict says more than the time-outs beside it.
  if (refused.length > 0) throw challengeFailed(refused)
  throwTogether(results.filter(each => each.status === 'rejected').map(each => each.reason))
}

/** Authorizations come in any order: each ordered name must have one, by identifier and wildcard flag. */
function checkCoverage(issuance: Issuance, order: Order, authorizations: readonly Authorization[]): void {
  const names = new Set(authorizations.map(each => each.name))
  const missing = issuance.identifiers.map(each => orderedName(each, false)).filter(name => !names.has(name))
  if (missing.length > 0) {
    throw new EngineError('acme_malformed', `the order ${order.url} has no authorization for ${missing.join(', ')}`, {
      remedy: 'apply again; tell the CA if it stays so',
    })
  }
}

function taskOf({ session, solver }: Issuance, authorization: Authorization): Task {
  const challenge = authorization.challenges.find(each => each.type === solver.type)
  if (!challenge || challenge.token === '') {
    const offered = authorization.challenges.map(each => each.type).join(', ')
    const { wildcard, identifier } = authorization
    throw new EngineError(
      'challenge_failed',
      `the CA does not take ${solver.type} for ${authorization.name}; it offers ${offered || 'nothing'}`,
      {
        remedy: wildcard
          ? 'use challengeType: dns-01, the only one for wildcards'
          : identifier.type === 'ip'
            ? 'use challengeType: http-01 or tls-alpn-01 for IP addresses'
            : 'use one of the challenge types that the CA offers',
      },
    )
  }
  return {
    authorization,
    challenge,
    pending: {
      identifier: authorization.identifier,
      name: authorization.name,
      token: challenge.token,
      keyAuthorization: keyAuthorization(challenge.token, session.key.thumbprint),
      authorizationUrl: authorization.url,
    },
  }
}
