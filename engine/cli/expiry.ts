const day = 86_400_000
const units: readonly [ms: number, one: string, many: string][] = [
  [365 * day, 'year', 'years'],
  [day, 'day', 'days'],
  [3_600_000, 'hour', 'hours'],
  [60_000, 'minute', 'minutes'],
]

/** How far away an end is: `in 89 days`, `in 10 years`, `3 hours ago`. Years are told from two on. */
export function fromNow(instant: string, now: Date): string {
  const distance = Date.parse(instant) - now.getTime()
  const size = Math.abs(distance)
  const unit = units.find(([ms], index) => size / ms + 0.05 >= (index === 0 ? 2 : 1))
  if (!unit) return distance < 0 ? 'just now' : 'in less than a minute'
  const [ms, one, many] = unit
  // What was issued a moment ago for 30 days ends in 30 days.
  const count = Math.floor(size / ms + 0.05)
  const words = `${count} ${count === 1 ? one : many}`
  return distance < 0 ? `${words} ago` : `in ${words}`
}
