import { expect, test } from 'vitest'
import { createManualClock } from '../jobs/fixtures/manual-clock.ts'
import type { DriftNote, Source, SourceSpec } from '../sources/source.ts'
import { tellForge } from './commit-status.ts'
import type { LoopPorts } from './ports.ts'

const clock = createManualClock()
const random = { bytes: (length: number) => new Uint8Array(length).fill(7) }
const drift: readonly DriftNote[] = [{ address: 'AcmeAccount/ca', what: 'status is deactivated, was valid' }]

function told(mode: SourceSpec['drift'], forge: boolean): unknown {
  // Of ports and source only what is read here.
  const spec = { name: 'infra', drift: mode, ...(forge && { forge: { type: 'gitea' } }) }
  const source = { id: 'src_1', tenant: 'default', spec } as unknown as Source
  const ports = { clock, random } as unknown as LoopPorts
  const outcome = { type: 'ready', reason: 'Applied', message: 'nothing to do', drift } as const
  const [mutation] = tellForge(ports, source, { outcome, observedCommit: 'c0ffee', runId: 'run_1' })
  return mutation?.type === 'enqueue-job' ? mutation.job.payload.outcome : undefined
}

const cases: [what: string, mode: SourceSpec['drift'], forge: boolean, want: unknown][] = [
  ['detect keeps drift to itself', 'detect', true, { type: 'ready', reason: 'Applied', message: 'nothing to do' }],
  ['report tells the forge', 'report', true, expect.objectContaining({ drift })],
  ['heal tells what is left', 'heal', true, expect.objectContaining({ drift })],
  ['without a forge nobody is told', 'report', false, undefined],
]
test.each(cases)('%s', (_what, mode, forge, want) => expect(told(mode, forge)).toEqual(want))
