import { expect, test } from 'vitest'
import type { JobDraft } from '../../engine/index.ts'
import { createWorld } from '../fixtures/world.ts'
import type { CommitStatus, Forge } from '../forges/forge.ts'
import { delayAfter } from '../jobs/backoff.ts'
import { createManualClock } from '../jobs/fixtures/manual-clock.ts'
import type { DriftNote, Source, SourceSpec } from '../sources/source.ts'
import { setCommitStatus, tellForge } from './commit-status.ts'
import type { LoopPorts } from './ports.ts'

const clock = createManualClock()
const random = { bytes: (length: number) => new Uint8Array(length).fill(7) }
const drift: readonly DriftNote[] = [{ address: 'AcmeAccount/ca', what: 'status is deactivated, was valid' }]

function job(mode: SourceSpec['drift'], forge: boolean): JobDraft | undefined {
  // Of ports and source only what is read here.
  const spec = { name: 'infra', drift: mode, ...(forge && { forge: { type: 'gitea' } }) }
  const source = { id: 'src_1', tenant: 'default', spec } as unknown as Source
  const ports = { clock, random } as unknown as LoopPorts
  const outcome = { type: 'ready', reason: 'Applied', message: 'nothing to do', drift } as const
  const [mutation] = tellForge(ports, source, { outcome, observedCommit: 'c0ffee', runId: 'run_1' })
  return mutation?.type === 'enqueue-job' ? mutation.job : undefined
}
const told = (mode: SourceSpec['drift'], forge: boolean) => job(mode, forge)?.payload.outcome

const cases: [what: string, mode: SourceSpec['drift'], forge: boolean, want: unknown][] = [
  ['detect keeps drift to itself', 'detect', true, { type: 'ready', reason: 'Applied', message: 'nothing to do' }],
  ['report tells the forge', 'report', true, expect.objectContaining({ drift })],
  ['heal tells what is left', 'heal', true, expect.objectContaining({ drift })],
  ['without a forge nobody is told', 'report', false, undefined],
]
test.each(cases)('%s', (_what, mode, forge, want) => expect(told(mode, forge)).toEqual(want))

const hour = 3_600_000

test('a forge that is down for a day is told afterwards', () => {
  const earliest = { bytes: (length: number) => new Uint8Array(length) }
  const attempts = job('report', true)?.maxAttempts ?? 0
  const waits = Array.from({ length: attempts - 1 }, (_, before) => delayAfter(before + 1, earliest))
  expect(waits.reduce((sum, wait) => sum + wait, 0)).toBeGreaterThan(24 * hour)
})

const ages: [what: string, hours: number, want: string[]][] = [
  ['a status of this morning is set', 10, ['c0ffee success']],
  ['a status that nobody waits for any more is dropped', 25, []],
]
test.each(ages)('%s', async (_what, hours, want) => {
  const later = createManualClock()
  const world = await createWorld({ clock: later })
  const source = await world.source('default', 'infra')
  const set: string[] = []
  const forge: Partial<Forge> = {
    setStatus: async (commit: string, { state }: CommitStatus) => void set.push(`${commit} ${state}`),
  }
  const ports: Partial<LoopPorts> = {
    ...{ store: world.store, clock: later, log: world.services.log },
    forgeOf: async () => forge as Forge, // what is asked of it here
  }
  const payload = { ...job('report', true)?.payload, source: source.id }
  later.pass(hours * hour)
  const { signal } = new AbortController()
  const running = { id: 'job_1', tenant: 'default', payload, attempt: 1, isLast: false, signal }
  await setCommitStatus(ports as LoopPorts, running)
  expect(set).toEqual(want)
  await world.close()
})
