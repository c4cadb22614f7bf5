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
const pebbleVersion = 'v2.10.1'
const pdnsSchema = '/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql'
const cache = join(homedir(), '.cache', 'trustform-test')

export async function ensureServers(): Promise<void> {
  await ensureDnsServers()
  await ensurePebble()
}

/** PowerDNS and BIND from Debian's packages. */
export async function ensureDnsServers(): Promise<DnsServerPaths> {
  const found = findDnsServers()
  if (found) return found
  const command = `apt-get update && apt-get install --no-install-recommends ${packages.join(' ')}`
  demand('PowerDNS and BIND', `sudo sh -c '${command}'`)
  const installed = await locked(async () => findDnsServers() ?? (await installPackages()))
  if (installed) return installed
  throw new Error(`PowerDNS or BIND is still missing after: ${command}`)
}

/** Pebble and its challenge test server, built once per version outside the checkout. */
export async function ensurePebble(): Promise<PebblePaths> {
  const folder = join(cache, `pebble-${pebbleVersion}`)
  const paths = { pebble: join(folder, 'pebble'), challtestsrv: join(folder, 'pebble-challtestsrv') }
  const complete = () => existsSync(paths.pebble) && existsSync(paths.challtestsrv)
  if (complete()) return paths
  const go = findProgram('go', ['/usr/local/go/bin', '/usr/lib/go/bin'])
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

function findDnsServers(): DnsServerPaths | undefined {
  const named = findProgram('named')
  const pdnsServer = findProgram('pdns_server')
  const nsupdate = findProgram('nsupdate')
  const dig = findProgram('dig')
  if (named === undefined || pdnsServer === undefined || nsupdate === undefined || dig === undefined) return undefined
  return existsSync(pdnsSchema) ? { named, pdnsServer, nsupdate, dig, pdnsSchema } : undefined
}

/** The packages' services stay off: they would take port 53 of the machine. */
async function installPackages(): Promise<DnsServerPaths | undefined> {
  say(`installing ${packages.join(' ')} with apt-get`)
  const policy = '/usr/sbin/policy-rc.d'
  const block = isRoot() && !existsSync(policy)
  if (block) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    await apt(['update', '-q'])
    await apt(['install', '-y', '-q', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', ...packages])
  } finally {
    if (block) rmSync(policy, { force: true })
  }
  return findDnsServers()
}

function apt(args: readonly string[]): Promise<void> {
  const command = ['env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', 'apt-get', ...args]
  return isRoot() ? run('/usr/bin/env', command.slice(1)) : run('sudo', ['-n', ...command])
}

const isRoot = () => process.getuid?.() === 0

/** Elsewhere than as root or in CI nothing is installed behind the user's back. */
function demand(what: string, command: string): void {
  if (isRoot() || process.env.CI) return
  throw new Error(`these tests need ${what}; install with: ${command}`)
}

/** Looks in the places of system programs too: an ordinary user's PATH lacks /usr/sbin. */
function findProgram(name: string, more: readonly string[] = []): string | undefined {
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

function locked<T>(work: () => Promise<T>): Promise<T> {
  mkdirSync(cache, { recursive: true })
  return withLock(join(cache, 'install.lock'), work)
}

const say = (line: string) => process.stderr.write(`test servers: ${line}\n`)

function run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: tmpdir(),
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    const collect = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-20_000)
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.on('error', reject)
    child.on('exit', code => {
      if (code === 0) resolve()
      else reject(new Error(`${command} ${args.join(' ')} failed (${code}):\n${output.slice(-4000)}`))
    })
  })
}
