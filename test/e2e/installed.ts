import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { bundle } from '../../scripts/build/bundle.ts'

/** A copy of what people have after `npm ci`: bin/, a fresh dist/, the examples and scripts. */
export interface Installed {
  readonly folder: string
  readonly program: string
  /** Runs a program in that folder with a home of its own. */
  run(program: string, args: readonly string[], env?: Readonly<Record<string, string>>): SpawnSyncReturns<string>
  remove(): void
}

export async function install(): Promise<Installed> {
  const root = resolve(import.meta.dirname, '../..')
  const folder = mkdtempSync(join(tmpdir(), 'trustform-installed-'))
  for (const part of ['bin', 'examples', 'scripts', 'package.json']) {
    cpSync(join(root, part), join(folder, part), { recursive: true, filter: path => !path.endsWith('/out') })
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  await bundle(join(folder, 'dist'))
  const base = { PATH: process.env.PATH ?? '', HOME: join(folder, 'home'), NO_COLOR: '1' }
  return {
    folder,
    program: join(folder, 'bin', 'trustform'),
    run: (program, args, env = {}) =>
      spawnSync(program, args, { cwd: folder, env: { ...base, ...env }, encoding: 'utf8', timeout: 60_000 }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
