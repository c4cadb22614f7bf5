import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const main = join(import.meta.dirname, '..', '..', 'pulumi-provider', 'main.ts')

/** A plugin that runs from the sources, in a folder for the PATH; the CLI takes it before any that is installed. */
export function pluginFromSource(folder: string): string {
  mkdirSync(folder, { recursive: true })
  const program = join(folder, 'pulumi-resource-trustform')
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`)
  chmodSync(program, 0o755)
  return folder
}
