import { exit, type Io } from './io.ts'
import { run } from './main.ts'

/** The process: what `run` needs of it, and how it ends. `bin/trustform` starts its bundle. */
const io: Io = {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  interactive: process.stdin.isTTY === true && process.stderr.isTTY === true,
  async ask(question, signal) {
    const { createInterface } = await import('node:readline/promises')
    const line = createInterface({ input: process.stdin, output: process.stderr })
    try {
      return await line.question(question, { signal })
    } finally {
      line.close()
    }
  },
  onInterrupt(listener) {
    process.on('SIGINT', listener).on('SIGTERM', listener)
    return () => void process.off('SIGINT', listener).off('SIGTERM', listener)
  },
}

// The reader of a pipe may leave early (`trustform list | head -1`); that is no failure of ours.
process.stdout.on('error', error => {
  if ('code' in error && error.code === 'EPIPE') process.exit(process.exitCode ?? 0)
  throw error
})

async function main(): Promise<void> {
  const code = await run(process.argv.slice(2), io)
  // Stopped at once: what still runs is not waited for.
  if (code === exit.interrupted) process.exit(code)
  process.exitCode = code
}

// No await at the top level: `require` of the bundle could not load it.
void main()
