import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

export interface CliResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Another entry than the product's own, e.g. one that stops the process at a chosen point. */
  readonly entry?: string
  /** Called with the process once it runs. */
  readonly onStart?: (pid: number) => void
}

/** A user's folder: manifests, a state and a master key of its own; the real command line runs in it. */
export interface Workspace {
  readonly folder: string
  /** The environment that every run gets. */
  readonly env: Readonly<Record<string, string>>
  write(file: string, text: string): string
  run(args: readonly string[], options?: CliOptions): Promise<CliResult>
  /** Runs and fails with everything that was printed unless the exit code is the one expected. */
  expect(code: number, args: readonly string[], options?: CliOptions): Promise<CliResult>
  remove(): void
}

const root = resolve(import.meta.dirname, '../..')
const productEntry = join(root, 'engine/cli/bin.ts')

export function createWorkspace(name: string, env: Readonly<Record<string, string>> = {}): Workspace {
  const folder = mkdtempSync(join(tmpdir(), `trustform-${name}-`))
  const base = {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    XDG_CONFIG_HOME: join(folder, 'config'),
    TRUSTFORM_MASTER_KEY: randomBytes(32).toString('base64'),
    NO_COLOR: '1',
    ...env,
  }

  function run(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
    return new Promise((settle, fail) => {
      const child = spawn(process.execPath, [options.entry ?? productEntry, ...args], {
        cwd: folder,
        env: { ...base, ...options.env },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const output = { stdout: '', stderr: '' }
      child.stdout.on('data', (chunk: Buffer) => {
        output.stdout += chunk.toString()
      })
      child.stderr.on('data', (chunk: Buffer) => {
        output.stderr += chunk.toString()
      })
      child.on('error', fail)
      child.on('spawn', () => options.onStart?.(child.pid ?? 0))
      child.on('close', (code, signal) => settle({ code, signal, ...output }))
    })
  }

  return {
    folder,
    env: base,
    run,
    async expect(code, args, options) {
      const result = await run(args, options)
      if (result.code === code) return result
      throw new Error(
        `trustform ${args.join(' ')} ended with ${result.code ?? result.signal} instead of ${code}\n${result.stderr}\n${result.stdout}`,
      )
    },
    write(file, text) {
      const path = join(folder, file)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, text)
      return path
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** One manifest document; YAML reads JSON, so specs need no text of their own. */
export function manifest(kind: string, name: string, spec: object, more: object = {}): string {
  return `---\n${JSON.stringify({ apiVersion: 'trustform/v1', kind, metadata: { name }, spec, ...more }, null, 1)}\n`
}
