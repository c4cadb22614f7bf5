import { expect, test } from 'vitest'
import type { StoredPlan } from '../records/plan-records.ts'
import type { StoredRun } from '../services.ts'
import type { Source } from '../sources/source.ts'
import { html } from './html.ts'
import { relative, span } from './moments.ts'
import { type StatusView, statusPage } from './status-page.ts'

const now = new Date('2026-11-01T12:00:00Z')
const hostile = '</td><script>alert(1)</script>"\'><img src=x onerror=alert(1)>\u202e'

const source = (name: string, more: Partial<Source> = {}): Source => ({
  ...{ id: `src_${name}`, tenant: 'default', version: 1, suspended: false, declaredBy: 'api', failures: 0 },
  ...{ createdAt: now.toISOString(), updatedAt: now.toISOString() },
  conditions: [{ type: 'Ready', status: 'True', reason: 'Applied', message: 'well', since: '2026-11-01T09:00:00Z' }],
  spec: {
    ...{ name, tenant: 'default', url: `https://git.example/${name}.git`, branch: 'main', paths: ['.'] },
    ...{ interval: 60, autoApply: true, adopt: false, drift: 'report' },
  },
  ...more,
})
const empty: StatusView = { now, tenant: undefined, sources: [], runs: [], plans: [], expiries: [], unready: undefined }
const shown = (more: Partial<StatusView>) => statusPage({ ...empty, ...more }).text

test('a service without anything says what to do', () => {
  expect(shown({})).toContain('No source is declared. Add one to reconciler.yaml')
})

test('what others wrote is text, wherever it stands', () => {
  const evil = source(hostile, {
    ...{ observedCommit: hostile, appliedCommit: hostile, tenant: hostile },
    conditions: [{ type: 'Ready', status: 'False', reason: hostile, message: hostile, since: '2026-11-01T09:00:00Z' }],
  })
  const run = {
    id: 'run_1',
    sourceName: hostile,
    state: 'failed',
    phase: 'ended',
    trigger: 'poll',
    commit: hostile,
    message: hostile,
    startedAt: '2026-11-01T11:00:00Z',
    tenant: hostile,
  } as unknown as StoredRun
  const plan = {
    id: 'plan_1',
    sourceId: 'src_x',
    commit: hostile,
    tenant: hostile,
    createdAt: '2026-11-01T11:00:00Z',
    summary: { delete: 1, blocked: 1 },
  } as unknown as StoredPlan
  const text = shown({
    ...{ sources: [evil], runs: [run], plans: [plan], unready: hostile },
    expiries: [{ tenant: hostile, address: hostile, owner: hostile, notAfter: '2026-11-05T12:00:00Z' }],
  })
  expect(text).not.toMatch(/<script|<img|\u202e/)
  expect(text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
  expect(text.match(/<[a-z]+ [^>]*title="[^"]*"/g)?.length).toBeGreaterThan(0)
})

test('what needs somebody comes first, also in the title', () => {
  const ill = source('zebra', {
    conditions: [
      { type: 'Stalled', status: 'True', reason: 'Blocked', message: 'deletes a CA', since: '2026-11-01T11:00:00Z' },
    ],
  })
  const text = shown({ sources: [source('alpha'), ill] })
  expect(text.indexOf('zebra')).toBeLessThan(text.indexOf('alpha'))
  expect(text).toContain('<title>(1 stalled) Trustform</title>')
  expect(text).toContain('deletes a CA')
  expect(text).toContain('since 2026-11-01 11:00 UTC (1 h ago)')
})

test('a token in an address is not shown', () => {
  const { spec } = source('a')
  const text = shown({ sources: [source('a', { spec: { ...spec, url: 'https://bot:CANARY@git.example/a.git' } })] })
  expect(text).toContain('https://git.example/a.git')
  expect(text).not.toContain('CANARY')
})

test('the soonest end is told, and what is over', () => {
  const text = shown({
    expiries: [
      { tenant: 'default', address: 'Certificate/over', owner: 'cli', notAfter: '2026-10-31T12:00:00Z' },
      { tenant: 'default', address: 'Certificate/soon', owner: 'cli', notAfter: '2026-11-04T13:00:00Z' },
    ],
  })
  expect(text).toContain('<span class="chip bad">expired 1 d ago</span>')
  expect(text).toContain('<span class="chip wait">in 3 d</span>')
})

test('a renewal that fails is told with its reason', () => {
  const failing = { failures: 3, reason: 'acme_unreachable: <no> route', nextAttempt: '2026-11-01T13:00:00Z' }
  const text = shown({
    expiries: [
      { tenant: 'default', address: 'Certificate/a', owner: 'cli', notAfter: '2026-11-04T13:00:00Z', failing },
    ],
  })
  expect(text).toContain('<span class="chip bad">Renewal fails</span>')
  expect(text).toContain('renewal fails: acme_unreachable: &lt;no&gt; route; next attempt in 1 h')
})

test('markup is made by the tag alone', () => {
  expect(html`<p title="${'"x"'}">${['<b>', html`<i>${1}</i>`]}${false}${undefined}</p>`.text).toBe(
    '<p title="&quot;x&quot;">&lt;b&gt;<i>1</i></p>',
  )
})

test('spans of time', () => {
  expect([500, 59_000, 3_600_000, 90_000_000, 4e10, 3.2e11].map(span)).toEqual([
    'now',
    '59 s',
    '1 h',
    '1 d',
    '462 d',
    '10 y',
  ])
  expect(relative('2026-11-01T12:00:30Z', now)).toBe('in 30 s')
  expect(relative('2026-11-01T11:30:00Z', now)).toBe('30 min ago')
})
