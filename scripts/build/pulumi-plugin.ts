import { readFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import type { Metafile } from 'esbuild'
import { thirdPartyNotices } from './notices.ts'
import { outputsOf } from './outputs.ts'
import type { ArchivedFile } from './tar.ts'

/** Nothing in it is compiled for a machine: the same files for all, and on Windows a way to start them. */
export const platforms = ['linux-amd64', 'linux-arm64', 'darwin-amd64', 'darwin-arm64', 'windows-amd64'] as const

export type Platform = (typeof platforms)[number]

const entryPoint = 'pulumi-provider/main.ts'
const executable = 'pulumi-resource-trustform'

/** What the folder of the plugin holds, by path: its executable at the root, all that it ever loads, and notices. */
export function pluginFiles(root: string, metafile: Metafile, platform: Platform): Map<string, ArchivedFile> {
  const outputs = outputsOf(metafile, entryPoint)
  const files = new Map<string, ArchivedFile>()
  const add = (path: string, contents: string | Buffer, more: Partial<ArchivedFile> = {}) =>
    files.set(path, { contents: Buffer.from(contents), ...more })

  add(executable, start(readFileSync(join(root, 'bin', executable), 'utf8')), { executable: true })
  add('bin/start.cjs', readFileSync(join(root, 'bin/start.cjs')))
  if (platform.startsWith('windows')) add(`${executable}.cmd`, `@node "%~dp0${executable}" %*\r\n`)
  // Whatever package lies around the folder of plugins must not say what these files are.
  add('package.json', '{"type":"commonjs"}\n')
  add('dist/package.json', '{"type":"module"}\n')
  const [entry = ''] = outputs.keys()
  for (const path of outputs.keys()) {
    add(join('dist', relative(dirname(entry), path)), readFileSync(resolve(root, path)))
  }
  const sources = [...outputs.values()].flatMap(({ inputs }) => Object.keys(inputs))
  add('THIRD-PARTY-NOTICES.txt', thirdPartyNotices(root, sources))
  return files
}

/** The executable lies one folder higher than in the npm package. */
function start(script: string): string {
  const [before, after, ...more] = script.split("'./start.cjs'")
  if (before === undefined || after === undefined || more.length > 0) throw new Error(`bin/${executable} has changed`)
  return `${before}'./bin/start.cjs'${after}`
}

/** As the CLI asks for it: `pulumi-resource-trustform-v0.1.0-linux-amd64.tar.gz`. */
export function archiveName(version: string, platform: Platform): string {
  return `${basename(executable)}-v${version}-${platform}.tar.gz`
}
