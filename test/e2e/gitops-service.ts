import { spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { freePort } from '../servers/process.ts'
import type { Workspace } from './workspace.ts'

const entry = join(resolve(import.meta.dirname, '../..'), 'engine/cli/bin.ts')

/** `trustform serve` with sources, as a process of its own, and an API key to talk to it. */
export interface GitopsService {
  readonly url: string
  /** JSON of an API answer. */
  get(path: string): Promise<Record<string, unknown>>
  post(path: string): Promise<number>
  /** Sends JSON. */
  send(method: string, path: string, body: object): Promise<{ readonly status: number; readonly body: Json }>
  readonly pid: number
  output(): string
  /** SIGTERM, or the signal given; resolves when it has ended. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

type Json = Record<string, unknown>

export interface GitopsOptions {
  /** Another entry than the product's own, e.g. one that ends the process at a chosen point. */
  readonly entry?: string
  /** Ranges that sources may be in; loopback unless said otherwise. */
  readonly allow?: readonly string[]
}

const state = 'sqlite:state.db'

/** Writes `reconciler.yaml`; answers the port that the service will listen at. */
export async function configure(
  work: Workspace,
  sources: readonly object[],
  options: GitopsOptions = {},
): Promise<number> {
  const port = await freePort()
  const egress = { allow: options.allow ?? ['127.0.0.0/8'] }
  const configuration = { listen: `127.0.0.1:${port}`, state, egress, git: { allowInsecure: true }, sources }
  work.write('reconciler.yaml', JSON.stringify(configuration))
  return port
}

/** Starts the service in a workspace with the sources given, on a state beside it. */
export async function startGitopsService(
  work: Workspace,
  sources: readonly object[],
  env: Readonly<Record<string, string>> = {},
  options: GitopsOptions = {},
): Promise<GitopsService> {
  const port = await configure(work, sources, options)
  const scopes = 'sources:read,sources:write,plans:read,plans:approve,runs:read,events:read,audit:read'
  const created = await work.expect(0, ['key', 'create', '--name', 'test', '--state', state, '--scopes', scopes])
  // A connection of its own each time: a process that was killed leaves dead ones in the pool.
  const headers = { authorization: `Bearer ${created.stdout.trim()}`, connection: 'close' }
  const child = spawn(process.execPath, [options.entry ?? entry, 'serve', '--config', 'reconciler.yaml'], {
    cwd: work.folder,
    env: { ...work.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const collect = (chunk: Buffer) => {
    output += chunk.toString()
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const ended = new Promise<void>(settle => child.on('close', () => settle()))
  for (const deadline = Date.now() + 60_000; !output.includes('listening on'); ) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`the service did not start:\n${output}`)
    }
    await new Promise(settle => setTimeout(settle, 50))
  }
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    pid: child.pid ?? 0,
    get: async path => (await (await fetch(url + path, { headers })).json()) as Record<string, unknown>,
    post: async path => (await fetch(url + path, { method: 'POST', headers })).status,
    async send(method, path, body) {
      const response = await fetch(url + path, {
        ...{ method, body: JSON.stringify(body) },
        headers: { ...headers, 'content-type': 'application/json' },
      })
      return { status: response.status, body: (await response.json()) as Json }
    },
    output: () => output,
    stop(signal = 'SIGTERM') {
      child.kill(signal)
      return ended
    },
  }
}

/** Asks until the answer satisfies; fails with the last answer. */
export async function until<T>(ask: () => Promise<T>, satisfied: (answer: T) => boolean, seconds = 60): Promise<T> {
  for (const deadline = Date.now() + seconds * 1000; ; ) {
    const answer = await ask()
    if (satisfied(answer)) return answer
    if (Date.now() > deadline) throw new Error(`never came true: ${JSON.stringify(answer, null, 1).slice(0, 12_000)}`)
    await new Promise(settle => setTimeout(settle, 100))
  }
}
