import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

export interface ServerCommand {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Run as this user id where we are root (servers that refuse root). */
  readonly uid?: number
  /** Asked until it answers true; the server's last output is in the error when it never does. */
  readonly ready: () => Promise<boolean>
  readonly readyTimeoutMs?: number
}

export interface RunningServer {
  readonly pid: number
  /** Everything that it printed so far. */
  output(): string
  stop(): Promise<void>
}

/** Ports handed out in this process are not handed out again, even while nothing listens on them yet. */
const handedOut = new Set<number>()

/**
 * A port that is free on 127.0.0.1. It lies below the range from which the kernel takes ports for connections: one of
 * those could take it before the server that it is for begins to listen.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_768)
    if (handedOut.has(port) || !(await isFree(port))) continue
    handedOut.add(port)
    return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise(settle => {
    const server = createServer()
    server.once('error', () => settle(false))
    server.listen(port, '127.0.0.1', () => server.close(() => settle(true)))
  })
}

/** A worker that is stopped early must not leave its servers behind. */
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts a server on loopback and waits until it is ready; it is stopped by its own process id. */
export async function startServer(command: ServerCommand): Promise<RunningServer> {
  const child = spawn(command.command, command.args, {
    cwd: command.cwd,
    env: { ...process.env, ...command.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(command.uid !== undefined && process.getuid?.() === 0 && { uid: command.uid, gid: command.uid }),
  })
  running.add(child)
  child.on('exit', () => running.delete(child))
  let output = ''
  const collect = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-200_000)
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  let failure: Error | undefined
  child.on('error', error => {
    failure = error
  })
  const deadline = Date.now() + (command.readyTimeoutMs ?? 20_000)
  while (!(await command.ready().catch(() => false))) {
    if (failure || child.exitCode !== null || Date.now() > deadline) {
      await stopChild(child)
      throw new Error(`${command.name} did not start: ${failure?.message ?? ''}\n${output.slice(-4000)}`)
    }
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  if (child.pid === undefined) throw new Error(`${command.name} has no process id`)
  return { pid: child.pid, output: () => output, stop: () => stopChild(child) }
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 3000)
  await exited
  clearTimeout(timer)
}
