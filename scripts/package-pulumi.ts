import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import manifest from '../package.json' with { type: 'json' }
import { bundle } from './build/bundle.ts'
import { archiveName, platforms, pluginFiles } from './build/pulumi-plugin.ts'
import { tarGz } from './build/tar.ts'
// Types, catalogue and validators first: the bundle contains them.
import './generate.ts'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')

const metafile = await bundle(dist)
for (const platform of platforms) {
  const archive = join(dist, archiveName(manifest.version, platform))
  const packed = tarGz(pluginFiles(root, metafile, platform))
  writeFileSync(archive, packed)
  process.stdout.write(`${archive} ${packed.length} bytes\n`)
}

// The same unpacked, for `plugins.providers[].path` of a Pulumi.yaml.
const unpacked = join(dist, 'pulumi')
rmSync(unpacked, { recursive: true, force: true })
for (const [path, { contents, executable }] of pluginFiles(root, metafile, 'linux-amd64')) {
  const file = join(unpacked, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, contents)
  if (executable) chmodSync(file, 0o755)
}
