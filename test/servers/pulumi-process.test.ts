import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type grpc from '@grpc/grpc-js'
import pb from '@pulumi/pulumi/proto/provider_pb.js'
import empty from 'google-protobuf/google/protobuf/empty_pb.js'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { type Properties, SecretValue } from '../../pulumi-provider/ports.ts'
import { ask, type PulumiCli, procedures, startPulumiCli } from '../../pulumi-provider/server/fixtures/pulumi-cli.ts'
import { encodeProperties } from '../../pulumi-provider/server/wire/encode.ts'
import { bundle } from '../../scripts/build/bundle.ts'
import { pluginFiles } from '../../scripts/build/pulumi-plugin.ts'
import { tarGz } from '../../scripts/build/tar.ts'

const root = join(import.meta.dirname, '../..')
let folder: string
let archive: Buffer
/** The unpacked archive: nothing else of this repository is near it. */
let executable: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'trustform-plugin-'))
  archive = await pack('dist')
  writeFileSync(join(folder, 'plugin.tar.gz'), archive)
  mkdirSync(join(folder, 'plugin'))
  // A project of ES modules around it must not matter.
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  const { status } = spawnSync('tar', ['-xzf', 'plugin.tar.gz', '-C', 'plugin'], { cwd: folder })
  expect(status).toBe(0)
  executable = join(folder, 'plugin/pulumi-resource-trustform')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function pack(outdir: string): Promise<Buffer> {
  return tarGz(pluginFiles(root, await bundle(join(folder, outdir)), 'linux-amd64'))
}

interface Plugin {
  readonly child: ChildProcess
  readonly client: grpc.Client
  stdout(): string
  stderr(): string
}

const children: ChildProcess[] = []
let cli: PulumiCli | undefined
afterEach(async () => {
  cli?.close()
  cli = undefined
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  }
})

const env = () => ({ HOME: join(folder, 'home'), PATH: `${dirname(process.execPath)}:${process.env.PATH}` })

/** As the CLI starts it. */
async function start(): Promise<Plugin> {
  cli = await startPulumiCli()
  const args = ['--logtostderr', '-v=9', '--tracing', 'http://127.0.0.1:9', cli.address]
  const child = spawn(executable, args, { cwd: folder, env: env() })
  children.push(child)
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)]
  while (!stdout().includes('\n') && child.exitCode === null) await pause(5)
  expect([stdout(), stderr()]).toEqual([expect.stringMatching(/^\d+\n$/), ''])
  return { child, client: cli.connect(Number(stdout())), stdout, stderr }
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = ''
  stream.on('data', chunk => {
    text += chunk
  })
  return () => text
}

