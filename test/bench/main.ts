/**
 * `npm run bench [NAME…]`: runs the measurements one after the other, prints them, and with `--write` puts them into
 * docs/benchmarks.md, each with the machine and the date. Exits with 1 when a gate is not met.
 */
import type { BenchResult } from './result.ts'
import { rowOf, writeRows } from './table.ts'

/** Long ones tell each result as soon as it is there. */
interface Bench {
  run(): Promise<BenchResult[]> | AsyncIterable<BenchResult>
}

const benches: Readonly<Record<string, () => Promise<Bench>>> = {
  issue: () => import('./issue.bench.ts'),
  validate: () => import('./validate.bench.ts'),
  apply: () => import('./apply.bench.ts'),
  plan: () => import('./plan.bench.ts'),
  gitops: () => import('./gitops.bench.ts'),
  pulumi: () => import('./pulumi.bench.ts'),
}

const asked = process.argv.slice(2).filter(argument => !argument.startsWith('--'))
const unknown = asked.filter(name => !Object.hasOwn(benches, name))
if (unknown.length > 0) throw new Error(`no bench ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}`)

const rows: string[] = []
let met = true
for (const [name, load] of Object.entries(benches)) {
  if (asked.length > 0 && !asked.includes(name)) continue
  process.stderr.write(`bench ${name}…\n`)
  for await (const result of await (await load()).run()) {
    const row = rowOf(result)
    rows.push(row)
    met &&= result.gate?.met ?? true
    process.stdout.write(`${row}\n`)
  }
}
if (process.argv.includes('--write')) writeRows(rows)
if (!met) process.exitCode = 1
