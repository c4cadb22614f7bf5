import { expect, test } from 'vitest'
import type { Observation } from '../kinds/driver.ts'
import { createSightings } from './sightings.ts'

const revoked: Observation = { exists: false, facts: { revokedAt: '2026-11-01T00:00:00Z' }, drift: [], findings: [] }
const seen = { address: 'Certificate/web', spec: { domains: ['a.example'] }, revision: 3 } as const

const cases: [what: string, asked: object, laterBy: number, asDeclared: boolean, asRecorded: boolean][] = [
  ['the same again', {}, 0, true, true],
  ['the same, declared otherwise', { spec: { domains: ['b.example'] } }, 0, false, true],
  ['a later revision', { revision: 4 }, 0, false, false],
  ['the same, a minute later', {}, 60_000, false, false],
  ['another address', { address: 'Certificate/api' }, 0, false, false],
]
test.each(cases)('what was seen counts for: %s', (_what, asked, laterBy, asDeclared, asRecorded) => {
  let now = 0
  const sightings = createSightings({ now: () => new Date(now) })
  sightings.keep(seen, revoked)
  now += laterBy
  const other = { ...seen, ...asked }
  expect(sightings.of(other)).toBe(asDeclared ? revoked : undefined)
  expect(sightings.latest(other)).toBe(asRecorded ? revoked : undefined)
})

test('that there was nothing to look at is remembered too', () => {
  const sightings = createSightings({ now: () => new Date(0) })
  sightings.keep(seen, undefined)
  expect(sightings.of(seen)).toBe('nothing')
  expect(sightings.latest(seen)).toBeUndefined()
})
