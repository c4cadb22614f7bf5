import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import manifest from '../../package.json' with { type: 'json' }
import { archiveName } from '../../scripts/build/pulumi-plugin.ts'
import { type ArchivedFile, tarGz } from '../../scripts/build/tar.ts'
import { startPulumi } from '../servers/pulumi.ts'
import { packPlugin } from '../servers/pulumi-plugin.ts'
import { type PluginUsage, watchPlugins } from './pulumi-processes.ts'

const root = resolve(import.meta.dirname, '../..')
/** `--cpu-prof` and the like, for whoever looks for where the time goes. */
const nodeOptions = process.env.TRUSTFORM_BENCH_NODE_OPTIONS

/** The real CLI with one plugin installed, in a home of its own. */
export interface PulumiBench {
  /** The installed plugin, as the CLI starts it. */
  readonly executable: string
  readonly env: Readonly<Record<string, string>>
  /** Writes a program and applies it to a stack of its own. */
  applied(program: BenchProgram): Promise<AppliedProgram>
}

export interface BenchProgram {
  readonly name: string
  readonly resources: number
  /** Puts its files into a folder. */
  write(folder: string): Promise<void>
}

export interface PulumiRun extends PluginUsage {
  readonly seconds: number
}

export interface AppliedProgram {
  /** The run that made everything. */
  readonly up: PulumiRun
  /** Fails unless it sees every resource, and each unchanged. */
  preview(): Promise<PulumiRun>
}

/** Packs a plugin into an archive in a folder. */
type Pack = (folder: string) => Promise<{ readonly version: string; readonly archive: string }>

export async function startPulumiBench(
  folder: string,
  pack: Pack,
  more: Readonly<Record<string, string>> = {},
): Promise<PulumiBench> {
  const pulumi = await startPulumi(folder)
  const { version, archive } = await pack(join(folder, 'packed'))
  await pulumi.installPlugin(version, archive)
  const env = {
    TRUSTFORM_MASTER_KEY: Buffer.alloc(32, 1).toString('base64'),
    ...(nodeOptions !== undefined && { NODE_OPTIONS: nodeOptions }),
    ...more,
  }

  return {
    executable: join(pulumi.home, 'plugins', `resource-trustform-v${version}`, 'pulumi-resource-trustform'),
    env: { ...pulumi.env, ...env },
    async applied(program) {
      const cwd = join(folder, program.name)
      mkdirSync(cwd)
      await program.write(cwd)
      const own = { ...env, TRUSTFORM_STATE: `sqlite:${join(cwd, 'state.db')}` }
      await pulumi.selectStack(`${program.name}-dev`, { cwd, env: own })

      async function run(args: readonly string[], more: Readonly<Record<string, string>>, expected: string) {
        const start = performance.now()
        const running = pulumi.start(args, { cwd, env: { ...own, ...more }, timeoutMs: 600_000 })
        const watched = watchPlugins(running.pid)
        const { code, stdout, stderr } = await running.finished
        const seconds = (performance.now() - start) / 1000
        const usage = watched.stop()
        // The stack is a resource too. A run that saw less, or did more, measures something else.
        if (code !== 0 || !stdout.includes(`Resources:\n    ${expected}\n`)) {
          throw new Error(
            `pulumi ${args.join(' ')} ended with ${code}, not ${expected}: ${stdout.slice(-2000)}${stderr}`,
          )
        }
        return { seconds, ...usage }
      }

      const all = program.resources + 1
      // Otherwise the backend writes the whole stack down at every step, which takes minutes and is not measured here.
      const once = { PULUMI_EXPERIMENTAL: '1', PULUMI_SKIP_CHECKPOINTS: '1' }
      const up = await run(['up', '--yes', '--skip-preview'], once, `+ ${all} created`)
      return { up, preview: () => run(['preview'], {}, `${all} unchanged`) }
    },
  }
}

/** The plugin as `npm run package:pulumi` packs it. */
export const ours: Pack = packPlugin

/** The one that does nothing: bundled, started and installed in the same way, so that it begins as fast. */
export const idle: Pack = async folder => {
  const dist = join(folder, 'dist')
  await build({
    absWorkingDir: root,
    entryPoints: [{ in: 'test/bench/pulumi-idle-plugin.ts', out: 'pulumi-resource-trustform' }],
    outdir: dist,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'warning',
    banner: {
      js: "import{createRequire as __benchRequire}from'node:module';const require=__benchRequire(import.meta.url);",
    },
  })
  const files = new Map<string, ArchivedFile>()
  const add = (path: string, contents: string | Buffer, more: Partial<ArchivedFile> = {}) =>
    files.set(path, { contents: Buffer.from(contents), ...more })
  const start = "#!/usr/bin/env node\nrequire('./bin/start.cjs').start('pulumi-resource-trustform.js')\n"
  add('pulumi-resource-trustform', start, { executable: true })
  add('bin/start.cjs', readFileSync(join(root, 'bin/start.cjs')))
  add('package.json', '{"type":"commonjs"}\n')
  add('dist/package.json', '{"type":"module"}\n')
  for (const name of readdirSync(dist)) add(join('dist', name), readFileSync(join(dist, name)))
  const archive = join(folder, archiveName(manifest.version, 'linux-amd64'))
  writeFileSync(archive, tarGz(files))
  return { version: manifest.version, archive }
}
