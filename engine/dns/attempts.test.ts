import { expect, test } from 'vitest'
import { EngineError } from '../core/errors.ts'
import { withAttempts } from './attempts.ts'

const failed = (status?: number) =>
  new EngineError('dns_provider_failed', 'it failed', status === undefined ? {} : { details: { status } })
const limited = (retryAfter?: number) => new EngineError('backend_rate_limited', 'slow down', { retryAfter })

const cases: [what: string, errors: unknown[], waits: number[], ends: 'answered' | 'thrown'][] = [
  ['a service that answers', [], [], 'answered'],
  ['one that falters once', [failed(500)], [500], 'answered'],
  ['one that cannot be reached twice', [failed(), failed()], [500, 1000], 'answered'],
  ['one that stays broken', [failed(503), failed(503), failed(503), failed(503)], [500, 1000, 2000], 'thrown'],
  ['one that refuses', [failed(422)], [], 'thrown'],
  ['wrong credentials', [new EngineError('dns_unauthorized', 'no')], [], 'thrown'],
  ['one that asks for seven seconds', [limited(7)], [7000], 'answered'],
  ['one that asks for an hour', [limited(3600)], [], 'thrown'],
  ['one that limits without saying how long', [limited(), limited()], [2000, 4000], 'answered'],
  ['a bug', [new TypeError('x')], [], 'thrown'],
]
test.each(cases)('%s', async (_what, errors, waits, ends) => {
  const slept: number[] = []
  const left = [...errors]
  const clock = { now: () => new Date(0), sleep: async (ms: number) => void slept.push(ms) }
  const outcome = withAttempts(clock, undefined, async () => {
    const error = left.shift()
    if (error) throw error
    return 'answered'
  }).catch(() => 'thrown')
  expect(await outcome).toBe(ends)
  expect(slept).toEqual(waits)
})
