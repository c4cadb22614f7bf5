import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'

/** `trustform serve` as a process of its own. */
export interface ServiceProcess {
  readonly url: string
  readonly pid: number
  stderr(): string
  /** Sends a signal and answers how the process ended. */
  end(signal: NodeJS.Signals): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  ask(
    path: string,
    options?: AskOptions,
  ): Promise<{ readonly status: number; readonly text: string; readonly json: unknown }>
}

export interface AskOptions {
  readonly method?: string
  readonly key?: string
  readonly body?: unknown
}

export interface ServiceStart {
  readonly folder: string
  readonly args?: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Another program than the sources' own. */
  readonly entry?: string
}

const productEntry = join(resolve(import.meta.dirname, '../..'), 'engine/cli/bin.ts')

/** Starts it and waits until it says where it listens; fails with what it printed when it ends before. */
export async function startServiceProcess({ folder, args = [], env, entry }: ServiceStart): Promise<ServiceProcess> {
  const child = spawn(process.execPath, [entry ?? productEntry, 'serve', '--listen', '127.0.0.1:0', ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', HOME: folder, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let printed = ''
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const url = await new Promise<string>((found, fail) => {
    child.stderr.on('data', (chunk: Buffer) => {
      printed += chunk.toString()
      const [, address] = /^listening on (http:\S+)$/m.exec(printed) ?? []
      if (address !== undefined) found(address)
    })
    ended.then(([code]) => fail(new Error(`serve ended with ${code}\n${printed}`)), fail)
  })
  return {
    url,
    pid: child.pid ?? 0,
    stderr: () => printed,
    async end(signal) {
      child.kill(signal)
      const [code, by] = await ended
      return { code, signal: by }
    },
    async ask(path, { method = 'GET', key, body } = {}) {
      const response = await fetch(url + path, {
        method,
        headers: {
          ...(key !== undefined && { authorization: `Bearer ${key}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      const isJson = /json/.test(response.headers.get('content-type') ?? '')
      return { status: response.status, text, json: isJson ? JSON.parse(text) : undefined }
    },
  }
}
