/**
 * The Pulumi plugin as it is installed, under the real CLI with a `file://` backend: how fast it starts, and what a
 * preview without changes takes beside the same program with resources that do nothing.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createScratch } from '../servers/scratch.ts'
import { measure, median, rounded } from './measure.ts'
import { nodeProgram, yamlProgram } from './pulumi-programs.ts'
import { type BenchProgram, idle, ours, type PulumiBench, type PulumiRun, startPulumiBench } from './pulumi-world.ts'
import type { BenchResult } from './result.ts'

const resources = 1000

export async function* run(): AsyncGenerator<BenchResult> {
  const scratch = createScratch('bench-pulumi')
  try {
    const trustform = await startPulumiBench(join(scratch.path, 'ours'), ours)
    const nothing = await startPulumiBench(join(scratch.path, 'idle'), idle)
    const outputs = await startPulumiBench(join(scratch.path, 'outputs'), idle, { TRUSTFORM_BENCH_OUTPUTS: '1' })
    const sides = { ours: trustform, idle: nothing, outputs }
    yield await startUp(trustform, nothing)
    yield* await previews('YAML', yamlProgram(resources), 7, sides)
    yield* await previews('Node.js', nodeProgram(resources), 5, sides)
  } finally {
    scratch.remove()
  }
}

async function startUp(trustform: PulumiBench, nothing: PulumiBench): Promise<BenchResult> {
  const rounds = 31
  const figures: { ours: number; idle: number; node: number }[] = []
  for (let round = -3; round < rounds; round++) {
    const each = {
      ours: await millisecondsToPort(trustform),
      idle: await millisecondsToPort(nothing),
      node: (await measure({ command: process.execPath, args: ['-e', '0'] })).seconds * 1000,
    }
    if (round >= 0) figures.push(each)
  }
  const milliseconds = median(figures.map(({ ours }) => ours))
  return {
    name: 'start of the Pulumi provider until its port is printed',
    figures: {
      rounds,
      milliseconds: rounded(milliseconds, 0),
      idleProviderMilliseconds: rounded(median(figures.map(({ idle }) => idle)), 0),
      nodeMilliseconds: rounded(median(figures.map(({ node }) => node)), 0),
    },
    gate: { want: '< 200 ms', met: milliseconds < 200 },
  }
}

async function millisecondsToPort({ executable, env }: PulumiBench): Promise<number> {
  const start = performance.now()
  // Nobody listens there: it is asked only when there is something to tell.
  const child = spawn(executable, ['127.0.0.1:1'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const [line] = (await Promise.race([once(child.stdout, 'data'), ended])) as [unknown]
  const milliseconds = performance.now() - start
  if (!/^\d+\n$/.test(String(line))) throw new Error(`${executable} printed no port: ${line}`)
  child.kill('SIGTERM')
  await ended
  return milliseconds
}

/** `outputs`: resources that do nothing, and have as many and as long outputs as ours. */
type Side = 'ours' | 'idle' | 'outputs'

async function previews(
  language: string,
  program: BenchProgram,
  rounds: number,
  { ours, idle, outputs }: Readonly<Record<Side, PulumiBench>>,
): Promise<BenchResult[]> {
  const made = {
    ours: await ours.applied(program),
    idle: await idle.applied(program),
    outputs: await outputs.applied(program),
  }
  const turns: Readonly<Record<Side, PulumiRun>>[] = []
  for (let round = -1; round < rounds; round++) {
    const turn = {
      ours: await made.ours.preview(),
      idle: await made.idle.preview(),
      outputs: await made.outputs.preview(),
    }
    if (round >= 0) turns.push(turn)
  }
  const of = (side: Side, figure: keyof PulumiRun) => median(turns.map(turn => turn[side][figure]))
  const what = `${resources.toLocaleString('en')} resources, ${language}`
  const ratio = of('ours', 'seconds') / of('idle', 'seconds')
  const cpu = (of('ours', 'cpuSeconds') * 1000) / resources
  const peak = Math.max(made.ours.up.peakRssMiB, ...turns.map(turn => turn.ours.peakRssMiB))
  return [
    {
      name: `Pulumi preview without changes, ${what}, beside resources that do nothing`,
      figures: {
        rounds,
        trustformSeconds: rounded(of('ours', 'seconds')),
        idleSeconds: rounded(of('idle', 'seconds')),
        idleWithOutputsSeconds: rounded(of('outputs', 'seconds')),
        ratio: rounded(ratio),
        ratioToIdleWithOutputs: rounded(of('ours', 'seconds') / of('outputs', 'seconds')),
      },
      gate: { want: 'ratio ≤ 1.2', met: ratio <= 1.2 },
    },
    {
      name: `processor time of the Pulumi provider, preview without changes, ${what}`,
      figures: {
        providerProcesses: of('ours', 'processes'),
        millisecondsPerResource: rounded(cpu),
        idleMillisecondsPerResource: rounded((of('idle', 'cpuSeconds') * 1000) / resources),
      },
      gate: { want: '< 3 ms', met: cpu < 3 },
    },
    {
      name: `memory of the Pulumi provider, ${what}`,
      figures: {
        previewPeakRssMiB: rounded(of('ours', 'peakRssMiB'), 0),
        upPeakRssMiB: rounded(made.ours.up.peakRssMiB, 0),
        idlePreviewPeakRssMiB: rounded(of('idle', 'peakRssMiB'), 0),
        upSeconds: rounded(made.ours.up.seconds, 1),
      },
      gate: { want: '< 200 MB, also while all are made', met: peak * 1.048_576 < 200 },
    },
  ]
}
