/**
 * Seconds to wait as a server asks for it. RFC 9110 §10.2.3: delay-seconds or an HTTP-date; a past date is 0.
 * Undefined where the header is absent or neither.
 */
export function parseRetryAfter(header: string | undefined, now: Date): number | undefined {
  const text = header?.trim()
  if (text === undefined || text === '') return undefined
  if (/^\d+$/.test(text)) return Number(text)
  // A HTTP-date begins with a weekday; anything else Date.parse would guess at.
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /.test(text)) return undefined
  return secondsUntil(Date.parse(text), now)
}

/**
 * Let's Encrypt's rate limits name the instant only in words (verified 2026-11 in Boulder's `ratelimits`):
 * `… retry after 2026-11-21 10:38:00 UTC: see https://letsencrypt.org/docs/rate-limits/`.
 */
export function retryAfterInWords(detail: string, now: Date): number | undefined {
  const found = /retry after (\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)? ?(?:Z|UTC)/i.exec(detail)
  return found ? secondsUntil(Date.parse(`${found[1]}T${found[2]}Z`), now) : undefined
}

function secondsUntil(instant: number, now: Date): number | undefined {
  if (Number.isNaN(instant)) return undefined
  return Math.max(0, Math.ceil((instant - now.getTime()) / 1000))
}
