import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import type { BenchResult } from './result.ts'

const file = join(resolve(import.meta.dirname, '../..'), 'docs/benchmarks.md')
const [begin, end] = ['<!-- results -->', '<!-- /results -->']
const heading = ['| measure | figures (medians) | gate | measured |', '|---|---|---|---|']

/** A line of the table in docs/benchmarks.md, with the machine as it is just now. */
export function rowOf({ name, figures, gate }: BenchResult): string {
  const shown = Object.entries(figures).map(([key, value]) => `${key} ${value}`)
  const verdict = gate ? `${gate.want}: ${gate.met ? 'met' : 'NOT MET'}` : ''
  return `| ${name} | ${shown.join(', ')} | ${verdict} | ${circumstances()} |`
}

/** When, on what, and how busy it was: other work on the machine slows everything here. */
function circumstances(): string {
  const [cpu] = cpus()
  const [load = 0] = loadavg()
  const machine = `${cpus().length} × ${cpu?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`
  return `${new Date().toISOString().slice(0, 10)}, ${machine}, load ${load.toFixed(1)}`
}

/** Puts rows into docs/benchmarks.md: each in the place of the one of its name, or at the end. All others stay. */
export function writeRows(measured: readonly string[]): void {
  const text = readFileSync(file, 'utf8')
  const start = text.indexOf(begin)
  const stop = text.indexOf(end)
  if (start < 0 || stop < 0) throw new Error('docs/benchmarks.md has lost its markers')
  const lines = text.slice(start, stop).split('\n')
  const known = lines.filter(line => line.startsWith('| ') && !heading.includes(line))
  const rows = new Map([...known, ...measured].map(row => [row.split(' | ')[0], row]))
  const table = [...heading, ...rows.values()].join('\n')
  writeFileSync(file, `${text.slice(0, start)}${begin}\n${table}\n${text.slice(stop)}`)
}
