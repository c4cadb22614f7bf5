import { spawn } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { withLock } from './lock.ts'

/** What the tests of the outside talk to. Missing pieces are installed as root or in CI, and demanded elsewhere. */
export interface DnsServerPaths {
  readonly named: string
  readonly pdnsServer: string
  readonly pdnsSchema: string
  readonly nsupdate: string
  readonly dig: string
}

export interface PebblePaths {
  readonly pebble: string
  readonly challtestsrv: string
}

const packages = ['pdns-server', 'pdns-backend-sqlite3', 'bind9', 'bind9-dnsutils']
const gitPackages = ['git', 'openssh-server', 'openssh-client', 'gnupg']
const pebbleVersion = 'v2.10.1'
const giteaVersion = '1.26.0'
/** What Gitea's own go.mod replaces (verified 2026-11); 1.27 does not resolve this way. */
const giteaReplacements = [
  'github.com/jaytaylor/html2text => github.com/Necoro/html2text v0.0.0-20250804200300-7bf1ce1c7347',
  'github.com/nektos/act => gitea.com/gitea/act v0.261.10',
  'github.com/urfave/cli/v3 => github.com/urfave/cli/v3 v3.4.1',
  'go.yaml.in/yaml/v4 => go.yaml.in/yaml/v4 v4.0.0-rc.3',
  'github.com/Azure/azure-sdk-for-go/sdk/azcore => github.com/Azure/azure-sdk-for-go/sdk/azcore v1.19.0',
  'github.com/Azure/azure-sdk-for-go/sdk/storage/azblob => github.com/Azure/azure-sdk-for-go/sdk/storage/azblob v1.6.2',
  'github.com/microsoft/go-mssqldb => github.com/microsoft/go-mssqldb v1.9.7',
]
/** Where Go is installed when it is not on the PATH. */
export const goFolders = ['/usr/local/go/bin', '/usr/lib/go/bin']
const pdnsSchema = '/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql'
/** Where built servers are kept, outside the checkout. */
export const cache = join(homedir(), '.cache', 'trustform-test')

export interface GitServerPaths {
  readonly git: string
  readonly sshd: string
  readonly sshKeygen: string
  readonly gpg: string
}

export async function ensureServers(): Promise<void> {
  await ensureDnsServers()
  await ensureGitServers()
  await ensurePebble()
}

/** PowerDNS and BIND from Debian's packages. */
export function ensureDnsServers(): Promise<DnsServerPaths> {
  return ensurePackages('PowerDNS and BIND', packages, findDnsServers)
}

/** git over http and ssh, and the programs that sign commits. */
export function ensureGitServers(): Promise<GitServerPaths> {
  return ensurePackages('git, sshd and gpg', gitPackages, findGitServers)
}

async function ensurePackages<T>(what: string, names: readonly string[], find: () => T | undefined): Promise<T> {
  const found = find()
  if (found) return found
  const command = `apt-get update && apt-get install --no-install-recommends ${names.join(' ')}`
  demand(what, `sudo sh -c '${command}'`)
  const installed = await locked(async () => {
    if (!find()) await installPackages(names)
    return find()
  })
  if (installed) return installed
  throw new Error(`${what}: something is still missing after: ${command}`)
}

/** Pebble and its challenge test server, built once per version outside the checkout. */
export async function ensurePebble(): Promise<PebblePaths> {
  const folder = join(cache, `pebble-${pebbleVersion}`)
  const paths = { pebble: join(folder, 'pebble'), challtestsrv: join(folder, 'pebble-challtestsrv') }
  const complete = () => existsSync(paths.pebble) && existsSync(paths.challtestsrv)
  if (complete()) return paths
  const go = findProgram('go', goFolders)
  const modules = ['pebble', 'pebble-challtestsrv'].map(
    name => `github.com/letsencrypt/pebble/v2/cmd/${name}@${pebbleVersion}`,
  )
  demand('Pebble', `GOBIN=${folder} go install ${modules.join(' ')}`)
  if (go === undefined) throw new Error('Pebble is built with Go, which is not installed: install Go 1.24 or newer')
  await locked(async () => {
    if (complete()) return
    say(`building Pebble ${pebbleVersion} into ${folder}`)
    const building = mkdtempSync(join(cache, 'building-'))
    try {
      await run(go, ['install', ...modules], { GOBIN: building })
      // A run that was stopped half-way leaves no folder that looks complete.
      rmSync(folder, { recursive: true, force: true })
      renameSync(building, folder)
    } finally {
      rmSync(building, { recursive: true, force: true })
    }
  })
  return paths
}

export interface GiteaPaths {
  readonly gitea: string
  /** Templates and translations, which it reads at run time. */
  readonly staticRoot: string
}

/**
 * Gitea, a real forge, built once per version outside the checkout. Only tests that need it ask for it, because a cold
 * build takes minutes.
 */
