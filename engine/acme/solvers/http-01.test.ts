import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createHttp01Responder } from './http-01.ts'

const held = createServer()
let port: number

beforeAll(async () => {
  held.listen(0, '127.0.0.1')
  await once(held, 'listening')
  port = (held.address() as { port: number }).port // it listens on TCP
})
afterAll(() => void held.close())

test('a port that is taken is named, with what to do', async () => {
  const responder = createHttp01Responder(`127.0.0.1:${port}`)
  await expect(responder.serve('token', 'body')).rejects.toMatchObject({
    code: 'listener_failed',
    message: `cannot answer http-01 challenges on 127.0.0.1:${port}: another program listens there already`,
    remedy: expect.stringContaining('--http-01-listen'),
  })
})

test('exactly the tokens are served, each until everyone withdrew it', async () => {
  const spare = createServer().listen(0, '127.0.0.1')
  await once(spare, 'listening')
  const free = (spare.address() as { port: number }).port // it listens on TCP
  spare.close()
  await once(spare, 'close')
  const responder = createHttp01Responder(`127.0.0.1:${free}`)
  const get = (path: string, method = 'GET') => fetch(`http://127.0.0.1:${free}${path}`, { method })
  await Promise.all([
    responder.serve('tok', 'tok.print'),
    responder.serve('tok', 'tok.print'),
    responder.serve('b', 'b.p'),
  ])

  const answer = await get('/.well-known/acme-challenge/tok')
  expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
    200,
    'application/octet-stream',
    'tok.print',
  ])
  for (const path of [
    '/',
    '/.well-known/acme-challenge/',
    '/.well-known/acme-challenge/other',
    '/tok',
    '/.well-known/acme-challenge/../b',
  ]) {
    expect((await get(path)).status).toBe(404)
  }
  expect((await get('/.well-known/acme-challenge/tok', 'POST')).status).toBe(404)

  await responder.withdraw('tok')
  expect((await get('/.well-known/acme-challenge/tok')).status).toBe(200)
  await responder.withdraw('tok')
  expect((await get('/.well-known/acme-challenge/tok')).status).toBe(404)
  await responder.withdraw('b')
  await expect(get('/.well-known/acme-challenge/b')).rejects.toThrow()

  // It opens again for the next operation of the run.
  await responder.serve('c', 'c.p')
  expect(await (await get('/.well-known/acme-challenge/c')).text()).toBe('c.p')
  await responder.withdraw('c')
})

const bad: [listen: string][] = [['80'], ['host:port'], ['host:99999'], ['[nonsense]:80']]
test.each(bad)('"%s" is no address to listen on', listen => {
  expect(() => createHttp01Responder(listen)).toThrow('is not an address to listen on')
})
