import { expect, test } from 'vitest'
import { nextPoll, retryAt } from './backoff.ts'

const now = new Date('2026-01-01T00:00:00Z')
const random = (octet: number) => ({ bytes: (length: number) => new Uint8Array(length).fill(octet) })
const seconds = (then: Date) => (then.getTime() - now.getTime()) / 1000

const cases: [what: string, failures: number, octet: number, asked: number, want: number][] = [
  ['the first failure, least jitter', 1, 255, 0, 5],
  ['the first failure, most jitter', 1, 0, 0, 2.5],
  ['the fourth', 4, 255, 0, 40],
  ['never more than a quarter of an hour', 30, 255, 0, 900],
  ['what the other side asks for', 1, 0, 120, 120],
]
test.each(cases)('%s', (_what, failures, octet, asked, want) => {
  expect(seconds(retryAt(now, failures, random(octet), asked))).toBeCloseTo(want, 3)
})

test('polls are spread, and none is later than the interval says', () => {
  expect(seconds(nextPoll(now, 30, random(0)))).toBeCloseTo(24, 3)
  expect(seconds(nextPoll(now, 30, random(255)))).toBeCloseTo(30, 3)
})
