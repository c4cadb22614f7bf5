import { descriptor } from './descriptor.ts'
import { exit, type Io } from './io.ts'
import { run } from './main.ts'

/** The process: what `run` needs of it, and how it ends. `bin/trustform` starts its bundle. */
const io: Io = {
  stdout: descriptor(1, () => process.stdout),
  stderr: descriptor(2, () => process.stderr),
  env: process.env,
  get interactive() {
    return process.stdin.isTTY === true && process.stderr.isTTY === true
  },
  async ask(question, signal) {
    const { createInterface } = await import('node:readline/promises')
    const line = createInterface({ input: process.stdin, output: process.stderr })
    // The terminal is in raw mode: Ctrl-C comes as a key, and Ctrl-D closes the line without an answer.
    line.on('SIGINT', () => process.emit('SIGINT'))
    const closed = new Promise<string>(resolve => line.once('close', () => resolve('')))
    try {
      return await Promise.race([line.question(question, { signal }), closed])
    } catch (error) {
      throw signal.aborted ? signal.reason : error
    } finally {
      line.close()
    }
  },
  onInterrupt(listener) {
    process.on('SIGINT', listener).on('SIGTERM', listener)
    return () => void process.off('SIGINT', listener).off('SIGTERM', listener)
  },
}

async function main(): Promise<void> {
  const code = await run(process.argv.slice(2), io)
  // Stopped at once: what still runs is not waited for.
  if (code === exit.interrupted) process.exit(code)
  process.exitCode = code
}

// No await at the top level: `require` of the bundle could not load it.
void main()
