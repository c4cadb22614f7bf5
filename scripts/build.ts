import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import './generate.ts'

// dist/: what bin/trustform runs. One small file per command, kind, DNS provider and validator, so that a start loads
// only what it needs; packages are bundled too, because opening their many files costs more than running them.
const root = join(import.meta.dirname, '..')
const outdir = join(root, 'dist')
rmSync(outdir, { recursive: true, force: true })
await build({
  absWorkingDir: root,
  entryPoints: [{ in: 'engine/cli/bin.ts', out: 'trustform' }],
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  minifySyntax: true,
  minifyWhitespace: true,
  // Names stay: they are in the stack of a bug that somebody reports.
  keepNames: false,
  chunkNames: 'chunks/[name]-[hash]',
  logLevel: 'warning',
  legalComments: 'none',
  // CommonJS packages among the bundled ones ask for Node's own modules.
  banner: {
    js: "import{createRequire as __trustformRequire}from'node:module';const require=__trustformRequire(import.meta.url);",
  },
})
