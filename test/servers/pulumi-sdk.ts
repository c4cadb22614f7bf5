import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { run } from './install.ts'
import { ensurePulumi } from './pulumi-install.ts'

const modules = join(import.meta.dirname, '..', '..', 'node_modules')

export interface Sdks {
  /** Sources, with the packages that they need; `tsc` makes `bin/` of them. */
  readonly nodejs: string
  /** To be installed with pip. */
  readonly python: string
  /** A module. */
  readonly go: string
}

/** SDKs of a package schema by Pulumi's own generators, as `pulumi package gen-sdk` writes them. Throws what they find. */
export async function generateSdks(schema: object, folder: string): Promise<Sdks> {
  const { generateSdk, version } = await ensurePulumi()
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'schema.json')
  writeFileSync(file, JSON.stringify(schema))
  await run(generateSdk, [file, folder])
  const nodejs = join(folder, 'nodejs')
  symlinkSync(modules, join(nodejs, 'node_modules'))
  const go = join(folder, 'go', 'trustform')
  const lines = [
    'module trustform.dev/pulumi/trustform',
    'go 1.26',
    `require github.com/pulumi/pulumi/sdk/v3 v${version}`,
  ]
  writeFileSync(join(go, 'go.mod'), `${lines.join('\n')}\n`)
  return { nodejs, python: join(folder, 'python'), go }
}

/** Type-checks TypeScript programs against the sources of the SDK; answers what the compiler says of each. */
export async function typeCheck(sdk: string, programs: readonly string[]): Promise<readonly string[]> {
  const names = programs.map((_program, index) => `program-${index}.ts`)
  for (const [index, program] of programs.entries()) writeFileSync(join(sdk, `program-${index}.ts`), program)
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--skipLibCheck', '--types', 'node']
  const said = await run(process.execPath, [tsc(), ...options, '--ignoreConfig', ...names], {}, sdk).catch(String)
  const lines = said.split('\n').filter(line => line.includes(': error TS'))
  const elsewhere = lines.filter(line => !names.some(name => line.startsWith(`${name}(`)))
  if (elsewhere.length > 0) throw new Error(elsewhere.join('\n'))
  return names.map(name => lines.filter(line => line.startsWith(`${name}(`)).join('\n'))
}

/** Compiles the SDK, and makes it a package that a program in `folder` can import as `@trustform/pulumi`. */
export async function linkNodeSdk(sdk: string, folder: string): Promise<void> {
  await run(process.execPath, [tsc(), '-p', sdk], {}, sdk)
  copyFileSync(join(sdk, 'package.json'), join(sdk, 'bin', 'package.json'))
  mkdirSync(join(folder, 'node_modules', '@trustform'), { recursive: true })
  symlinkSync(join(sdk, 'bin'), join(folder, 'node_modules', '@trustform', 'pulumi'))
  for (const name of ['@pulumi', '@types', 'typescript']) {
    symlinkSync(join(modules, name), join(folder, 'node_modules', name))
  }
}

const tsc = (): string => join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
