import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import manifest from '../../package.json' with { type: 'json' }
import { bundle } from '../../scripts/build/bundle.ts'
import { archiveName, pluginFiles } from '../../scripts/build/pulumi-plugin.ts'
import { tarGz } from '../../scripts/build/tar.ts'
import { type Finished, type Pulumi, type RunningPulumi, startPulumi } from '../servers/pulumi.ts'
import { createScratch, type Scratch } from '../servers/scratch.ts'
import { type Outcome, outcomeOf } from './pulumi-outcome.ts'
import { createWorkspace, type Workspace } from './workspace.ts'

const root = join(import.meta.dirname, '../..')

/** The real CLI with the plugin as users get it: the archive, installed offline. */
export interface PulumiWorld {
  readonly pulumi: Pulumi
  readonly scratch: Scratch
  readonly archive: string
  /** A program and its stack, in a folder of its own with a state of its own; or in that of another one. */
  project(name: string, where?: Workspace): Promise<PulumiProject>
  /** Processes of the plugin that run now. */
  plugins(): readonly number[]
  stop(): void
}

/** Declarations by logical name, as a YAML program has them. */
export type Declarations = Readonly<Record<string, Declaration>>

export interface Declaration {
  readonly type: string
  readonly properties?: object
  readonly options?: object
}

export interface Program {
  readonly resources?: Declarations
  readonly variables?: object
  readonly outputs?: object
  readonly config?: object
}

export type Command = 'preview' | 'up' | 'refresh' | 'destroy' | 'import'

export interface PulumiProject {
  readonly name: string
  /** The folder of the program, with the state in it; the command line of the product runs there too. */
  readonly work: Workspace
  /** Replaces the whole program. */
  declare(resources: Declarations, more?: Omit<Program, 'resources'>): void
  /** Runs a command that has to succeed; throws with all that it printed otherwise. */
  do(command: Command, ...args: readonly string[]): Promise<Outcome>
  /** Runs a command that has to fail, and answers what it said. */
  refused(command: Command, ...args: readonly string[]): Promise<Outcome>
  start(command: Command, args?: readonly string[], env?: Readonly<Record<string, string>>): RunningPulumi
  /** Any other command. */
  demand(...args: readonly string[]): Promise<string>
  /** The stack's outputs, secrets in clear. */
  outputs(): Promise<Readonly<Record<string, unknown>>>
  /** What the stack remembers of a resource, secrets as they are stored. */
  recorded(name: string): Promise<Recorded>
  select(stack: string): Promise<void>
  /** What the host of its language needs. */
  setEnvironment(more: Readonly<Record<string, string>>): void
  urn(kind: string, name: string): string
}

export interface Recorded {
  readonly id: string
  readonly urn: string
  readonly inputs: Readonly<Record<string, unknown>>
  readonly outputs: Readonly<Record<string, unknown>>
}

/** Bundles the plugin from the sources, and installs it where nothing else is. */
export async function startPulumiWorld(name: string): Promise<PulumiWorld> {
  const scratch = createScratch(name)
  const pulumi = await startPulumi(scratch.path)
  const archive = join(scratch.path, archiveName(manifest.version, 'linux-amd64'))
  writeFileSync(archive, tarGz(pluginFiles(root, await bundle(join(scratch.path, 'dist')), 'linux-amd64')))
  await pulumi.installPlugin(manifest.version, archive)
  const workspaces: Workspace[] = []

  async function project(name: string, where?: Workspace): Promise<PulumiProject> {
    const work = where ?? createWorkspace(name)
    if (!where) workspaces.push(work)
    const opened = createProject(pulumi, name, work)
    await opened.select('dev')
    return opened
  }

  return {
    pulumi,
    scratch,
    archive,
    project,
    plugins: () => processesBelow(join(pulumi.home, 'plugins')),
    stop() {
      for (const work of workspaces) work.remove()
      scratch.remove()
    },
  }
}

/** Processes with a program of that folder in their command line. */
function processesBelow(folder: string): readonly number[] {
  return readdirSync('/proc').flatMap(name => {
    if (!/^\d+$/.test(name)) return []
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(`${folder}/`) ? [Number(name)] : []
    } catch {
      return [] // it ended meanwhile
    }
  })
}

const answers: Readonly<Record<Command, readonly string[]>> = {
  preview: ['--diff'],
  up: ['--yes', '--skip-preview'],
  refresh: ['--yes', '--skip-preview'],
  destroy: ['--yes', '--skip-preview'],
  import: ['--yes', '--skip-preview'],
}

function createProject(pulumi: Pulumi, name: string, work: Workspace): PulumiProject {
  const cwd = join(work.folder, name)
  let stack = 'dev'
  const state = `sqlite:${join(work.folder, '.trustform/state.db')}`
  // What the machine's user has set for the product, and the CLI of the tests for itself.
  const { PATH: _path, HOME: _home, ...own } = work.env
  const env: Record<string, string> = { ...own, TRUSTFORM_STATE: state, PULUMI_DEBUG_COMMANDS: 'true' }
  const declare: PulumiProject['declare'] = (resources, more = {}) =>
    void work.write(join(name, 'Pulumi.yaml'), JSON.stringify({ name, runtime: 'yaml', resources, ...more }, null, 1))
  declare({})

  const start: PulumiProject['start'] = (command, args = [], more = {}) =>
    pulumi.start([command, ...answers[command], ...args], { cwd, env: { ...env, ...more } })

  async function run(command: Command, args: readonly string[]): Promise<Finished & { outcome: Outcome }> {
    const events = join(work.folder, `events-${name}.json`)
    rmSync(events, { force: true })
    const finished = await start(command, [...args, '--event-log', events]).finished
    return { ...finished, outcome: outcomeOf(command, finished, readFileSync(events, 'utf8')) }
  }

  return {
    name,
    work,
    declare,
    async do(command, ...args) {
      const { code, outcome } = await run(command, args)
      if (code === 0) return outcome
      throw new Error(`pulumi ${command} ${args.join(' ')} ended with ${code}:\n${outcome.text}`)
    },
    async refused(command, ...args) {
      const { code, outcome } = await run(command, args)
      if (code !== 0) return outcome
      throw new Error(`pulumi ${command} ${args.join(' ')} was not refused:\n${outcome.text}`)
    },
    start,
    demand: (...args) => pulumi.demand(args, { cwd, env }),
    outputs: () => pulumi.outputs({ cwd, env }),
    async recorded(logical) {
      // Pulumi's own format.
      const { deployment } = JSON.parse(await pulumi.exportStack({ cwd, env })) as {
        deployment: { resources?: (Recorded & { delete?: boolean })[] }
      }
      const found = deployment.resources?.find(each => each.urn.endsWith(`::${logical}`) && each.delete !== true)
      if (!found) throw new Error(`the stack holds no ${logical}`)
      return found
    },
    async select(name) {
      stack = name
      await pulumi.selectStack(name, { cwd, env })
    },
    setEnvironment: more => void Object.assign(env, more),
    urn: (kind, logical) => `urn:pulumi:${stack}::${name}::trustform:index:${kind}::${logical}`,
  }
}
