import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Installed, install } from './installed.ts'
import { startServiceProcess } from './service-process.ts'

let installed: Installed
beforeAll(async () => {
  installed = await install()
})
afterAll(() => installed.remove())

test('the installed program serves', async () => {
  const env = { TRUSTFORM_MASTER_KEY: Buffer.alloc(32, 5).toString('base64'), TRUSTFORM_STATE: 'sqlite:service.db' }
  const made = installed.run(
    process.execPath,
    [installed.program, 'key', 'create', '--name', 'x', '--scopes', 'sources:read,sources:write'],
    env,
  )
  expect(made.stderr + made.stdout).toMatch(/tfk_/)
  const key = made.stdout.trim()
  const service = await startServiceProcess({ folder: installed.folder, env, entry: installed.program })
  try {
    for (const path of ['/healthz', '/docs', '/', '/metrics', '/v1/openapi.json']) {
      expect({ path, status: (await service.ask(path)).status }).toEqual({ path, status: 200 })
    }
    const body = { name: 'infra', url: 'https://git.invalid/a.git' }
    expect((await service.ask('/v1/sources', { method: 'POST', key, body })).status).toBe(201)
    expect((await service.ask('/v1/sources', { key, method: 'POST', body: { name: 'Infra' } })).status).toBe(422)
    expect((await service.ask('/v1/sources', { key })).json).toMatchObject({ data: [{ name: 'infra' }] })
  } finally {
    expect(await service.end('SIGTERM')).toEqual({ code: 0, signal: null })
  }
})

test('no other command loads the service', () => {
  const dist = join(installed.folder, 'dist')
  const seen = new Map<string, string>()
  const read = (file: string) => {
    if (seen.has(file) || !existsSync(file)) return
    const text = readFileSync(file, 'utf8')
    seen.set(file, text)
    // What is imported at once; what is loaded later is `import("…")`.
    for (const [, path = ''] of text.matchAll(/(?:from|import)\s*"(\.[^"]+)"/g)) read(join(file, '..', path))
  }
  read(join(dist, 'program.js'))
  expect(seen.size).toBeGreaterThan(1)
  for (const [file, text] of seen)
    expect({ file, service: /FST_ERR_|v1.openapi/.test(text) }).toEqual({ file, service: false })
})
