import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { findAccount, registerAccount } from '../../engine/acme/account.ts'
import type { Clock } from '../../engine/core/ports.ts'
import { clientOf, freshSession } from './acme-client.ts'
import { startPebble } from './pebble.ts'
import { freePort } from './process.ts'
import { systemClock } from './quiet.ts'

/** Real time, but a server that asks for patience gets none: waits are counted and not waited. */
function impatientClock(): Clock & { readonly waits: readonly number[] } {
  const waits: number[] = []
  return {
    waits,
    now: systemClock.now,
    async sleep(ms) {
      waits.push(ms)
    },
  }
}

type Handler = (request: IncomingMessage, response: ServerResponse, base: string) => void
const servers: Server[] = []

/** A server that answers as the test says, with a sound directory and nonces unless it says otherwise. */
async function faulty(
  handler: Handler,
): Promise<{ readonly directoryUrl: string; readonly requests: readonly string[] }> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    const { port } = server.address() as { port: number } // it listens on TCP
    handler(request, response, `http://127.0.0.1:${port}`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  servers.push(server)
  const { port } = server.address() as { port: number } // it listens on TCP
  return { directoryUrl: `http://127.0.0.1:${port}/dir`, requests }
}

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
})

function directory(base: string): string {
  const entries = ['newNonce', 'newAccount', 'newOrder', 'revokeCert', 'keyChange']
  return JSON.stringify(Object.fromEntries(entries.map(name => [name, `${base}/${name}`])))
}

let nonce = 0
function answer(response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'Replay-Nonce': `nonce${++nonce}`, ...headers }).end(body)
}

/** Everything is sound but newAccount. */
const soundBut =
  (newAccount: (response: ServerResponse, attempt: number, base: string) => void): Handler =>
  (request, response, base) => {
    if (request.url === '/dir') answer(response, 200, directory(base))
    else if (request.url === '/newNonce') answer(response, 200, '')
    else newAccount(response, ++attempts, base)
  }
let attempts = 0

async function outcome(handler: Handler, clock: Clock = impatientClock()) {
  attempts = 0
  const server = await faulty(handler)
  const session = await freshSession(server, { clock, timeout: 500 })
  const result = await registerAccount(session, { emails: [] }).catch((error: unknown) => error)
  return { result, requests: server.requests }
}

const problem = (type: string, detail: string, more: object = {}) =>
  JSON.stringify({ type: `urn:ietf:params:acme:error:${type}`, detail, ...more })

describe('a directory that', () => {
  const cases: [what: string, handler: Handler, want: object][] = [
    [
      'is HTML',
      (_q, r) => answer(r, 200, '<html><h1>Welcome to nginx</h1></html>'),
      { code: 'acme_malformed', message: expect.stringContaining('"Welcome to nginx"') },
    ],
    ['is cut short', (_q, r) => answer(r, 200, '{"newNonce": "https:'), { code: 'acme_malformed' }],
    ['is a list', (_q, r) => answer(r, 200, '[]'), { code: 'acme_malformed' }],
    [
      'lacks newOrder',
      (_q, r, base) => answer(r, 200, directory(base).replace('newOrder', 'x')),
      { code: 'acme_malformed', message: expect.stringContaining('"newOrder"') },
    ],
    [
      'leads to plain http elsewhere',
      (_q, r) => answer(r, 200, directory('http://ca.example')),
      { code: 'acme_malformed' },
    ],
    [
      'redirects',
      (_q, r) => answer(r, 301, '', { Location: 'https://elsewhere.example/dir' }),
      { code: 'acme_malformed', message: expect.stringContaining('https://elsewhere.example/dir') },
    ],
    [
      'is not found',
      (_q, r) => answer(r, 404, 'no'),
      { code: 'acme_malformed', message: expect.stringContaining('404') },
    ],
    [
      'fails for ever',
      (_q, r) => answer(r, 500, '<p>database is down</p>'),
      { code: 'acme_unreachable', message: expect.stringContaining('database is down') },
    ],
    [
      'is endless',
      (_q, r) => {
        r.writeHead(200)
        r.write('x'.repeat(5 * 1024 * 1024))
      },
      { code: 'acme_malformed' },
    ],
    ['never answers', () => undefined, { code: 'acme_unreachable', message: expect.stringContaining('500 ms') }],
    ['breaks off', q => q.socket.destroy(), { code: 'acme_unreachable' }],
  ]
  test.each(cases)('%s', async (_what, handler, want) => {
    expect((await outcome(handler)).result).toMatchObject(want)
  })

  test('is on a dead port', async () => {
    const directoryUrl = `https://127.0.0.1:${await freePort()}/dir`
    await expect(clientOf({ directoryUrl }, { clock: impatientClock() }).directory()).rejects.toMatchObject({
      code: 'acme_unreachable',
      message: expect.stringContaining('ECONNREFUSED'),
    })
  })

  test('is served under a root that is not trusted', async () => {
    const [pebble, other] = [await startPebble(), await startPebble()]
    try {
      for (const trustedRoots of [undefined, other.trustedRoots]) {
        const facts = { directoryUrl: pebble.directoryUrl, ...(trustedRoots && { trustedRoots }) }
        await expect(clientOf(facts).directory()).rejects.toMatchObject({ code: 'acme_untrusted' })
      }
      expect((await clientOf(pebble).directory()).newOrder).toContain('/order-plz')
    } finally {
      await Promise.all([pebble.stop(), other.stop()])
    }
  })

  test('is plain http is refused before anything is sent', () => {
    expect(() => clientOf({ directoryUrl: 'http://ca.example/dir' })).toThrow('is not an https URL')
  })
})

