// The other half of what is started here: what only a current Node can run.
const { existsSync } = require('node:fs')
const { join } = require('node:path')
const { enableCompileCache } = require('node:module')

/** Runs a program of dist/; a CommonJS one without starting the loader of ES modules. */
exports.start = name => {
  // Compiled code goes to the user's own cache: from a folder that others can write to it could be anybody's.
  const { XDG_CACHE_HOME, HOME, NODE_COMPILE_CACHE } = process.env
  const cache = XDG_CACHE_HOME || (HOME && join(HOME, '.cache'))
  if (NODE_COMPILE_CACHE) enableCompileCache()
  else if (cache) enableCompileCache(join(cache, 'trustform'))

  const program = join(__dirname, '..', 'dist', name)
  if (!existsSync(program)) {
    process.stderr.write('trustform is not built here: run `npm ci`, or `npm run build` after a change\n')
    process.exitCode = 1
  } else if (name.endsWith('.cjs')) require(program)
  else import(require('node:url').pathToFileURL(program))
}
