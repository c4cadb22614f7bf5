import { createHash } from 'node:crypto'
import { cpSync, existsSync, linkSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cache, demand, findProgram, goFolders, locked, run, say } from './install.ts'

/** For hooks that ask for all of it: a cold build takes six minutes of an idle machine with two cores, and the lock waits. */
export const pulumiBuildTimeout = 45 * 60_000

export interface PulumiPaths {
  readonly version: string
  readonly pulumi: string
  /** Generates SDKs from a schema: see pulumi-sdk/main.go. */
  readonly generateSdk: string
  /** The folder with the CLI and its language hosts, for the PATH. */
  readonly path: string
  /** What every package schema has to satisfy: JSON Schema, in the Go module of the CLI. */
  readonly metaschema: string
  /** Builds the Go package in that folder, with the modules of the CLI. */
  buildGo(folder: string): Promise<void>
}

/** A Go module of our own, because `go install` refuses modules with replace directives. */
interface Build {
  /** Folder below the cache; changes with whatever is built. */
  readonly folder: string
  readonly what: string
  /** Lines of go.mod. */
  readonly require: readonly string[]
  readonly packages: readonly string[]
  /** By which a build is known to be complete. */
  readonly programs: readonly string[]
  /** Folder with Go sources of ours, built as `generate-sdk`. */
  readonly own?: string
  /** Files that a program needs beside it: module, and path inside it. */
  readonly beside?: readonly (readonly [module: string, path: string])[]
}

const version = '3.259.0'
const pulumi = 'github.com/pulumi/pulumi'
// What Pulumi's own go.mod replaces (verified 2026-11).
const clipboard =
  'replace github.com/atotto/clipboard => github.com/tgummerer/clipboard v0.0.0-20241001131231-d02d263e614e'
const core = [`require ${pulumi}/pkg/v3 v${version}`, `require ${pulumi}/sdk/v3 v${version}`, clipboard]

const cli: Build = {
  folder: `pulumi-${version}`,
  what: `Pulumi ${version}`,
  require: core,
  packages: [`${pulumi}/pkg/v3/cmd/pulumi`],
  programs: ['pulumi', 'pulumi.json'],
  beside: [[`${pulumi}/pkg/v3`, 'codegen/schema/pulumi.json']],
}

/** Writes go.sum itself; nothing needs a C compiler. */
const goEnv = { CGO_ENABLED: '0', GOFLAGS: '-mod=mod' }

const own = join(import.meta.dirname, 'pulumi-sdk')
const sdk: Build = {
  folder: `pulumi-sdk-${version}-${createHash('sha256')
    .update(readFileSync(join(own, 'main.go')))
    .digest('hex')
    .slice(0, 8)}`,
  what: "Pulumi's SDK generators",
  require: core,
  packages: [],
  programs: ['generate-sdk'],
  own,
}

const hosts: readonly Build[] = [
  {
    // Newer hosts are modules of their own, which do not resolve; these run programs under the CLI above.
    folder: 'pulumi-hosts-3.68.0',
    what: "Pulumi's hosts for Node.js and Python",
    require: [`require ${pulumi}/sdk/v3 v3.68.0`],
    packages: ['nodejs', 'python'].map(language => `${pulumi}/sdk/v3/${language}/cmd/pulumi-language-${language}`),
    programs: ['pulumi-language-nodejs', 'pulumi-language-python', 'pulumi-language-python-exec'],
    beside: [[`${pulumi}/sdk/v3`, 'python/cmd/pulumi-language-python-exec']],
  },
  {
    folder: 'pulumi-yaml-1.38.3',
    what: "Pulumi's host for YAML",
    require: ['require github.com/pulumi/pulumi-yaml v1.38.3', ...core],
    packages: ['github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml'],
    programs: ['pulumi-language-yaml'],
  },
]

/**
 * The Pulumi CLI and its language hosts, built once per version outside the checkout. Only tests that need them ask
 * for them: give the hook that does `pulumiBuildTimeout`.
 */
export async function ensurePulumi(): Promise<PulumiPaths> {
  for (const build of [cli, sdk, ...hosts]) await ensureBuild(build)
  const folder = join(cache, cli.folder)
  // Beside the CLI they are a part of it; from anywhere else on the PATH it warns of each.
  for (const host of hosts)
    for (const name of host.programs) linkOnce(join(cache, host.folder, name), join(folder, name))
  return {
    version,
    pulumi: join(folder, 'pulumi'),
    generateSdk: join(cache, sdk.folder, 'generate-sdk'),
    path: folder,
    metaschema: join(folder, 'pulumi.json'),
    buildGo,
  }
}

function linkOnce(from: string, to: string): void {
  try {
    linkSync(from, to)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

/** The same flags as for the CLI, so that what it was built from is there already. */
async function buildGo(folder: string): Promise<void> {
  const go = findProgram('go', goFolders)
  if (go === undefined) throw new Error('the Go package needs Go, which is not installed: install Go 1.26 or newer')
  await run(go, ['build', '-trimpath', './...'], goEnv, folder)
}

async function ensureBuild(build: Build): Promise<void> {
  const folder = join(cache, build.folder)
  const complete = () => build.programs.every(name => existsSync(join(folder, name)))
  if (complete()) return
  const go = findProgram('go', goFolders)
  demand(build.what, 'CI=1 npx vitest run --project servers test/servers/pulumi')
  if (go === undefined)
    throw new Error(`${build.what} is built with Go, which is not installed: install Go 1.26 or newer`)
  // A lock of its own: nobody else waits for these minutes.
  await locked(async () => {
    if (complete()) return
    say(`building ${build.what} into ${folder}, which takes minutes`)
    const building = mkdtempSync(join(cache, 'building-'))
    try {
      await buildInto(build, go, building)
      // A run that was stopped half-way leaves no folder that looks complete.
      rmSync(folder, { recursive: true, force: true })
      renameSync(building, folder)
    } finally {
      rmSync(building, { recursive: true, force: true })
    }
  }, build.folder)
}

async function buildInto({ require, packages, own, beside = [] }: Build, go: string, folder: string): Promise<void> {
  const lines = ['module trustform.test/pulumi', 'go 1.26', ...require]
  writeFileSync(join(folder, 'go.mod'), `${lines.join('\n')}\n`)
  if (own !== undefined) cpSync(own, join(folder, 'own'), { recursive: true })
  const stamp = `-X ${pulumi}/sdk/v3/go/common/version.Version=v${version}`
  // Whatever else runs on the machine goes first: a build has time.
  const build = (output: string, packagePath: string) =>
    run('nice', ['-n', '19', go, 'build', '-trimpath', '-ldflags', stamp, '-o', output, packagePath], goEnv, folder)
  for (const packagePath of packages) await build(packagePath.split('/').at(-1) ?? 'program', packagePath)
  if (own !== undefined) await build('generate-sdk', './own')
  for (const [module, path] of beside) {
    const source = (await run(go, ['list', '-m', '-f', '{{.Dir}}', module], goEnv, folder)).trim()
    cpSync(join(source, path), join(folder, path.split('/').at(-1) ?? path))
  }
}
