import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ServiceProcess, type ServiceStart, startServiceProcess } from './service-process.ts'
import { createWorkspace, type Workspace } from './workspace.ts'

let workspace: Workspace
let service: ServiceProcess | undefined
const env = { TRUSTFORM_MASTER_KEY: randomBytes(32).toString('base64') }

beforeEach(() => {
  workspace = createWorkspace('service', env)
})
afterEach(async () => {
  await service?.end('SIGKILL')
  service = undefined
  workspace.remove()
})

async function start(more: Partial<ServiceStart> = {}): Promise<ServiceProcess> {
  service = await startServiceProcess({ folder: workspace.folder, env, ...more })
  return service
}

async function key(...scopes: string[]): Promise<string> {
  const { stdout } = await workspace.expect(0, ['key', 'create', '--name', 'test', '--scopes', scopes.join(',')])
  return stdout.trim()
}

const all = ['sources:read', 'sources:write', 'events:read', 'runs:read', 'audit:read', 'apikeys:read', 'apikeys:write']

describe('trustform serve', () => {
  test('listens on this machine alone, tells where, and ends with 0', async () => {
    const { url, ask, end, stderr } = await start()
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(await ask('/healthz')).toMatchObject({ status: 200, json: { status: 'ok' } })
    expect(await ask('/readyz')).toMatchObject({ status: 200 })
    const began = Date.now()
    expect(await end('SIGTERM')).toEqual({ code: 0, signal: null })
    // Well within what a supervisor waits, idle as it was.
    expect(Date.now() - began).toBeLessThan(5_000)
    expect(stderr()).toContain('"msg":"stopping"')
  })

  test('keeps what it was told over a stop and over a kill', async () => {
    const mine = await key(...all)
    const first = await start()
    const made = await first.ask('/v1/sources', {
      method: 'POST',
      key: mine,
      body: { name: 'infra', url: 'https://git.invalid/a.git' },
    })
    expect(made.status).toBe(201)
    await first.end('SIGKILL')
    const second = await start()
    const list = await second.ask('/v1/sources', { key: mine })
    expect(list.json).toMatchObject({ data: [{ name: 'infra' }] })
    expect(await second.end('SIGTERM')).toEqual({ code: 0, signal: null })
    await workspace.expect(0, ['audit', 'verify'])
  })

  test('ends while somebody follows the events', async () => {
    const mine = await key('events:read')
    const { url, end } = await start()
    const response = await fetch(`${url}/v1/events`, {
      headers: { authorization: `Bearer ${mine}`, accept: 'text/event-stream' },
    })
    const reader = response.body?.getReader()
    await reader?.read()
    const ended = end('SIGTERM')
    // The stream ends in order, not by a broken connection.
    for (let done = false; !done; ) done = (await reader?.read())?.done ?? true
    expect(await ended).toEqual({ code: 0, signal: null })
  })

  test('a key that the command line revokes opens nothing any more', async () => {
    const mine = await key('sources:read', 'apikeys:read')
    const { ask } = await start()
    const { json } = await ask('/v1/users/me/apikeys', { key: mine })
    const [own] = (json as { data: { id: string }[] }).data
    await workspace.expect(0, ['key', 'revoke', String(own?.id)])
    expect((await ask('/v1/sources', { key: mine })).status).toBe(401)
  })

  test('never prints a key', async () => {
    const mine = await key(...all)
    const { ask, stderr } = await start({ args: ['--log-level', 'debug'] })
    await ask('/v1/sources', { key: mine })
    await ask(`/v1/sources?cursor=${mine}`, { key: mine })
    expect(stderr()).toContain('"msg":"request"')
    expect(stderr()).not.toContain(mine)
    expect(stderr()).not.toContain(env.TRUSTFORM_MASTER_KEY)
  })

  test('does not fetch for a tenant from its own network', async () => {
    const mine = await key(...all)
    const { ask } = await start()
    const body = { name: 'inside', url: 'https://169.254.169.254/latest/meta-data.git' }
    const { json } = await ask('/v1/sources', { method: 'POST', key: mine, body })
    const { id } = json as { id: string }
    await expect
      .poll(async () => JSON.stringify((await ask(`/v1/sources/${id}`, { key: mine })).json), { timeout: 20_000 })
      .toContain('is refused: it is a link-local address')
  })

  test('follows the sources of its configuration file', async () => {
    workspace.write('reconciler.yaml', 'sources: [{name: one, url: "https://git.invalid/1.git", suspended: true}]\n')
    const mine = await key('sources:read')
    const names = async ({ ask }: ServiceProcess) =>
      ((await ask('/v1/sources', { key: mine })).json as { data: { name: string }[] }).data.map(({ name }) => name)
    const first = await start()
    expect(await names(first)).toEqual(['one'])
    await first.end('SIGTERM')
    workspace.write('service.yaml', 'sources: [{name: two, url: "https://git.invalid/2.git", suspended: true}]\n')
    expect(await names(await start({ args: ['--config', 'service.yaml'] }))).toEqual(['two'])
  })

  test('tells everything that is wrong with its configuration, and where', async () => {
    workspace.write('reconciler.yaml', 'lissen: 127.0.0.1:1\nsources:\n  - {name: Big, url: x, drift: fix}\n')
    const { stderr } = await workspace.expect(1, ['serve'])
    for (const part of [
      'reconciler.yaml:1:1',
      'did you mean "listen"?',
      'sources[0].name',
      'reconciler.yaml:3:',
      'detect, report, heal',
    ]) {
      expect(stderr).toContain(part)
    }
  })

  test('says so where it cannot listen', async () => {
    const { url } = await start()
    const { stderr } = await workspace.expect(1, ['--state', 'sqlite:other.db', 'serve', '--listen', new URL(url).host])
    expect(stderr).toMatch(/error: cannot listen at 127\.0\.0\.1:\d+ \(EADDRINUSE\)\nhint: {2}stop what listens there/)
  })
})
