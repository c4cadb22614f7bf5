import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { ensurePulumi } from './pulumi-install.ts'

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Folder of the program; otherwise the one that Pulumi was started with. */
  readonly cwd?: string
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** A running CLI, for tests that interrupt it. */
export interface RunningPulumi {
  readonly pid: number
  /** Everything that it printed so far. */
  output(): string
  interrupt(signal: 'SIGINT' | 'SIGKILL'): void
  readonly finished: Promise<Finished>
}

export interface Pulumi {
  /** `PULUMI_HOME`: plugins, credentials of the file backend. */
  readonly home: string
  /** Where stacks are, below a `file://` backend. */
  readonly backend: string
  readonly env: Readonly<Record<string, string>>
  run(args: readonly string[], options?: RunOptions): Promise<Finished>
  /** Throws with both outputs when it fails; answers stdout. */
  demand(args: readonly string[], options?: RunOptions): Promise<string>
  start(args: readonly string[], options?: RunOptions): RunningPulumi
  /** Makes the stack when it is new, and selects it. */
  selectStack(name: string, options?: RunOptions): Promise<void>
  /** Installs the plugin's tarball, offline. */
  installPlugin(version: string, tarball: string): Promise<void>
  /** The stack's state with its secrets encrypted, as it is stored. */
  exportStack(options?: RunOptions): Promise<string>
  /** Outputs of the stack, secrets decrypted. */
  outputs(options?: RunOptions): Promise<Readonly<Record<string, unknown>>>
}

/** Pulumi with everything of its own below a folder: nothing is asked of any service, nothing is looked up. */
export async function startPulumi(folder: string): Promise<Pulumi> {
  const { pulumi, path } = await ensurePulumi()
  const [home, backend] = ['home', 'stacks'].map(name => join(folder, name)) as [string, string] // two in, two out
  for (const made of [home, backend]) mkdirSync(made, { recursive: true })
  const env = {
    // The Node that runs the tests runs programs too.
    PATH: [path, dirname(process.execPath), process.env.PATH ?? ''].join(delimiter),
    HOME: folder,
    PULUMI_HOME: home,
    PULUMI_BACKEND_URL: `file://${backend}`,
    PULUMI_CONFIG_PASSPHRASE: 'tests only',
    PULUMI_SKIP_UPDATE_CHECK: 'true',
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
    PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK: 'true',
    NO_COLOR: '1',
  }

  function start(args: readonly string[], options: RunOptions = {}): RunningPulumi {
    const child = spawn(pulumi, [...args, '--non-interactive'], {
      cwd: options.cwd ?? folder,
      env: { ...env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.signal && { signal: options.signal }),
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
    })
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 110_000)
    const finished = new Promise<Finished>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', code => {
        clearTimeout(timer)
        resolve({ code, stdout, stderr })
      })
    })
    if (child.pid === undefined) throw new Error('pulumi has no process id')
    return { pid: child.pid, output: () => stdout + stderr, interrupt: signal => child.kill(signal), finished }
  }

  const runPulumi = (args: readonly string[], options?: RunOptions) => start(args, options).finished

  async function demand(args: readonly string[], options?: RunOptions): Promise<string> {
    const { code, stdout, stderr } = await runPulumi(args, options)
    if (code === 0) return stdout
    throw new Error(`pulumi ${args.join(' ')} ended with ${code}:\n${stdout}\n${stderr}`)
  }

  return {
    home,
    backend,
    env,
    run: runPulumi,
    demand,
    start,
    async selectStack(name, options) {
      await demand(['stack', 'select', '--create', name], options)
    },
    async installPlugin(version, tarball) {
      await demand(['plugin', 'install', 'resource', 'trustform', version, '--file', tarball])
    },
    exportStack: options => demand(['stack', 'export'], options),
    async outputs(options) {
      // Its own format.
      return JSON.parse(await demand(['stack', 'output', '--json', '--show-secrets'], options)) as Record<
        string,
        unknown
      >
    },
  }
}