test('the archive holds all that the plugin needs, and the licences of what it contains', () => {
  const { stdout } = spawnSync('tar', ['-tvzf', join(folder, 'plugin.tar.gz')], { encoding: 'utf8' })
  expect(stdout).toMatch(/^-rwxr-xr-x .* pulumi-resource-trustform$/m)
  const notices = readFileSync(join(dirname(executable), 'THIRD-PARTY-NOTICES.txt'), 'utf8')
  for (const name of ['@grpc/grpc-js', '@pulumi/pulumi', 'google-protobuf', 'undici', 'kysely']) {
    expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(`, 'm'))
  }
  // What belongs to other commands only is not in it.
  expect(notices).not.toMatch(/^fastify /m)
})

test('the same sources are the same archive', async () => {
  expect((await pack('elsewhere/dist')).equals(archive)).toBe(true)
})

test('it answers the handshake, its version and its schema', async () => {
  const { client } = await start()
  const handshake = await ask(client, procedures.handshake, new pb.ProviderHandshakeRequest())
  expect(handshake.getAcceptSecrets()).toBe(true)
  const info = await ask(client, procedures.getPluginInfo, new empty.Empty())
  expect(info.getVersion()).toBe(manifest.version)
  const schema = JSON.parse((await ask(client, procedures.getSchema, new pb.GetSchemaRequest())).getSchema())
  expect(schema).toMatchObject({ name: 'trustform', version: manifest.version })
  expect(Object.keys(schema.resources)).toContain('trustform:index:Certificate')
})

test('a secret in calls that fail is in nothing that the process says', async () => {
  const plugin = await start()
  const { client } = plugin
  const canary = 'canary-9e107d9d372bb6826bd81d3542a419d6'
  const said: string[] = []
  const hear = async (call: Promise<{ toObject(): object }>) => {
    const answer = await call.then(
      response => JSON.stringify(response.toObject()),
      (error: grpc.ServiceError) => `${error.code} ${error.details} ${error.message}`,
    )
    said.push(answer)
    return answer
  }
  const state = `sqlite:${join(folder, 'state.db')}`
  const config: Properties = { state, masterKeyFile: join(folder, 'master.key') }
  await ask(client, procedures.configure, new pb.ConfigureRequest().setArgs(encodeProperties(config)))

  const secret = new SecretValue(canary)
  const wrong: [kind: string, inputs: Properties][] = [
    ['Secret', { path: secret, data: secret }],
    ['DnsProvider', { providerType: 'powerdns', credentials: secret, managedZones: ['**'] }],
    ['DnsProvider', { providerType: 'powerdns', credentials: { api_url: secret, api_key: secret, wrong: secret } }],
    ['Certificate', { domains: [secret], role: secret, wrong: secret }],
    ['AcmeAccount', { directoryUrl: secret, email: secret }],
    ['Role', { ca: secret }],
    ['Nothing', { it: secret }],
  ]
  for (const [kind, inputs] of wrong) {
    const urn = `urn:pulumi:dev::shop::trustform:index:${kind}::x`
    const check = await ask(
      client,
      procedures.check,
      new pb.CheckRequest().setUrn(urn).setNews(encodeProperties(inputs)),
    ).then(
      // The checked inputs go back to the engine, and a property that is named has it print its value.
      response => response.getFailuresList().map(failure => `${failure.getProperty()} ${failure.getReason()}`),
      (error: grpc.ServiceError) => [error.details],
    )
    said.push(...check)
    const create = new pb.CreateRequest().setUrn(urn).setProperties(encodeProperties(inputs))
    expect(await hear(ask(client, procedures.create, create))).toMatch(/^\d+ /)
  }
  expect(said.length).toBeGreaterThan(wrong.length)
  expect([...said, ...(cli?.logged ?? []), plugin.stdout(), plugin.stderr()].join('\n')).not.toContain(canary)
})

test('an interrupt ends it, with nothing more on standard output', async () => {
  const { child, client, stdout, stderr } = await start()
  await ask(client, procedures.getPluginInfo, new empty.Empty())
  child.kill('SIGINT')
  expect(await once(child, 'exit')).toEqual([0, null])
  expect([stdout(), stderr()]).toEqual([expect.stringMatching(/^\d+\n$/), ''])
})

test('it ends when whoever started it was killed', async () => {
  const parent = `
    const { spawn } = require('node:child_process')
    const plugin = spawn(${JSON.stringify(executable)}, ['127.0.0.1:9'], { stdio: ['ignore', 'pipe', 'ignore'] })
    plugin.stdout.once('data', () => process.stdout.write(plugin.pid + '\\n'))
  `
  const child = spawn(process.execPath, ['-e', parent], { cwd: folder, env: env() })
  children.push(child)
  const stdout = collect(child.stdout)
  while (!stdout().includes('\n')) await pause(5)
  const plugin = Number(stdout())
  expect(lives(plugin)).toBe(true)
  child.kill('SIGKILL')
  await expect.poll(() => lives(plugin), { timeout: 20_000 }).toBe(false)
})

/** A process that ended but was not waited for is a zombie. */
function lives(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

test('a fixed port is for a CLI that attaches; one that is taken is told', async () => {
  const { stdout } = await start()
  const taken = spawnSync(executable, ['--port', stdout().trim()], { cwd: folder, env: env(), encoding: 'utf8' })
  expect([taken.status, taken.stdout]).toEqual([1, ''])
  expect(taken.stderr).toMatch(/^error: port \d+ of 127\.0\.0\.1 cannot be listened on\n {2}remedy: .*\n$/)
})

test('an older Node is told what to do, by what every Node can read', () => {
  const old = "Object.defineProperty(process,'versions',{value:{node:'20.20.2'}});require(process.argv[1])"
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', old, executable], { encoding: 'utf8' })
  expect([status, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(/^error: the Trustform provider needs Node 24 or newer, .* is 20\.20\.2\nhint: {2}.*\n$/)
  expect(readFileSync(executable, 'utf8')).not.toMatch(/=>|`[^\n]*\$\{|\b(const|let|async|import|class)\b/)
})
