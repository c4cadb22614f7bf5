import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type GitopsService, startGitopsService, until } from './gitops-service.ts'
import { createWorkspace, type Workspace } from './workspace.ts'

let work: Workspace
let service: GitopsService | undefined
let listener: Server
const connections: Socket[] = []

/** Something inside the service's network that counts who comes, and never says a word. */
beforeEach(async () => {
  work = createWorkspace('egress', { TRUSTFORM_MASTER_KEY: randomBytes(32).toString('base64') })
  connections.length = 0
  listener = createServer(socket => {
    connections.push(socket)
    socket.on('error', () => undefined)
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
})
afterEach(async () => {
  for (const socket of connections) socket.destroy()
  await service?.stop('SIGKILL')
  service = undefined
  listener.close()
  work.remove()
})

const inside = (host: string) => {
  const { port } = listener.address() as AddressInfo // it listens on TCP
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

test.each(['127.0.0.1', 'localhost'])('a source at %s is stalled with the reason, and not tried again', async host => {
  service = await startGitopsService(work, [inside(host)], {}, { allow: [] })
  const stalled = (source: Seen | undefined) =>
    source?.conditions.some(({ type, status }) => type === 'Stalled' && status === 'True') ?? false
  const source = await until(seen, stalled)
  const condition = source?.conditions.find(({ type }) => type === 'Stalled')
  expect(condition).toMatchObject({ reason: 'EgressRefused', message: expect.stringContaining('egress.allow') })
  // Nothing waits: only a change of the source, of the configuration or of the name itself helps.
  const jobs = await (await fetch(`${service.url}/metrics`)).text()
  expect(jobs).toContain('type="Stalled",status="True"')
  expect(jobs).not.toMatch(/trustform_queue_jobs\{queue="reconcile",state="(waiting|running)"\} [1-9]/)
  expect(connections).toHaveLength(0)
})

test('while passes checkpoint, it answers that it is not ready, and then ends', async () => {
  service = await startGitopsService(work, [inside('127.0.0.1')])
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
  const ended = service.stop('SIGTERM')
  const stopping = await until(ready, ({ status }) => status !== 200)
  expect(stopping).toEqual({ status: 503, detail: expect.stringContaining('the service is stopping') })
  for (const socket of connections) socket.destroy()
  listener.on('connection', socket => socket.destroy())
  await ended
  await expect(fetch(`${url}/readyz`)).rejects.toThrow()
})