describe('a request', () => {
  const account = (r: ServerResponse, base: string) =>
    answer(r, 201, '{"status":"valid"}', { Location: `${base}/acct/1` })
  const soon = new Date(Date.now() + 7_200_000)
  const cases: [what: string, handler: Handler, want: object][] = [
    [
      'is repeated after two failures',
      soundBut((r, n, base) => (n < 3 ? answer(r, 503, 'busy') : account(r, base))),
      { status: 'valid' },
    ],
    [
      'is given up after four',
      soundBut(r => answer(r, 503, problem('serverInternal', 'maintenance'))),
      { code: 'acme_unreachable', message: expect.stringContaining('maintenance') },
    ],
    [
      'does not wait for an hour',
      soundBut(r => answer(r, 503, 'busy', { 'Retry-After': '3600' })),
      { code: 'acme_unreachable', retryAfter: 3600 },
    ],
    [
      'is rate limited for seconds',
      soundBut(r => answer(r, 429, problem('rateLimited', 'too many'), { 'Retry-After': '120' })),
      { code: 'backend_rate_limited', retryAfter: 120 },
    ],
    [
      'is rate limited until a date',
      soundBut(r => answer(r, 429, problem('rateLimited', 'too many'), { 'Retry-After': soon.toUTCString() })),
      { code: 'backend_rate_limited', retryAfter: expect.closeTo(7200, -1) },
    ],
    [
      'is rate limited in words',
      soundBut(r =>
        answer(
          r,
          429,
          problem(
            'rateLimited',
            `too many, retry after ${soon.toISOString().slice(0, 19).replace('T', ' ')} UTC: see x`,
          ),
        ),
      ),
      { code: 'backend_rate_limited', retryAfter: expect.closeTo(7200, -1) },
    ],
    [
      'is rate limited without a problem document',
      soundBut(r => answer(r, 429, 'slow down', { 'Retry-After': '5' })),
      { code: 'backend_rate_limited', retryAfter: 5 },
    ],
    [
      'meets new terms',
      soundBut(r =>
        answer(r, 403, problem('userActionRequired', 'new terms'), {
          Link: '<https://ca.example/tos>;rel="terms-of-service"',
        }),
      ),
      { code: 'acme_terms_changed', message: expect.stringContaining('https://ca.example/tos') },
    ],
    [
      'is refused with subproblems',
      soundBut(r =>
        answer(
          r,
          400,
          problem('compound', 'two of them', {
            subproblems: [
              {
                type: 'urn:ietf:params:acme:error:caa',
                detail: 'forbidden',
                identifier: { type: 'dns', value: 'a.example' },
              },
            ],
          }),
        ),
      ),
      {
        code: 'acme_refused',
        message: expect.stringContaining('a.example: forbidden'),
        details: { problem: { subproblems: [{ type: 'caa' }] } },
      },
    ],
    [
      'gets an account without its URL',
      soundBut(r => answer(r, 201, '{"status":"valid"}')),
      { code: 'acme_malformed', message: expect.stringContaining('account URL') },
    ],
    [
      'is refused by HTML',
      soundBut(r => answer(r, 403, '<h1>Forbidden by proxy</h1>')),
      { code: 'acme_malformed', message: expect.stringContaining('Forbidden by proxy') },
    ],
  ]
  test.each(cases)('%s', async (_what, handler, want) => {
    expect((await outcome(handler)).result).toMatchObject(want)
  })

  test('is signed again with the nonce that came with the refusal, each time another', async () => {
    const used: string[] = []
    const returned: string[] = []
    const server = await faulty((request, response, base) => {
      if (request.url === '/dir') return answer(response, 200, directory(base))
      if (request.url === '/newNonce') return answer(response, 200, '')
      let text = ''
      request.on('data', chunk => {
        text += chunk
      })
      request.on('end', () => {
        const { protected: header } = JSON.parse(text)
        used.push(JSON.parse(Buffer.from(header, 'base64url').toString()).nonce)
        if (used.length > 12) return account(response, base)
        returned.push(`retry${used.length}`)
        answer(response, 400, problem('badNonce', 'again'), { 'Replay-Nonce': `retry${used.length}` })
      })
    })
    expect(await registerAccount(await freshSession(server), { emails: [] })).toMatchObject({ status: 'valid' })
    expect(used.slice(1)).toEqual(returned)
    expect(new Set(used).size).toBe(used.length)
  })

  test('is given up when every nonce is refused', async () => {
    const { result } = await outcome(soundBut(r => answer(r, 400, problem('badNonce', 'never'))))
    expect(result).toMatchObject({ code: 'acme_refused', details: { problem: { type: 'badNonce' } } })
    expect(attempts).toBe(20)
  })

  test('finds a directory that has moved', async () => {
    let moved = false
    const server = await faulty((request, response, base) => {
      if (request.url === '/dir') return answer(response, 200, directory(moved ? `${base}/v2` : base))
      if (request.url?.endsWith('/newNonce')) return answer(response, 200, '')
      if (request.url === '/v2/newAccount') return account(response, base)
      moved = true
      answer(response, 404, problem('malformed', 'no such resource'))
    })
    expect(await findAccount(await freshSession(server))).toMatchObject({ status: 'valid' })
  })
})
