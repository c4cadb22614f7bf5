import { expect, test } from 'vitest'
import type { Condition, Outcome } from '../sources/source.ts'
import { conditionsAfter, health, transitions } from './conditions.ts'

const start = '2026-01-01T00:00:00.000Z'
const later = new Date('2026-01-01T01:00:00.000Z')
const ready: Outcome = { type: 'ready', reason: 'Applied', message: 'applied 3 changes', drift: [] }
const note = { address: 'AcmeAccount/ca', what: 'status is deactivated, was valid' }
const wait: Outcome = { type: 'waiting', reason: 'FetchFailed', message: 'no route', until: later }
const stall: Outcome = { type: 'stalled', reason: 'InvalidConfiguration', message: 'a.yaml:1:1' }
const from = (outcome: Outcome) => conditionsAfter([], outcome, new Date(start))
const row = ({ type, status, reason, since }: Condition) => `${type}=${status} ${reason} ${since}`

const cases: [what: string, before: readonly Condition[], outcome: Outcome, want: string[]][] = [
  [
    'a first success',
    [],
    ready,
    [
      `Ready=True Applied ${later.toISOString()}`,
      `Stalled=False Progressing ${later.toISOString()}`,
      `Drifted=False InSync ${later.toISOString()}`,
    ],
  ],
  [
    'a lasting success keeps its since',
    from(ready),
    ready,
    [`Ready=True Applied ${start}`, `Stalled=False Progressing ${start}`, `Drifted=False InSync ${start}`],
  ],
  [
    'a failure that is tried again is not stalled',
    from(ready),
    wait,
    [
      `Ready=False FetchFailed ${later.toISOString()}`,
      `Stalled=False Progressing ${start}`,
      `Drifted=False InSync ${start}`,
    ],
  ],
  [
    'a failure that needs an edit',
    from(ready),
    stall,
    [
      `Ready=False InvalidConfiguration ${later.toISOString()}`,
      `Stalled=True InvalidConfiguration ${later.toISOString()}`,
      `Drifted=False InSync ${start}`,
    ],
  ],
  [
    'drift beside readiness',
    from(ready),
    { ...ready, drift: [note] },
    [
      `Ready=True Applied ${start}`,
      `Stalled=False Progressing ${start}`,
      `Drifted=True DriftDetected ${later.toISOString()}`,
    ],
  ],
  [
    'drift that is seen although the rest fails',
    from(ready),
    { ...stall, drift: [note] },
    [
      `Ready=False InvalidConfiguration ${later.toISOString()}`,
      `Stalled=True InvalidConfiguration ${later.toISOString()}`,
      `Drifted=True DriftDetected ${later.toISOString()}`,
    ],
  ],
  [
    'a pass that did not look leaves drift as it was',
    from({ ...ready, drift: [note] }),
    { type: 'ready', reason: 'Applied', message: '' },
    [`Ready=True Applied ${start}`, `Stalled=False Progressing ${start}`, `Drifted=True DriftDetected ${start}`],
  ],
]
test.each(cases)('%s', (_what, before, outcome, want) => {
  expect(conditionsAfter(before, outcome, later).map(row)).toEqual(want)
})

test('only a new status or reason is worth telling', () => {
  const before = from(ready)
  expect(transitions(before, conditionsAfter(before, { ...ready, message: 'other words' }, later))).toEqual([])
  expect(transitions(before, conditionsAfter(before, stall, later)).map(({ type }) => type)).toEqual([
    'Ready',
    'Stalled',
  ])
})

test('drift is named, and more of it is worth telling', () => {
  const other = { address: 'DnsProvider/pdns', what: 'credentials is refused, was accepted' }
  const before = from({ ...ready, drift: [note] })
  const drifted = before.find(({ type }) => type === 'Drifted')
  expect(drifted?.message).toBe('AcmeAccount/ca: status is deactivated, was valid')
  expect(transitions(before, conditionsAfter(before, { ...ready, drift: [note] }, later))).toEqual([])
  expect(transitions(before, conditionsAfter(before, { ...ready, drift: [note, other] }, later))).toMatchObject([
    { type: 'Drifted', since: start, message: expect.stringContaining('DnsProvider/pdns: credentials is refused') },
  ])
})

test('many are counted', () => {
  const notes = Array.from({ length: 14 }, (_, n) => ({ ...note, address: `AcmeAccount/a${n}` }))
  const drifted = from({ ...ready, drift: notes }).find(({ type }) => type === 'Drifted')
  expect(drifted?.message).toMatch(/a9: status is deactivated, was valid; and 4 more$/)
})

test('health in one word', () => {
  expect(health({ suspended: false, conditions: [] })).toBe('new')
  expect(health({ suspended: false, conditions: from(ready) })).toBe('ready')
  expect(health({ suspended: false, conditions: from(wait) })).toBe('waiting')
  expect(health({ suspended: false, conditions: from(stall) })).toBe('stalled')
  expect(health({ suspended: true, conditions: from(stall) })).toBe('suspended')
})
