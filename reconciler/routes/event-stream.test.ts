import { afterEach, beforeEach, expect, test } from 'vitest'
import { told } from '../../engine/index.ts'
import { createWorld, type World } from '../fixtures/world.ts'

let world: World
let url: string
let stopping: AbortController
const clients: AbortController[] = []

beforeEach(async () => {
  stopping = new AbortController()
  world = await createWorld({ stopping: stopping.signal })
  url = await world.app.listen({ host: '127.0.0.1', port: 0 })
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.abort()
  await world.close()
})

/** A stream as a client reads it. */
async function follow(key: string, more: Record<string, string> = {}, query = '') {
  const client = new AbortController()
  clients.push(client)
  const response = await fetch(`${url}/v1/events${query}`, {
    headers: { authorization: `Bearer ${key}`, accept: 'text/event-stream', ...more },
    signal: client.signal,
  })
  if (!response.body) throw new Error('no body')
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  return {
    response,
    leave: () => client.abort(),
    /** Reads until the text holds it, or the stream ends. */
    async until(part: string): Promise<string> {
      while (!text.includes(part)) {
        const { done, value } = await reader.read()
        if (done) return text
        text += value
      }
      return text
    },
    /** Reads to the end. */
    async end(): Promise<string> {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return text
        text += value
      }
    },
  }
}

async function tell(tenant: string, type: Parameters<typeof told>[0], subject: string) {
  const at = '2026-11-01T10:00:00.000Z'
  await world.store.commit(tenant, { mutations: [told(type, { at, actor: 'test', subject })], actor: 'test', at })
}

test('events arrive as they happen, of the own tenant alone', async () => {
  await tell('a', 'source.ready', 'before')
  const stream = await follow(await world.key('a', ['events:read']))
  expect(stream.response.headers.get('content-type')).toBe('text/event-stream')
  await stream.until('retry:')
  await tell('b', 'certificate.issued', 'Certificate/theirs')
  await tell('a', 'certificate.issued', 'Certificate/mine')
  const text = await stream.until('Certificate/mine')
  expect(text).toMatch(/^id: \d+\nevent: certificate\.issued\ndata: \{"sequence":\d+.*"subject":"Certificate\/mine"/m)
  expect(text).not.toMatch(/theirs|before/)
})

test('who was away gets what was missed', async () => {
  for (const subject of ['one', 'two', 'three']) await tell('a', 'source.ready', subject)
  const key = await world.key('a')
  const stream = await follow(key, { 'last-event-id': '1' })
  const text = await stream.until('"three"')
  expect(text).toContain('"two"')
  expect(text).not.toContain('"one"')
})

test('only what was asked for', async () => {
  const stream = await follow(await world.key('a'), {}, '?type=source.stalled')
  await stream.until('retry:')
  await tell('a', 'source.ready', 'well')
  await tell('a', 'source.stalled', 'ill')
  expect(await stream.until('"ill"')).not.toContain('"well"')
})

test('it ends when its key is revoked', async () => {
  const key = await world.key('a')
  const stream = await follow(key)
  await stream.until('retry:')
  const { json } = await world.ask(key, { url: '/v1/users/me/apikeys' })
  const [own] = (json as { data: { id: string }[] }).data
  await world.ask(key, { method: 'DELETE', url: `/v1/users/me/apikeys/${own?.id}` })
  // Nothing of what happens from now on is seen any more.
  await tell('a', 'certificate.issued', 'Certificate/after')
  expect(await stream.end()).not.toContain('after')
})

test('it ends when the service stops', async () => {
  const stream = await follow(await world.key('a'))
  await stream.until('retry:')
  stopping.abort()
  await stream.end()
})

test('a key has so many streams and no more, and gets them back', async () => {
  const key = await world.key('a')
  const streams = await Promise.all(Array.from({ length: 16 }, () => follow(key)))
  expect((await follow(key)).response.status).toBe(429)
  for (const stream of streams) stream.leave()
  await expect.poll(async () => (await follow(key)).response.status).toBe(200)
})

test('HEAD opens no stream', async () => {
  const key = await world.key('a')
  const { status } = await fetch(`${url}/v1/events`, {
    method: 'HEAD',
    headers: { authorization: `Bearer ${key}`, accept: 'text/event-stream' },
  })
  expect(status).toBe(200)
})
