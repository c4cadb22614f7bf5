/**
 * `trustform plan` with nothing to change over 1,000, 10,000 and 50,000 certificates in SQLite, and side by side with
 * `terraform plan -refresh=false` over as many separate resources. Each is the whole process.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createFleet } from './fleet.ts'
import { type Command, type Measured, measure, median, rounded, sideBySide } from './measure.ts'
import type { BenchResult } from './result.ts'

export async function run(): Promise<BenchResult[]> {
  return [await besideTerraform(), ...(await growth([1000, 10_000, 50_000]))]
}

async function besideTerraform(): Promise<BenchResult> {
  const fleet = createFleet(1000)
  try {
    await measure(fleet.command('apply', '-f', fleet.configuration, '--yes', '--json'))
    const plan = fleet.command('plan', '-f', fleet.configuration, '--json')
    assertUnchanged(await measure(plan), 1003)
    const terraform = await terraformPlan(join(fleet.folder, 'terraform'), 1000)
    const { ours, theirs, ratio, ourPeakRssMiB, theirPeakRssMiB } = await sideBySide(plan, terraform, 7)
    return {
      name: 'plan without changes, 1,000 resources, beside terraform plan -refresh=false',
      figures: {
        trustformSeconds: rounded(ours),
        terraformSeconds: rounded(theirs),
        ratio: rounded(ratio),
        trustformPeakRssMiB: ourPeakRssMiB,
        terraformPeakRssMiB: theirPeakRssMiB,
      },
      gate: { want: 'ratio ≤ 0.5', met: ratio <= 0.5 },
    }
  } finally {
    fleet.remove()
  }
}

/** Separate `terraform_data` blocks: the built-in resource, so that no provider process is measured. */
async function terraformPlan(folder: string, count: number): Promise<Command> {
  mkdirSync(folder)
  const blocks = Array.from(
    { length: count },
    (_, i) => `resource "terraform_data" "r${i}" {\n  input = "host-${i}"\n}\n`,
  )
  writeFileSync(join(folder, 'main.tf'), blocks.join(''))
  const env = { TF_CLI_CONFIG_FILE: join(folder, 'none.tfrc'), CHECKPOINT_DISABLE: '1', TF_IN_AUTOMATION: '1' }
  writeFileSync(env.TF_CLI_CONFIG_FILE, '')
  const terraform = (...args: string[]): Command => ({ command: 'terraform', args, cwd: folder, env })
  await measure(terraform('init', '-input=false'))
  await measure(terraform('apply', '-auto-approve', '-input=false', '-parallelism=50'))
  return terraform('plan', '-refresh=false', '-input=false')
}

async function growth(sizes: readonly number[]): Promise<BenchResult[]> {
  const results: BenchResult[] = []
  for (const size of sizes) {
    const fleet = createFleet(size)
    try {
      await measure(fleet.command('apply', '-f', fleet.configuration, '--yes', '--json'))
      const runs: Measured[] = []
      for (let round = 0; round < 5; round++) {
        runs.push(await measure(fleet.command('plan', '-f', fleet.configuration, '--json')))
      }
      for (const each of runs) assertUnchanged(each, size + 3)
      const seconds = median(runs.map(each => each.seconds))
      const peak = median(runs.map(each => each.peakRssMiB))
      const gated = size === 10_000
      results.push({
        name: `plan without changes, ${size.toLocaleString('en')} certificates`,
        figures: { seconds: rounded(seconds), peakRssMiB: peak },
        ...(gated && { gate: { want: '< 2 s and < 400 MB', met: seconds < 2 && peak * 1.048_576 < 400 } }),
      })
    } finally {
      fleet.remove()
    }
  }
  return results
}

/** A plan that saw nothing would be fast. */
function assertUnchanged({ stdout }: Measured, count: number): void {
  const { summary, changes } = JSON.parse(stdout) as { summary: { noop: number }; changes: unknown[] }
  if (summary.noop !== count || changes.length !== count) {
    throw new Error(`the measured plan has ${summary.noop} unchanged of ${changes.length} resources, not ${count}`)
  }
}
