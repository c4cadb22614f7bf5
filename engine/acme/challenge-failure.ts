import { EngineError } from '../core/errors.ts'
import type { Authorization } from './authorization.ts'
import { describeProblem, problemDetails } from './problem.ts'

/** One error for every authorization that the CA did not grant, each with the CA's words. */
export function challengeFailed(failed: readonly Authorization[]): EngineError {
  const failures = failed.map(each => {
    const challenge = each.challenges.find(one => one.error !== undefined)
    const problem = challenge?.error
    return {
      name: each.name,
      type: challenge?.type ?? '',
      words: problem ? describeProblem(problem) : `the authorization is ${each.status}`,
      problem,
    }
  })
  const dns = failures.every(each => each.type.startsWith('dns'))
  return new EngineError(
    'challenge_failed',
    `the CA could not validate ${failures.map(each => `${each.name}: ${each.words}`).join('; ')}`,
    {
      remedy: dns
        ? 'check that the public name servers of the domain answer with the TXT record, then apply again'
        : "check that the names lead to this machine and that the challenge's port is open, then apply again",
      details: {
        failures: failures.map(({ name, type, words, problem }) => ({
          name,
          type,
          words,
          ...(problem && { problem: problemDetails(problem) }),
        })),
      },
    },
  )
}
