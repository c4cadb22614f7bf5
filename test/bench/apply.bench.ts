/**
 * `apply` of 1,000 role-issued certificates into durable SQLite: new key, certificate, sealed key and record of each
 * in one commit, reported only once it is on disk. In-process (planning apart) and as a whole process.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { createEngine } from '../../engine/index.ts'
import { fileSystem } from '../../engine/manifest/files.ts'
import { loadConfiguration } from '../../engine/manifest/load.ts'
import { createFleet, type Fleet } from './fleet.ts'
import { measure, median, rounded } from './measure.ts'
import type { BenchResult } from './result.ts'

const count = 1000
const rounds = 7

export async function run(): Promise<BenchResult[]> {
  const rates: number[] = []
  const wholes: number[] = []
  for (let round = 0; round < rounds; round++) {
    rates.push(await withFleet(applyRate))
    wholes.push(await withFleet(async fleet => count / (await measure(applyCommand(fleet))).seconds))
  }
  const rate = median(rates)
  return [
    {
      name: 'apply of 1,000 role-issued certificates into durable SQLite',
      figures: {
        certificatesPerSecond: rounded(rate, 0),
        wholeProcessCertificatesPerSecond: rounded(median(wholes), 0),
      },
      gate: { want: '≥ 1,000 certificates/s', met: rate >= 1000 },
    },
  ]
}

const applyCommand = (fleet: Fleet) => fleet.command('apply', '-f', fleet.configuration, '--yes', '--json')

async function withFleet<T>(work: (fleet: Fleet) => Promise<T>): Promise<T> {
  const fleet = createFleet(count)
  try {
    return await work(fleet)
  } finally {
    fleet.remove()
  }
}

async function applyRate(fleet: Fleet): Promise<number> {
  const env = { TRUSTFORM_MASTER_KEY: randomBytes(32).toString('base64') }
  const engine = await createEngine({ state: `sqlite:${join(fleet.folder, 'state.db')}`, env })
  try {
    const { configuration } = await loadConfiguration([fleet.configuration], fileSystem)
    if (!configuration) throw new Error('the fleet does not load')
    return await engine.locked('bench', {}, async locked => {
      const { plan, snapshot } = await engine.plan({ configuration })
      const start = performance.now()
      const { done } = await locked.apply(plan, snapshot)
      const seconds = (performance.now() - start) / 1000
      if (done.length !== count + 3) throw new Error(`only ${done.length} resources were applied`)
      return count / seconds
    })
  } finally {
    await engine.close()
  }
}
