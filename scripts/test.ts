/**
 * `npm test`: the checks of the code, then every test, then one closing line `N passed, N failed`. A check that finds
 * something counts as a failed test. Arguments go to vitest.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const checks: readonly (readonly [name: string, ...command: string[]])[] = [
  ['types', 'tsc', '-p', '.'],
  ['lint and format', 'biome', 'ci', '.'],
  ['dead code', 'knip'],
]

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numFailedTestSuites: number
}

function run(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'inherit' }).status === 0
}

const folder = mkdtempSync(join(tmpdir(), 'trustform-test-'))
let passed = 0
let failed = 0
try {
  for (const [name, command = '', ...args] of checks) {
    process.stderr.write(`check: ${name}\n`)
    if (run(command, args)) passed++
    else failed++
  }
  // A run of named files builds only what these need, when they need it.
  if (process.argv.length === 2 && !run('node', ['test/servers/build-peers.ts'])) failed++
  const file = join(folder, 'report.json')
  const ok = run('vitest', [
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${file}`,
    ...process.argv.slice(2),
  ])
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report // vitest has just written it
  passed += report.numPassedTests
  // A file that could not be loaded has no tests to count, but its suite has failed; a run without tests saw nothing.
  failed += Math.max(report.numFailedTests, ok && report.numPassedTests > 0 ? 0 : 1)
  if (report.numPendingTests > 0) process.stderr.write(`${report.numPendingTests} tests did not run\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 ? 0 : 1
