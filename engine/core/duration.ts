import { EngineError } from './errors.ts'

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800, y: 31_536_000 }

/**
 * Seconds of a duration: `30d`, `720h`, `90m`, `1h30m`, or a bare number of seconds. A year has 365 days.
 * Throws `schema_violation`.
 */
export function parseDuration(text: string | number): number {
  if (typeof text === 'number') return text
  if (/^\d+$/.test(text)) return Number(text)
  let seconds = 0
  let rest = text
  while (rest !== '') {
    const part = /^(\d+)([smhdwy])/.exec(rest)
    const unit = unitSeconds[part?.[2] ?? '']
    if (!part || unit === undefined) {
      throw new EngineError('schema_violation', `"${text}" is not a duration`, {
        remedy: 'write a number and a unit: 30d, 720h, 90m or seconds',
      })
    }
    seconds += Number(part[1]) * unit
    rest = rest.slice(part[0].length)
  }
  return seconds
}

/** The shortest exact spelling, for messages: 2592000 → `30d`. */
export function formatDuration(seconds: number): string {
  for (const unit of ['d', 'h', 'm'] as const) {
    const size = unitSeconds[unit]
    if (size !== undefined && seconds >= size && seconds % size === 0) return `${seconds / size}${unit}`
  }
  return `${seconds}s`
}
