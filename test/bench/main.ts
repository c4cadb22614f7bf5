/**
 * `npm run bench [NAME…]`: runs the measurements one after the other, prints them, and with `--write` puts them into
 * docs/benchmarks.md together with the machine and the date. Exits with 1 when a gate is not met.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import type { BenchResult } from './result.ts'

const benches: Readonly<Record<string, () => Promise<{ run(): Promise<BenchResult[]> }>>> = {
  issue: () => import('./issue.bench.ts'),
  validate: () => import('./validate.bench.ts'),
  apply: () => import('./apply.bench.ts'),
  plan: () => import('./plan.bench.ts'),
}

const asked = process.argv.slice(2).filter(argument => !argument.startsWith('--'))
const unknown = asked.filter(name => !Object.hasOwn(benches, name))
if (unknown.length > 0) throw new Error(`no bench ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}`)

const results: BenchResult[] = []
for (const [name, load] of Object.entries(benches)) {
  if (asked.length > 0 && !asked.includes(name)) continue
  process.stderr.write(`bench ${name}…\n`)
  for (const result of await (await load()).run()) {
    results.push(result)
    process.stdout.write(`${rowOf(result)}\n`)
  }
}
if (process.argv.includes('--write')) writeResults(results)
if (results.some(({ gate }) => gate?.met === false)) process.exitCode = 1

function rowOf({ name, figures, gate }: BenchResult): string {
  const shown = Object.entries(figures).map(([key, value]) => `${key} ${value}`)
  const verdict = gate ? `${gate.want}: ${gate.met ? 'met' : 'NOT MET'}` : ''
  return `| ${name} | ${shown.join(', ')} | ${verdict} |`
}

/** Replaces what stands between the markers. */
function writeResults(rows: readonly BenchResult[]): void {
  const file = join(resolve(import.meta.dirname, '../..'), 'docs/benchmarks.md')
  const [begin, end] = ['<!-- results -->', '<!-- /results -->']
  const text = readFileSync(file, 'utf8')
  const [cpu] = cpus()
  const machine = `${cpus().length} × ${cpu?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`
  const table = ['| measure | figures (medians) | gate |', '|---|---|---|', ...rows.map(rowOf)].join('\n')
  const body = `${begin}\nMeasured on ${new Date().toISOString().slice(0, 10)}: ${machine}.\n\n${table}\n${end}`
  const start = text.indexOf(begin)
  const stop = text.indexOf(end)
  if (start < 0 || stop < 0) throw new Error('docs/benchmarks.md has lost its markers')
  writeFileSync(file, text.slice(0, start) + body + text.slice(stop + end.length))
}
