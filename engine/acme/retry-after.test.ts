import { expect, test } from 'vitest'
import { parseRetryAfter, retryAfterInWords } from './retry-after.ts'

const now = new Date('2026-11-21T10:00:00Z')

const headers: [what: string, header: string | undefined, want: number | undefined][] = [
  ['seconds', '120', 120],
  ['seconds with spaces', ' 5 ', 5],
  ['zero', '0', 0],
  ['a date in an hour', 'Sat, 21 Nov 2026 11:00:00 GMT', 3600],
  ['a date in the past', 'Sat, 21 Nov 2026 09:00:00 GMT', 0],
  ['an absent header', undefined, undefined],
  ['an empty header', '', undefined],
  ['a fraction', '1.5', undefined],
  ['a negative number', '-5', undefined],
  ['words', 'soon', undefined],
]
test.each(headers)('Retry-After with %s', (_what, header, want) => {
  expect(parseRetryAfter(header, now)).toBe(want)
})

const details: [what: string, detail: string, want: number | undefined][] = [
  [
    "Let's Encrypt's words",
    'too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s, retry after 2026-11-21 10:02:00 UTC: see https://letsencrypt.org/docs/rate-limits/',
    120,
  ],
  ['an RFC 3339 instant', 'slow down, retry after 2026-11-21T10:00:30Z', 30],
  ['no instant', 'too many requests', undefined],
]
test.each(details)('a rate limit told with %s', (_what, detail, want) => {
  expect(retryAfterInWords(detail, now)).toBe(want)
})
