import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type BuildOptions, build, type Plugin } from 'esbuild'

const root = join(import.meta.dirname, '..', '..')

const common: BuildOptions = {
  absWorkingDir: root,
  // Packages are bundled too, because opening their many files costs more than running them.
  bundle: true,
  platform: 'node',
  target: 'node24',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
}

/** Writes what bin/trustform runs to a folder, which is emptied first. The validators must have been generated. */
export async function bundle(outdir: string): Promise<void> {
  rmSync(outdir, { recursive: true, force: true })

  // The start, and `validate` whole: one CommonJS file, whose parts run when they are called. Linking ES modules would
  // cost `validate` more than its work.
  await build({
    ...common,
    entryPoints: ['engine/cli/bin.ts'],
    outfile: join(outdir, 'trustform.cjs'),
    format: 'cjs',
    plugins: [elsewhere('./program.ts', './program.js')],
  })

  // Every other command: one small file per command, kind and DNS provider, so that each loads only what it needs.
  await build({
    ...common,
    entryPoints: [{ in: 'engine/cli/program.ts', out: 'program' }],
    outdir,
    splitting: true,
    format: 'esm',
    chunkNames: 'chunks/[name]-[hash]',
    // CommonJS packages among the bundled ones ask for Node's own modules.
    banner: {
      js: "import{createRequire as __trustformRequire}from'node:module';const require=__trustformRequire(import.meta.url);",
    },
  })
}

/** Leaves one import to the other bundle. */
function elsewhere(from: string, to: string): Plugin {
  return {
    name: 'elsewhere',
    setup(context) {
      context.onResolve({ filter: /^\./ }, ({ path }) => (path === from ? { path: to, external: true } : undefined))
    },
  }
}
