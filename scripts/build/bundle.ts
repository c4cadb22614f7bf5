import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild'
import { thirdPartyNotices } from './notices.ts'

const root = join(import.meta.dirname, '..', '..')

const common = {
  absWorkingDir: root,
  // Packages are bundled too, because opening their many files costs more than running them.
  bundle: true,
  platform: 'node',
  target: 'node24',
  minifySyntax: true,
  minifyWhitespace: true,
  // THIRD-PARTY-NOTICES.txt has them.
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
} as const satisfies BuildOptions

/**
 * Writes what bin/ runs to a folder, which is emptied first. The validators must have been generated. Tells what the
 * split part is made of, with paths from the root of the repository.
 */
export async function bundle(outdir: string): Promise<Metafile> {
  rmSync(outdir, { recursive: true, force: true })

  // The start and `validate`: CommonJS, because linking ES modules would cost `validate` more than its work; and cut
  // where a run may stop, because Node caches of each file the code that its first run happened to compile.
  const start = await build({
    ...common,
    entryPoints: [
      { in: 'engine/cli/bin.ts', out: 'trustform' },
      { in: 'engine/cli/commands/validate.ts', out: 'validate' },
      ...validators().map(name => ({ in: `schemas/generated/validators/${name}.js`, out: `validators/${name}` })),
    ],
    outdir,
    outExtension: { '.js': '.cjs' },
    format: 'cjs',
    // `require` in its place: the loader of ES modules is not even started.
    supported: { 'dynamic-import': false },
    plugins: [elsewhere],
  })

  // Every other command: one small file per command, kind and DNS provider, so that each loads only what it needs.
  // Pulumi's plugin shares these, and adds only its own; no file of the commands is cut otherwise because of it.
  const rest = await build({
    ...common,
    entryPoints: [
      { in: 'engine/cli/program.ts', out: 'program' },
      { in: 'pulumi-provider/main.ts', out: 'pulumi-resource-trustform' },
    ],
    outdir,
    splitting: true,
    format: 'esm',
    chunkNames: 'chunks/[name]-[hash]',
    // CommonJS packages among the bundled ones ask for Node's own modules.
    banner: {
      js: "import{createRequire as __trustformRequire}from'node:module';const require=__trustformRequire(import.meta.url);",
    },
  })
  const sources = [start, rest].flatMap(({ metafile }) => Object.keys(metafile.inputs))
  writeFileSync(join(outdir, 'THIRD-PARTY-NOTICES.txt'), thirdPartyNotices(root, sources))
  return rest.metafile
}

function validators(): string[] {
  return readdirSync(join(root, 'schemas/generated/validators'))
    .filter(name => name.endsWith('.js') && !/^(index|schemas|chunk-.*)\.js$/.test(name))
    .map(name => name.replace(/\.js$/, ''))
}

/** Leaves what is loaded later to the other files. */
const elsewhere: Plugin = {
  name: 'elsewhere',
  setup(context) {
    context.onResolve({ filter: /^\./ }, ({ path, kind, importer }) => {
      if (kind !== 'dynamic-import') return undefined
      const name = basename(path).replace(/\.[jt]s$/, '')
      if (importer.endsWith('/validators/index.js')) return { path: `./validators/${name}.cjs`, external: true }
      if (path === './program.ts') return { path: './program.js', external: true }
      return path === './commands/validate.ts' ? { path: './validate.cjs', external: true } : undefined
    })
  },
}
