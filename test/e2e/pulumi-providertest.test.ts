import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { cache, demand, findProgram, goFolders, locked, run, say } from '../servers/install.ts'
import { pulumiBuildTimeout } from '../servers/pulumi-install.ts'
import { type PulumiWorld, startPulumiWorld } from './pulumi-world.ts'

const sources = join(import.meta.dirname, 'pulumi-providertest')

/** Pulumi's acceptance tests for providers (providertest 0.6.0) with our programs, built once per version of both. */
async function ensureProvidertest(): Promise<string> {
  const digest = createHash('sha256')
  for (const file of ['go.mod', 'go.sum', 'provider_test.go']) digest.update(readFileSync(join(sources, file)))
  const folder = join(cache, `pulumi-providertest-${digest.digest('hex').slice(0, 8)}`)
  const program = join(folder, 'providertest')
  if (existsSync(program)) return program
  demand("Pulumi's tests for providers", 'CI=1 npx vitest run --project servers test/e2e/pulumi-providertest')
  const go = findProgram('go', goFolders)
  if (go === undefined) {
    throw new Error("Pulumi's tests for providers are built with Go, which is not installed: install Go 1.26 or newer")
  }
  await locked(async () => {
    if (existsSync(program)) return
    say(`building Pulumi's tests for providers into ${folder}, which takes a minute`)
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    await run(go, ['test', '-c', '-trimpath', '-o', `${program}.part`, '.'], { CGO_ENABLED: '0' }, sources)
    renameSync(`${program}.part`, program)
  }, 'pulumi-providertest')
  return program
}

let world: PulumiWorld
let program: string
let env: Readonly<Record<string, string>>
beforeAll(async () => {
  program = await ensureProvidertest()
  world = await startPulumiWorld('pulumi-providertest')
  // It has backends of its own.
  const { PULUMI_BACKEND_URL: _own, ...common } = world.pulumi.env
  const plugin = join(world.pulumi.home, 'plugins', `resource-trustform-v${manifest.version}`)
  const key = randomBytes(32).toString('base64')
  env = { ...common, TMPDIR: world.scratch.path, TRUSTFORM_PLUGIN: plugin, TRUSTFORM_MASTER_KEY: key }
}, pulumiBuildTimeout)
afterAll(() => world?.stop())

async function running(args: readonly string[]): Promise<{ output: string; code: number | null }> {
  const child = spawn(program, args, { cwd: world.scratch.path, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const code = new Promise<number | null>((resolve, reject) => child.on('close', resolve).on('error', reject))
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { output: output + errors, code: await code }
}

const tests = ['TestLocalProviderPath', 'TestAttachedProvider', 'TestImport']

test('all of its tests are run here', async () => {
  const { output } = await running(['-test.list', '.*'])
  expect(output.trim().split('\n').toSorted()).toEqual(tests.toSorted())
})

test.each(tests)('%s', async name => {
  const { output, code } = await running(['-test.v', '-test.run', `^${name}$`])
  expect(code, output).toBe(0)
  expect(output).toContain(`--- PASS: ${name}`)
  expect(world.plugins()).toEqual([])
}, 240_000)
