import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pulumiSchema } from '../../pulumi-provider/schema/package.ts'
import { type Pulumi, startPulumi } from '../servers/pulumi.ts'
import { pulumiBuildTimeout } from '../servers/pulumi-install.ts'
import { packPlugin } from '../servers/pulumi-plugin.ts'
import { ensurePulumiPython, type PulumiPython } from '../servers/pulumi-python.ts'
import { generateSdks, linkNodeSdk, type Sdks } from '../servers/pulumi-sdk.ts'
import { createScratch } from '../servers/scratch.ts'

const examples = join(import.meta.dirname, '..', '..', 'examples')
const scratch = createScratch('pulumi-examples')
let pulumi: Pulumi
let sdks: Sdks
let python: PulumiPython

beforeAll(async () => {
  pulumi = await startPulumi(scratch.path)
  const { version, archive } = await packPlugin(join(scratch.path, 'plugin'))
  await pulumi.installPlugin(version, archive)
  sdks = await generateSdks(pulumiSchema(version), join(scratch.path, 'sdks'))
  python = await ensurePulumiPython()
}, pulumiBuildTimeout)
afterAll(() => scratch.remove())

/** What each needs before it runs, instead of `npm install`, `pulumi install` and `pulumi package add`. */
const preparations: Readonly<Record<string, (folder: string) => Promise<Readonly<Record<string, string>>>>> = {
  'pulumi-yaml': async () => ({}),
  'pulumi-typescript': async folder => {
    await linkNodeSdk(sdks.nodejs, folder)
    return {}
  },
  'pulumi-python': async folder => {
    await python.install(sdks.python, join(folder, 'sdk'))
    symlinkSync(python.virtualenv, join(folder, 'venv'))
    // The host of the tests is older than the option `virtualenv`: it takes the first Python of the PATH.
    return { PYTHONPATH: join(folder, 'sdk'), PATH: `${join(python.virtualenv, 'bin')}:${pulumi.env.PATH}` }
  },
}

test('every example of Pulumi is run', () => {
  const programs = readdirSync(examples).filter(name => existsSync(join(examples, name, 'Pulumi.yaml')))
  expect(programs.toSorted()).toEqual(Object.keys(preparations).toSorted())
})

describe.each(Object.entries(preparations))('examples/%s', (name, prepare) => {
  test('makes certificates, and settles', async () => {
    const cwd = join(scratch.path, name)
    cpSync(join(examples, name), cwd, { recursive: true })
    const options = { cwd, env: await prepare(cwd) }
    await pulumi.selectStack(`${name}-dev`, options)
    await pulumi.demand(['preview'], options)
    await pulumi.demand(['up', '--yes', '--skip-preview'], options)
    const outputs = JSON.stringify(await pulumi.outputs(options))
    expect(outputs).toMatch(/BEGIN CERTIFICATE.*BEGIN PRIVATE KEY|BEGIN PRIVATE KEY.*BEGIN CERTIFICATE/s)
    const second = await pulumi.demand(['up', '--yes', '--expect-no-changes'], options)
    expect(second).toMatch(/\d unchanged/)
    expect(await pulumi.exportStack(options)).not.toContain('PRIVATE KEY')
  }, 240_000)
})

test('a pull request gets what the preview says, and a job that fails where something is refused', async () => {
  const cwd = join(scratch.path, 'pull-request')
  cpSync(join(examples, 'pulumi-yaml'), cwd, { recursive: true })
  await pulumi.selectStack('pull-request', { cwd })
  const bin = join(examples, '..', 'bin')
  const env = { ...pulumi.env, PATH: `${bin}:${pulumi.env.PATH}`, STACK: 'pull-request', PRINT: 'true' }
  const preview = () => spawnSync('./preview.sh', { cwd, env, encoding: 'utf8' })

  const fine = preview()
  expect(fine.status, fine.stderr).toBe(0)
  expect(fine.stdout).toMatch(/^<!-- trustform:pulumi-pull-request -->\n### Pulumi preview of `pull-request`/)
  expect(fine.stdout).toContain('trustform:index:Certificate: (create)')
  // The plugin lies beside trustform on the PATH, too.
  expect(fine.stdout).not.toContain('warning')

  const program = join(cwd, 'Pulumi.yaml')
  writeFileSync(program, readFileSync(program, 'utf8').replace('[web.internal', '[web.evil.example, web.internal'))
  const refused = preview()
  expect(refused.status).toBe(1)
  expect(refused.stdout).toContain('it could not be made')
  expect(refused.stdout).toMatch(/web\.evil\.example.*remedy: /s)
}, 240_000)
