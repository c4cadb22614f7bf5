/**
 * The command line with a trace that ends the process by SIGKILL at a border of a chosen span:
 * `CRASH_AT=acme.new_order#1:start`. With `TRACE_TO=FILE` it writes the borders that it passes.
 */
import { appendFileSync } from 'node:fs'
import { run } from '../../engine/cli/main.ts'
import type { Trace } from '../../engine/index.ts'

const seen = new Map<string, number>()

function pass(border: string): void {
  if (process.env.TRACE_TO) appendFileSync(process.env.TRACE_TO, `${border}\n`)
  if (process.env.CRASH_AT === border) process.kill(process.pid, 'SIGKILL')
}

const trace: Trace = {
  async span(name, _attributes, work) {
    const turn = (seen.get(name) ?? 0) + 1
    seen.set(name, turn)
    pass(`${name}#${turn}:start`)
    const result = await work()
    pass(`${name}#${turn}:end`)
    return result
  },
}

process.exitCode = await run(
  process.argv.slice(2),
  {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    interactive: false,
    ask: () => Promise.reject(new Error('nobody is there to ask')),
    onInterrupt: () => () => {},
  },
  { trace },
)
