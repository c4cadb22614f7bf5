import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { DiagnosticsError, EngineError } from '../engine/index.ts'
import { type Ask, createWorld, type World } from './fixtures/world.ts'
import { problemOf } from './problem.ts'

let world: World
afterEach(() => world?.close())

const json = { 'content-type': 'application/json' }

describe('what is refused is a problem with a code and a remedy', () => {
  const cases: [what: string, request: Ask, want: object][] = [
    ["a path that is nobody's", { url: '/v2/nothing' }, { status: 404, code: 'not_found' }],
    ['a path that is no URL', { url: '/v1/sources/%zz' }, { status: 400, code: 'malformed' }],
    ['a path with a NUL in it', { url: '/v1/sources/a%00b' }, { status: 404, code: 'not_found' }],
    [
      'a method that the path does not take',
      { method: 'PUT', url: '/v1/sources' },
      { status: 405, code: 'method_not_allowed' },
    ],
    [
      'half a document',
      { method: 'POST', url: '/v1/sources', text: '{"name":', headers: json },
      { status: 400, code: 'malformed' },
    ],
    [
      'no document',
      { method: 'POST', url: '/v1/sources', text: '', headers: json },
      { status: 400, code: 'malformed' },
    ],
    [
      'another type',
      { method: 'POST', url: '/v1/sources', text: 'a: 1', headers: { 'content-type': 'application/yaml' } },
      { status: 415, code: 'unsupported_media_type' },
    ],
    [
      'a prototype in the document',
      { method: 'POST', url: '/v1/sources', text: '{"__proto__": {"name": "x"}}', headers: json },
      { status: 400, code: 'malformed' },
    ],
    [
      'more than fits',
      { method: 'POST', url: '/v1/sources', text: `{"name":"${'x'.repeat(300_000)}"}`, headers: json },
      { status: 413, code: 'input_too_large' },
    ],
    [
      'a document with several mistakes, all told',
      { method: 'POST', url: '/v1/sources', body: { name: 'Big', urls: 1, interval: 1 } },
      {
        ...{ status: 422, code: 'schema_violation' },
        errors: expect.arrayContaining([
          expect.objectContaining({ pointer: '/url', detail: '/url is missing' }),
          expect.objectContaining({ pointer: '/urls', code: 'field_unknown' }),
          expect.objectContaining({ pointer: '/name' }),
          expect.objectContaining({ pointer: '/interval' }),
        ]),
      },
    ],
    [
      'a number as text',
      { method: 'POST', url: '/v1/sources', body: { name: 'a', url: 'https://a', interval: '60' } },
      { status: 422 },
    ],
    ['an unknown parameter', { url: '/v1/sources?colour=red' }, { status: 422, code: 'schema_violation' }],
    ['a page too large', { url: '/v1/sources?limit=1000000' }, { status: 422 }],
    ['a cursor of somebody else', { url: '/v1/sources?cursor=aGVsbG8' }, { status: 422, code: 'schema_violation' }],
    ['an instant that is none', { url: '/v1/audit?since=yesterday' }, { status: 422 }],
    ['a day that does not exist', { url: '/v1/audit?since=2026-02-31T25:00:00Z' }, { status: 422 }],
  ]
  test.each(cases)('%s', async (_what, request, want) => {
    world = await createWorld()
    const { status, json: body, headers, text } = await world.ask(await world.key('a'), request)
    expect({ ...(body as object) }).toMatchObject({
      title: expect.any(String),
      detail: expect.any(String),
      remedy: expect.any(String),
      ...want,
    })
    expect(headers['content-type']).toBe('application/problem+json; charset=utf-8')
    expect(body).toMatchObject({ status, request_id: headers['x-request-id'] })
    expect(text).not.toMatch(/node_modules|\.ts:|at \w+ \(/)
  })
})

test('no value of a refused document comes back', async () => {
  world = await createWorld()
  const body = {
    name: 'CANARY-1',
    url: 'https://a',
    credentials: { password: 'CANARY-2' },
    forge: { type: 'CANARY-3' },
  }
  const { status, text } = await world.ask(await world.key('a'), { method: 'POST', url: '/v1/sources', body })
  expect(status).toBe(422)
  expect(text).not.toContain('CANARY')
  expect(world.logged()).not.toContain('CANARY')
})

describe('failures as problems', () => {
  const cases: [what: string, error: unknown, want: object][] = [
    [
      'an upstream that says when',
      new EngineError('backend_rate_limited', 'the CA has enough of us', { remedy: 'wait', retryAfter: 12.2 }),
      { status: 503, code: 'backend_rate_limited', detail: 'the CA has enough of us', remedy: 'wait', retry_after: 13 },
    ],
    [
      'several at once: the gravest decides, all are told',
      new DiagnosticsError([
        { severity: 'warning', code: 'literal_secret', message: 'w' },
        { severity: 'error', code: 'field_unknown', message: 'first', address: 'Role/a' },
        { severity: 'error', code: 'backend_timeout', message: 'second' },
      ]),
      {
        ...{ status: 502, code: 'backend_timeout', detail: 'second and 1 more' },
        errors: [
          { code: 'field_unknown', detail: 'first', address: 'Role/a' },
          { code: 'backend_timeout', detail: 'second' },
        ],
      },
    ],
    ['a bug, without its words', new TypeError('CANARY is not a function'), { status: 500, code: 'internal' }],
    ['something thrown that is no error', 'CANARY', { status: 500, code: 'internal' }],
    ['nothing', undefined, { status: 500, code: 'internal' }],
  ]
  test.each(cases)('%s', (_what, error, want) => {
    expect(problemOf(error)).toMatchObject(want)
    expect(JSON.stringify(problemOf(error))).not.toContain('CANARY')
  })
})

test('a bug is logged with its stack, under the id that the caller gets', async () => {
  world = await createWorld()
  world.services.sources.list = () => Promise.reject(new TypeError('broken inside'))
  const { status, json: body, text } = await world.ask(await world.key('a'), { url: '/v1/sources' })
  expect({ status, code: (body as { code: string }).code }).toEqual({ status: 500, code: 'internal' })
  expect(text).not.toContain('broken inside')
  const line = world
    .logged()
    .split('\n')
    .find(each => each.includes('broken inside'))
  expect(line).toContain(String((body as { request_id: string }).request_id))
  expect(line).toContain('"stack"')
})

test('the log holds neither keys nor bodies nor queries', async () => {
  world = await createWorld()
  const key = await world.key('a')
  await world.ask(key, { url: '/v1/events?subject=CANARY-query' })
  await world.ask(key, { method: 'POST', url: '/v1/sources', body: { name: 'CANARY-body' } })
  await world.ask('CANARY-token', { url: '/v1/sources', headers: { cookie: 'CANARY-cookie' } })
  await world.ask(undefined, { url: '/v1/sources', headers: { authorization: 'Basic Q0FOQVJZOkNBTkFSWQ==' } })
  expect(world.logged()).toContain('"route":"/v1/sources"')
  expect(world.logged()).not.toContain('CANARY')
  expect(world.logged()).not.toContain('Q0FOQVJZ')
  expect(world.logged()).not.toContain(key)
})

describe('request ids', () => {
  test('of the caller are kept, others are made', async () => {
    world = await createWorld()
    const id = async (given?: string) =>
      (await world.ask(undefined, { url: '/healthz', headers: given === undefined ? {} : { 'x-request-id': given } }))
        .headers['x-request-id']
    expect(await id('trace-1.2')).toBe('trace-1.2')
    expect(await id()).toMatch(/^req_/)
    expect(await id('a b')).toMatch(/^req_/)
    expect(await id('x'.repeat(65))).toMatch(/^req_/)
  })
})

describe('rates', () => {
  const limited = { status: 429, code: 'rate_limited', retry_after: expect.any(Number) }

  test('of a key: the others are not kept out', async () => {
    world = await createWorld({ rates: { address: 1000, key: 3, failures: 1000 } })
    const [one, two] = [await world.key('a'), await world.key('a')]
    const statuses: number[] = []
    for (let at = 0; at < 4; at++) statuses.push((await world.ask(one, { url: '/v1/sources' })).status)
    expect(statuses).toEqual([200, 200, 200, 429])
    const answer = await world.ask(one, { url: '/v1/sources' })
    expect(answer.json).toMatchObject(limited)
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    expect((await world.ask(two, { url: '/v1/sources' })).status).toBe(200)
  })

  test('of an address, also where no key is asked for', async () => {
    world = await createWorld({ rates: { address: 2, key: 1000, failures: 1000 } })
    const ask = (remoteAddress: string) => world.ask(undefined, { url: '/healthz', remoteAddress })
    expect((await ask('198.51.100.1')).status).toBe(200)
    expect((await ask('198.51.100.1')).status).toBe(200)
    expect((await ask('198.51.100.1')).json).toMatchObject(limited)
    expect((await ask('198.51.100.2')).status).toBe(200)
  })

  test('of guesses: whoever holds a key is not kept out by a guesser beside him', async () => {
    world = await createWorld({ rates: { address: 1000, key: 1000, failures: 2 } })
    const statuses: number[] = []
    for (let at = 0; at < 3; at++) statuses.push((await world.ask('guess', { url: '/v1/sources' })).status)
    expect(statuses).toEqual([401, 401, 429])
    expect((await world.ask(await world.key('a'), { url: '/v1/sources' })).status).toBe(200)
  })
})

describe('the page and the metrics without a key', () => {
  const host = { host: '127.0.0.1:8080' }
  const cases: [what: string, request: Partial<Ask>, publicUrl: string | undefined, status: number][] = [
    ['from this machine', { remoteAddress: '127.0.0.1', headers: host }, undefined, 200],
    ['from this machine, by IPv6', { remoteAddress: '::1', headers: { host: '[::1]:8080' } }, undefined, 200],
    ['from elsewhere', { remoteAddress: '198.51.100.7', headers: host }, undefined, 401],
    [
      'through a proxy on this machine',
      { remoteAddress: '127.0.0.1', headers: { ...host, 'x-forwarded-for': '198.51.100.7' } },
      undefined,
      401,
    ],
    [
      'through a silent proxy, where a public URL is known',
      { remoteAddress: '127.0.0.1', headers: host },
      'https://pki.corp.example',
      401,
    ],
    [
      'where the public URL is this machine',
      { remoteAddress: '127.0.0.1', headers: host },
      'http://localhost:8080',
      200,
    ],
    [
      'by a name that was bound anew to this machine',
      { remoteAddress: '127.0.0.1', headers: { host: 'evil.example:8080' } },
      undefined,
      401,
    ],
  ]
  test.each(cases)('%s', async (_what, request, publicUrl, status) => {
    world = await createWorld(publicUrl === undefined ? {} : { publicUrl })
    for (const url of ['/', '/metrics']) expect((await world.ask(undefined, { url, ...request })).status).toBe(status)
  })

  test('a browser is asked for a key, and may give it as a password', async () => {
    world = await createWorld()
    const refused = await world.ask(undefined, { url: '/' })
    expect(String(refused.headers['www-authenticate'])).toContain('Basic realm="trustform"')
    const password = Buffer.from(`me:${await world.key('a', ['status:read'])}`).toString('base64')
    const { status } = await world.ask(undefined, { url: '/', headers: { authorization: `Basic ${password}` } })
    expect(status).toBe(200)
  })

  test('a bad key is refused from this machine, too', async () => {
    world = await createWorld()
    expect((await world.ask('bad', { url: '/', remoteAddress: '127.0.0.1', headers: host })).status).toBe(401)
  })
})

test('metrics of a key are those of its tenant', async () => {
  world = await createWorld()
  await world.source('a', 'mine')
  const theirs = await world.source('b', 'theirs')
  await world.plan(theirs)
  const own = (await world.ask(await world.key('a'), { url: '/metrics' })).text
  expect(own).toContain('trustform_source_condition{tenant="a",source="mine",type="Ready",status="Unknown"} 1')
  expect(own).not.toContain('theirs')
  const all = (
    await world.ask(undefined, { url: '/metrics', remoteAddress: '127.0.0.1', headers: { host: 'localhost' } })
  ).text
  expect(all).toContain('trustform_plans_pending{tenant="b",source="theirs"} 1')
  expect(all).toContain('trustform_queue_jobs{queue="reconcile",state="waiting"} 2')
  expect(all).toMatch(/trustform_http_request_duration_seconds_count\{method="GET",route="\/metrics",status="200"\} 1/)
})

test('while it stops, new requests are refused and told when to come again', async () => {
  const stopping = new AbortController()
  world = await createWorld({ stopping: stopping.signal })
  stopping.abort()
  const answer = await world.ask(undefined, { url: '/healthz' })
  expect(answer).toMatchObject({ status: 503, json: { code: 'unavailable', retry_after: 5 } })
  expect(answer.headers.connection).toBe('close')
})

test('headers beyond 16 KiB are not read', async () => {
  world = await createWorld()
  const url = new URL(await world.app.listen({ host: '127.0.0.1', port: 0 }))
  const answer = await new Promise<string>((resolve, reject) => {
    let text = ''
    const socket = connect(Number(url.port), url.hostname, () => {
      socket.write(`GET /healthz HTTP/1.1\r\nHost: x\r\nX-Big: ${'x'.repeat(20_000)}\r\n\r\n`)
    })
    socket.on('data', chunk => {
      text += chunk.toString()
    })
    socket.on('close', () => resolve(text)).on('error', reject)
  })
  expect(answer).toMatch(/^HTTP\/1\.1 431 /)
  expect(answer).toContain('application/problem+json')
})
