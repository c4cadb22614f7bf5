import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type GitServer, startGitServer } from '../servers/git.ts'
import { type GitopsService, startGitopsService, until } from './gitops-service.ts'
import { createWorkspace, manifest, type Workspace } from './workspace.ts'

let git: GitServer
beforeAll(async () => {
  git = await startGitServer()
})
afterAll(() => git.stop())

let work: Workspace
let service: GitopsService | undefined
let listener: Server
const connections: Socket[] = []
let repositories = 0

beforeEach(() => {
  work = createWorkspace('egress', { TRUSTFORM_MASTER_KEY: randomBytes(32).toString('base64') })
  connections.length = 0
})
afterEach(async () => {
  for (const socket of connections) socket.destroy()
  await service?.stop('SIGKILL')
  service = undefined
  listener.close()
  work.remove()
})

/** Something inside the service's network that counts who comes, and never says a word; answers its port. */
async function listen(host = '127.0.0.1'): Promise<number> {
  listener = createServer(socket => {
    connections.push(socket)
    socket.on('error', () => undefined)
  })
  listener.listen(0, host)
  await once(listener, 'listening')
  return (listener.address() as AddressInfo).port // it listens on TCP
}

const inside = async (host: string) => {
  const port = await listen()
  return { name: 'inside', url: `http://${host}:${port}/a.git`, branch: 'main', paths: ['.'], interval: '5s' }
}

interface Seen {
  readonly failures: number
  readonly conditions: readonly {
    readonly type: string
    readonly status: string
    readonly reason: string
    message: string
  }[]
}
const seen = async () => {
  const { data } = (await service?.get('/v1/sources')) as { data: readonly Seen[] } // as the OpenAPI document says
  return data[0]
}

const stalled = (source: Seen | undefined) =>
  source?.conditions.some(({ type, status }) => type === 'Stalled' && status === 'True') ?? false

test.each(['127.0.0.1', 'localhost'])('a source at %s is stalled with the reason, and not tried again', async host => {
  service = await startGitopsService(work, [await inside(host)], {}, { allow: [] })
  const source = await until(seen, stalled)
  const condition = source?.conditions.find(({ type }) => type === 'Stalled')
  expect(condition).toMatchObject({ reason: 'EgressRefused', message: expect.stringContaining('egress.allow') })
  // Nothing waits: only a change of the source, of the configuration or of the name itself helps.
  const jobs = await (await fetch(`${service.url}/metrics`)).text()
  expect(jobs).toContain('type="Stalled",status="True"')
  expect(jobs).not.toMatch(/trustform_queue_jobs\{queue="reconcile",state="(waiting|running)"\} [1-9]/)
  expect(connections).toHaveLength(0)
})

const hostile: [what: string, at: (host: string, port: number) => string][] = [
  [
    'DNS server',
    (nameserver, port) =>
      manifest('DnsProvider', 'dns', {
        providerType: 'rfc2136',
        credentials: { tsig_key_name: 'key', tsig_secret: { env: 'TSIG' } },
        config: { nameserver, port, zones: ['dyn.example'] },
      }),
  ],
  [
    'DNS API',
    (host, port) =>
      manifest('DnsProvider', 'dns', {
        providerType: 'powerdns',
        credentials: { api_url: `http://${host}:${port}`, api_key: { env: 'TSIG' } },
      }),
  ],
  [
    'CA',
    (host, port) =>
      manifest('AcmeAccount', 'ca', {
        provider: 'custom',
        directoryUrl: `https://${host}:${port}/dir`,
        email: 'a@corp.example',
      }),
  ],
]
test.each(hostile)("a %s inside the service's network is not reached by a manifest", async (_what, at) => {
  // Another address than that of the repository, which is allowed here.
  const host = '127.0.0.2'
  const repository = await git.create(`hostile-${repositories++}.git`)
  await repository.commit({ 'a.yaml': at(host, await listen(host)) })
  const source = { name: 'infra', url: repository.url, paths: ['.'], interval: '5s', autoApply: true }
  service = await startGitopsService(work, [source], { TSIG: 'c2VjcmV0' }, { allow: ['127.0.0.1/32'] })
  const seenAs = await until(seen, stalled)
  const condition = seenAs?.conditions.find(({ type }) => type === 'Stalled')
  expect(condition).toMatchObject({ reason: 'EgressRefused', message: expect.stringContaining(host) })
  expect(connections).toHaveLength(0)
})

test('while passes checkpoint, it answers that it is not ready, and then ends', async () => {
  service = await startGitopsService(work, [await inside('127.0.0.1')])
  const { url } = service
  const ready = async () => {
    const response = await fetch(`${url}/readyz`, { headers: { connection: 'close' } })
    return { status: response.status, detail: JSON.stringify(await response.json()) }
  }
  await until(ready, ({ status }) => status === 200)
  // A pass waits for a server that says nothing.
  await until(
    async () => connections.length,
    count => count > 0,
  )
  // Nor can the pass note how far it came, as long as somebody else writes.
  const writer = new DatabaseSync(join(work.folder, 'state.db'))
  writer.exec('BEGIN IMMEDIATE')
  const ended = service.stop('SIGTERM')
  const stopping = await until(ready, ({ status }) => status !== 200)
  expect(stopping).toEqual({ status: 503, detail: expect.stringContaining('the service is stopping') })
  writer.exec('ROLLBACK')
  writer.close()
  for (const socket of connections) socket.destroy()
  listener.on('connection', socket => socket.destroy())
  await ended
  await expect(fetch(`${url}/readyz`)).rejects.toThrow()
})
