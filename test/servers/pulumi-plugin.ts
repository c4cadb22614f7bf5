import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import manifest from '../../package.json' with { type: 'json' }
import { bundle } from '../../scripts/build/bundle.ts'
import { archiveName, pluginFiles } from '../../scripts/build/pulumi-plugin.ts'
import { tarGz } from '../../scripts/build/tar.ts'

const root = join(import.meta.dirname, '..', '..')
const main = join(root, 'pulumi-provider', 'main.ts')

/** A plugin that runs from the sources, in a folder for the PATH; the CLI takes it before any that is installed. */
export function pluginFromSource(folder: string): string {
  mkdirSync(folder, { recursive: true })
  const program = join(folder, 'pulumi-resource-trustform')
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`)
  chmodSync(program, 0o755)
  return folder
}

/** The archive as `npm run package:pulumi` packs it, to be installed by `Pulumi.installPlugin`. */
export async function packPlugin(folder: string): Promise<{ readonly version: string; readonly archive: string }> {
  const { version } = manifest
  const archive = join(folder, archiveName(version, 'linux-amd64'))
  mkdirSync(folder, { recursive: true })
  writeFileSync(archive, tarGz(pluginFiles(root, await bundle(join(folder, 'dist')), 'linux-amd64')))
  return { version, archive }
}
