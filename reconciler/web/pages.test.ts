import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { errorCatalogue } from '../../engine/index.ts'
import { createWorld, type World } from '../fixtures/world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())

test.each([
  '/',
  '/docs',
])('%s runs nothing, loads nothing, and its one style sheet is named by its digest', async url => {
  const { status, text, headers } = await world.ask(await world.key('a'), { url })
  expect(status).toBe(200)
  expect(headers['content-type']).toBe('text/html; charset=utf-8')
  const policy = String(headers['content-security-policy'])
  expect(policy).toMatch(
    /^default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
  )
  expect(policy).not.toMatch(/unsafe|script-src|\*/)
  const [, style = ''] = /<style>([\s\S]*?)<\/style>/.exec(text) ?? []
  expect(policy).toContain(`'sha256-${createHash('sha256').update(style).digest('base64')}'`)
  // Neither scripts nor inline styles, which the policy would refuse.
  expect(text).not.toMatch(/<script|javascript:|\sstyle=|\son[a-z]+=|<link|<img|@import|url\(/)
})

test('the page of a key is that of its tenant', async () => {
  await world.source('a', 'mine')
  const theirs = await world.source('b', 'theirs')
  await world.run(theirs)
  const own = (await world.ask(await world.key('a'), { url: '/' })).text
  expect(own).toContain('mine')
  expect(own).not.toContain('theirs')
  const all = (
    await world.ask(undefined, { url: '/', remoteAddress: '127.0.0.1', headers: { host: 'localhost:8080' } })
  ).text
  expect(all).toContain('mine')
  expect(all).toContain('theirs')
})

test('the documentation shows every operation, scope and error', async () => {
  const { text } = await world.ask(undefined, { url: '/docs' })
  const { json } = await world.ask(undefined, { url: '/v1/openapi.json' })
  const { paths } = json as {
    paths: Record<string, Record<string, { operationId: string; security: { key?: string[] }[] }>>
  }
  for (const [path, methods] of Object.entries(paths)) {
    for (const { operationId, security } of Object.values(methods)) {
      expect(text).toContain(`id="${operationId}"`)
      for (const scope of security.flatMap(each => each.key ?? [])) expect(text).toContain(scope)
    }
    expect(text).toContain(`<code>${path}</code>`)
  }
  for (const code of Object.keys(errorCatalogue)) expect(text).toContain(`id="error-${code}"`)
  // Every link within the page leads somewhere.
  for (const [, target] of text.matchAll(/href="#([^"]+)"/g)) expect(text).toContain(`id="${target}"`)
})
