import { expect, test } from 'vitest'
import { EngineError } from '../../engine/index.ts'
import { type Attempt, type FailedRenewal, failedAgain } from './failed-renewals.ts'

const now = new Date('2026-01-01T00:00:00Z')
const minute = 60_000
const day = 24 * 60 * minute
const inDays = (days: number) => new Date(now.getTime() + days * day).toISOString()
const error = new EngineError('acme_unreachable', 'no route')
const limited = (seconds: number) => new EngineError('backend_rate_limited', 'too many', { retryAfter: seconds })
const attempt = (more: Partial<Attempt> = {}): Attempt => ({
  ...{ address: 'Certificate/a', revision: 3, notAfter: inDays(30), error },
  ...more,
})
const known = (failures: number, revision = 3): FailedRenewal => ({
  ...{ address: 'Certificate/a', revision, failures, reason: 'x', notAfter: inDays(30) },
  ...{ failingSince: '2025-12-31T00:00:00.000Z', nextAttempt: now.toISOString() },
})
const random = (octet: number) => ({ bytes: (length: number) => new Uint8Array(length).fill(octet) })
const minutesUntil = ({ nextAttempt }: FailedRenewal) => (Date.parse(nextAttempt) - now.getTime()) / minute

const cases: [what: string, before: FailedRenewal | undefined, attempt: Attempt, minutes: number][] = [
  ['the first failure', undefined, attempt(), 5],
  ['the second', known(1), attempt(), 10],
  ['the fourth', known(3), attempt(), 40],
  ['never more than six hours', known(50), attempt(), 360],
  ['a tenth of what is left, where that is less', known(50), attempt({ notAfter: inDays(1) }), 144],
  ['never less than a minute', known(50), attempt({ notAfter: inDays(1 / 24 / 60) }), 1],
  ['after its end as before', known(50), attempt({ notAfter: inDays(-1) }), 360],
  ['what the CA asks for', undefined, attempt({ error: limited(7200) }), 120],
  [
    'also beyond its end, for asking earlier is in vain',
    undefined,
    attempt({ error: limited(172_800), notAfter: inDays(1) }),
    2880,
  ],
  ['another revision is another story', known(50, 2), attempt(), 5],
]
test.each(cases)('%s', (_what, before, tried, minutes) => {
  expect(minutesUntil(failedAgain(before, tried, now, random(0)))).toBeCloseTo(minutes, 3)
  // What failed together does not come back together.
  expect(minutesUntil(failedAgain(before, tried, now, random(255)))).toBeCloseTo(minutes * 1.2, 1)
})

test('it is remembered since when, how often and why', () => {
  expect(failedAgain(known(2), attempt(), now, random(0))).toMatchObject({
    failures: 3,
    failingSince: '2025-12-31T00:00:00.000Z',
    reason: 'acme_unreachable: no route',
  })
  expect(failedAgain(known(2, 1), attempt(), now, random(0))).toMatchObject({
    failures: 1,
    failingSince: now.toISOString(),
  })
})

test('the words of a bug are not kept', () => {
  const { reason } = failedAgain(undefined, attempt({ error: new Error('CANARY') }), now, random(0))
  expect(reason).toBe('internal error')
})
