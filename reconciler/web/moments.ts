/** Seconds from which a unit is used, its seconds, its name: days say more than years up to two of them. */
const units: readonly [from: number, seconds: number, name: string][] = [
  [730 * 86_400, 365 * 86_400, 'y'],
  [86_400, 86_400, 'd'],
  [3600, 3600, 'h'],
  [60, 60, 'min'],
  [1, 1, 's'],
]

/** `3 d`, `5 h`, `now`: the largest unit that fits, rounded down. */
export function span(milliseconds: number): string {
  const seconds = Math.floor(Math.abs(milliseconds) / 1000)
  const unit = units.find(([from]) => seconds >= from)
  return unit ? `${Math.floor(seconds / unit[1])} ${unit[2]}` : 'now'
}

/** `in 3 d` or `3 d ago`. */
export function relative(instant: string, now: Date): string {
  const away = Date.parse(instant) - now.getTime()
  const text = span(away)
  if (text === 'now') return text
  return away > 0 ? `in ${text}` : `${text} ago`
}

/** `2026-11-03 14:05 UTC`. */
export function absolute(instant: string): string {
  return `${instant.slice(0, 10)} ${instant.slice(11, 16)} UTC`
}
