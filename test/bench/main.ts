/**
 * `npm run bench [NAME…]`: runs the measurements one after the other, prints them, and with `--write` puts them into
 * docs/benchmarks.md, each with the machine and the date. Exits with 1 when a gate is not met.
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
  gitops: () => import('./gitops.bench.ts'),
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
function rowOf({ name, figures, gate }: BenchResult): string {
  const shown = Object.entries(figures).map(([key, value]) => `${key} ${value}`)
  const verdict = gate ? `${gate.want}: ${gate.met ? 'met' : 'NOT MET'}` : ''
  const [cpu] = cpus()
  const machine = `${cpus().length} × ${cpu?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`
  return `| ${name} | ${shown.join(', ')} | ${verdict} | ${new Date().toISOString().slice(0, 10)}, ${machine} |`
}

const heading = ['| measure | figures (medians) | gate | measured |', '|---|---|---|---|']
const nameIn = (row: string) => row.split(' | ')[0]?.slice(2) ?? ''

/** Puts the rows between the markers: each in the place of the one of its name, or at the end. All others stay. */
function writeResults(measured: readonly BenchResult[]): void {
  const file = join(resolve(import.meta.dirname, '../..'), 'docs/benchmarks.md')
  const [begin, end] = ['<!-- results -->', '<!-- /results -->']
  const text = readFileSync(file, 'utf8')
  const start = text.indexOf(begin)
  const stop = text.indexOf(end)
  if (start < 0 || stop < 0) throw new Error('docs/benchmarks.md has lost its markers')
  const lines = text.slice(start, stop).split('\n')
  const known = lines.filter(line => line.startsWith('| ') && !heading.includes(line))
  const rows = new Map(known.map(line => [nameIn(line), line]))
  for (const result of measured) rows.set(result.name, rowOf(result))
  const table = [...heading, ...rows.values()].join('\n')
  writeFileSync(file, `${text.slice(0, start)}${begin}\n${table}\n${text.slice(stop)}`)
}

if (process.argv.includes('--write')) writeResults(results)
if (results.some(({ gate }) => gate?.met === false)) process.exitCode = 1