export async function ensureGitea(): Promise<GiteaPaths> {
  const folder = join(cache, `gitea-${giteaVersion}`)
  const paths = { gitea: join(folder, 'gitea'), staticRoot: join(folder, 'static') }
  const complete = () => existsSync(paths.gitea) && existsSync(paths.staticRoot)
  if (complete()) return paths
  const go = findProgram('go', goFolders)
  demand('Gitea', 'CI=1 npx vitest run --project servers test/servers/gitea')
  if (go === undefined) throw new Error('Gitea is built with Go, which is not installed: install Go 1.26.2 or newer')
  // A lock of its own: nobody else waits for these minutes.
  await locked(async () => {
    if (complete()) return
    say(`building Gitea ${giteaVersion} into ${folder}, which takes about three minutes`)
    const building = mkdtempSync(join(cache, 'building-'))
    try {
      await buildGitea(go, building)
      rmSync(folder, { recursive: true, force: true })
      renameSync(building, folder)
    } finally {
      rmSync(building, { recursive: true, force: true })
    }
  }, 'gitea')
  return paths
}

/**
 * `go install` refuses modules with replace directives, so a module of our own repeats those of Gitea's go.mod. What
 * is not Go comes from the module's own folder, which is read-only: its files are copied writable.
 */
async function buildGitea(go: string, folder: string): Promise<void> {
  const lines = [
    'module trustform.test/gitea',
    'go 1.26.2',
    'tool code.gitea.io/gitea',
    `require code.gitea.io/gitea v${giteaVersion}`,
    ...giteaReplacements.map(line => `replace ${line}`),
  ]
  writeFileSync(join(folder, 'go.mod'), `${lines.join('\n')}\n`)
  const env = { CGO_ENABLED: '1', GOFLAGS: '-mod=mod' }
  const tags = ['-tags', 'sqlite sqlite_unlock_notify']
  await run(go, ['build', '-trimpath', ...tags, '-o', 'gitea', 'code.gitea.io/gitea'], env, folder)
  const source = (await run(go, ['list', '-m', '-f', '{{.Dir}}', 'code.gitea.io/gitea'], env, folder)).trim()
  for (const name of ['templates', 'options', 'public']) {
    await run('cp', ['-R', join(source, name), join(folder, `${name}-copy`)])
    await run('chmod', ['-R', 'u+w', join(folder, `${name}-copy`)])
    mkdirSync(join(folder, 'static'), { recursive: true })
    renameSync(join(folder, `${name}-copy`), join(folder, 'static', name))
  }
}

function findDnsServers(): DnsServerPaths | undefined {
  const named = findProgram('named')
  const pdnsServer = findProgram('pdns_server')
  const nsupdate = findProgram('nsupdate')
  const dig = findProgram('dig')
  if (named === undefined || pdnsServer === undefined || nsupdate === undefined || dig === undefined) return undefined
  return existsSync(pdnsSchema) ? { named, pdnsServer, nsupdate, dig, pdnsSchema } : undefined
}

function findGitServers(): GitServerPaths | undefined {
  const git = findProgram('git')
  const sshd = findProgram('sshd')
  const sshKeygen = findProgram('ssh-keygen')
  const gpg = findProgram('gpg')
  if (git === undefined || sshd === undefined || sshKeygen === undefined || gpg === undefined) return undefined
  return { git, sshd, sshKeygen, gpg }
}

/** The packages' services stay off: they would take port 53 of the machine. */
async function installPackages(names: readonly string[]): Promise<void> {
  say(`installing ${names.join(' ')} with apt-get`)
  const policy = '/usr/sbin/policy-rc.d'
  const block = isRoot() && !existsSync(policy)
  if (block) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    await apt(['update', '-q'])
    await apt(['install', '-y', '-q', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', ...names])
  } finally {
    if (block) rmSync(policy, { force: true })
  }
}

function apt(args: readonly string[]): Promise<unknown> {
  const command = ['env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', 'apt-get', ...args]
  return isRoot() ? run('/usr/bin/env', command.slice(1)) : run('sudo', ['-n', ...command])
}

const isRoot = () => process.getuid?.() === 0

/** Elsewhere than as root or in CI nothing is installed behind the user's back. */
export function demand(what: string, command: string): void {
  if (isRoot() || process.env.CI) return
  throw new Error(`these tests need ${what}; install with: ${command}`)
}

/** Looks in the places of system programs too: an ordinary user's PATH lacks /usr/sbin. */
export function findProgram(name: string, more: readonly string[] = []): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/sbin', ...more]
  return folders.map(folder => join(folder, name)).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Runs work while no other run installs under that name. */
export function locked<T>(work: () => Promise<T>, name = 'install'): Promise<T> {
  mkdirSync(cache, { recursive: true })
  return withLock(join(cache, `${name}.lock`), work)
}

/** One line about what takes long. */
export const say = (line: string) => process.stderr.write(`test servers: ${line}\n`)

/** Answers what it printed on stdout. */
export function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd = tmpdir(),
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    let [output, printed] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => {
      printed = (printed + chunk.toString()).slice(-20_000)
      output = (output + chunk.toString()).slice(-20_000)
    })
    child.stderr.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-20_000)
    })
    child.on('error', reject)
    child.on('exit', code => {
      if (code === 0) resolve(printed)
      else reject(new Error(`${command} ${args.join(' ')} failed (${code}):\n${output.slice(-4000)}`))
    })
  })
}
