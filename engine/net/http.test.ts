import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ConnectGuard, egressRefused, refusalIn } from '../core/egress.ts'
import type { HttpFailure, HttpRequest } from '../core/ports.ts'
import { createHttp, type HttpOptions } from './http.ts'

const routes: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => void>> = {
  '/echo': (request, response) => {
    response.writeHead(201, { 'X-Agent': request.headers['user-agent'] ?? '', Link: ['<a>', '<b>'] })
    request.pipe(response)
  },
  '/moved': (_request, response) => void response.writeHead(302, { Location: '/echo' }).end(),
  '/large': (_request, response) => void response.end(Buffer.alloc(2000)),
  '/silent': () => undefined,
  '/slow-body': (_request, response) => void response.write('begins'),
  '/breaks': request => void request.socket.destroy(),
}

let server: Server
let base: string
let connections = 0

beforeAll(async () => {
  server = createServer((request, response) => routes[request.url ?? '']?.(request, response))
  server.on('connection', () => {
    connections++
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number } // it listens on TCP
  base = `http://127.0.0.1:${port}`
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

async function ask(path: string, request: Partial<HttpRequest> = {}, options: HttpOptions = {}) {
  const http = createHttp(options)
  try {
    return await http.request({ method: 'GET', url: `${base}${path}`, ...request })
  } finally {
    await http.close()
  }
}

test('a response has its status, lower-case headers, repeated ones as a list, and its octets', async () => {
  const response = await ask('/echo', { method: 'POST', body: 'hello' })
  expect(response.status).toBe(201)
  expect(response.headers.link).toEqual(['<a>', '<b>'])
  expect(response.headers['x-agent']).toMatch(/^trustform\/\d/)
  expect(new TextDecoder().decode(response.body)).toBe('hello')
})

test('a redirect is a response like any other', async () => {
  expect((await ask('/moved')).status).toBe(302)
})

test('connections are kept for further exchanges', async () => {
  const http = createHttp()
  const before = connections
  for (let i = 0; i < 10; i++) await http.request({ method: 'POST', url: `${base}/echo`, body: 'x' })
  // undici may open a second one while the first is still being handed back.
  expect(connections - before).toBeLessThanOrEqual(2)
  await http.close()
  await expect(http.request({ method: 'GET', url: `${base}/echo` })).rejects.toMatchObject({ reason: 'aborted' })
})

const refuse: ConnectGuard = target => {
  throw egressRefused(target, 'it is not allowed')
}
const failures: [
  what: string,
  path: string,
  request: Partial<HttpRequest>,
  options: HttpOptions,
  reason: HttpFailure['reason'],
][] = [
  ['a body above the limit', '/large', {}, { bodyLimit: 1000 }, 'too_large'],
  ['no answer within the time', '/silent', { timeout: 50 }, {}, 'timeout'],
  ['a body that does not end within the time', '/slow-body', { timeout: 50 }, {}, 'timeout'],
  ['an interruption', '/silent', { signal: AbortSignal.abort() }, {}, 'aborted'],
  ['a connection that breaks', '/breaks', {}, {}, 'unreachable'],
  ['a port where nobody listens', '', { url: 'http://127.0.0.1:1/' }, {}, 'unreachable'],
  ['a text that is no URL', '', { url: 'nonsense' }, {}, 'unreachable'],
  ['an address that the guard refuses', '/echo', {}, { guard: refuse }, 'refused'],
]
test.each(failures)('%s is told by its reason', async (_what, path, request, options, reason) => {
  await expect(ask(path, request, options)).rejects.toMatchObject({ name: 'HttpFailure', reason })
})

const waits: [what: string, request: Partial<HttpRequest>, reason: HttpFailure['reason']][] = [
  ['an interruption', {}, 'aborted'],
  ['the end of the time', { timeout: 50 }, 'timeout'],
]
test.each(waits)(
  '%s does not wait for a connection that is never made',
  { timeout: 8_000 },
  async (_what, more, reason) => {
    const interruption = new AbortController()
    // Accepts, and never speaks TLS: undici gives up after ten seconds.
    const silent = createTcpServer(() => {
      if (reason === 'aborted') interruption.abort()
    })
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as { port: number } // it listens on TCP
    try {
      const request = { url: `https://127.0.0.1:${port}/`, signal: interruption.signal, ...more }
      await expect(ask('', request)).rejects.toMatchObject({ name: 'HttpFailure', reason })
    } finally {
      silent.close()
    }
  },
)

test('the guard sees the address that a name leads to, and its refusal is told', async () => {
  const before = connections
  const url = `http://localhost:${new URL(base).port}/echo`
  await expect(ask('', { url }, { guard: refuse })).rejects.toThrow(
    /^a connection to localhost \((127\.0\.0\.1|::1)\) is refused: it is not allowed$/,
  )
  expect(connections).toBe(before)
  expect((await ask('/echo', {}, { guard: () => undefined })).status).toBe(201)
})

test("the guard's own error is found behind the failure", async () => {
  const failure = await ask('/echo', {}, { guard: refuse }).catch(error => error)
  expect(refusalIn(failure)).toMatchObject({ code: 'egress_refused', remedy: expect.stringContaining('egress.allow') })
})
