import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { loadProvider } from './registry.ts'

const folders = readdirSync(join(import.meta.dirname, 'providers'))
const schemas = readdirSync(join(import.meta.dirname, '../../schemas/dns')).map(file => file.replace(/\.json$/, ''))

test('every schema of a provider has a folder, and every folder a schema', () => {
  expect(folders.length).toBeGreaterThan(0)
  expect(folders.toSorted()).toEqual(schemas.toSorted())
})

test.each(folders)('the folder %s describes the provider of its name', async type => {
  expect((await loadProvider(type)).type).toBe(type)
})

test.each(['nowhere', '../registry', '__proto__', 'constructor', ''])('"%s" is no provider', async type => {
  await expect(loadProvider(type)).rejects.toMatchObject({ code: 'schema_violation' })
})

test('the bundle finds the providers too, each in a chunk of its own', async () => {
  const outdir = mkdtempSync(join(tmpdir(), 'trustform-bundle-'))
  try {
    const entry = `import { loadProvider } from ${JSON.stringify(join(import.meta.dirname, 'registry.ts'))}
      for (const type of [${folders.map(folder => `'${folder}'`).join()}, 'nowhere'])
        console.log(await loadProvider(type).then(found => found.type, error => error.code))`
    const options = { bundle: true, splitting: true, format: 'esm', platform: 'node', logLevel: 'silent' } as const
    await build({ ...options, stdin: { contents: entry, resolveDir: outdir, sourcefile: 'entry.mjs' }, outdir })
    writeFileSync(join(outdir, 'package.json'), '{"type":"module"}')
    const { stdout } = await promisify(execFile)(process.execPath, [join(outdir, 'stdin.js')])
    expect(stdout.trim().split('\n')).toEqual([...folders, 'schema_violation'])
  } finally {
    rmSync(outdir, { recursive: true })
  }
})
