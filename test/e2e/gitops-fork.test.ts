import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { base, certificate, context, type ForgedService, startForged } from './gitops-forge.ts'
import { manifest } from './workspace.ts'

const canary = 'canary-5f1d-of-the-environment'
const stored = 'canary-77aa-of-the-store'

let forged: ForgedService
let catcher: Server
/** What arrived where a hostile manifest pointed to, head and body in one text each. */
const caught: string[] = []
let at = ''

beforeAll(async () => {
  catcher = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      caught.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)} ${Buffer.concat(chunks)}`)
      response.writeHead(404).end('{}')
    })
  })
  catcher.listen(0, '127.0.0.1')
  await once(catcher, 'listening')
  const address = catcher.address()
  if (typeof address !== 'object' || address === null) throw new Error('the catcher has no address')
  at = `http://127.0.0.1:${address.port}`
  const secret = manifest('Secret', 'stored', { path: 'infra/dns', data: { token: { env: 'STORED' } } })
  forged = await startForged(
    { 'base/pki.yaml': base, 'base/secret.yaml': secret },
    { env: { CANARY: canary, STORED: stored } },
  )
}, 240_000)
afterAll(async () => {
  await forged?.stop()
  catcher?.close()
  catcher?.closeAllConnections()
})

/** Manifests that would carry our credentials to the catcher, if they were ever used. */
const thieving = () =>
  [
    manifest('DnsProvider', 'by-env', {
      providerType: 'powerdns',
      credentials: { api_url: at, api_key: { env: 'CANARY' } },
      managedZones: ['corp.example'],
    }),
    manifest('DnsProvider', 'by-secret', {
      providerType: 'powerdns',
      credentials: { api_url: at, api_key: { secret: 'infra/dns#token' } },
      managedZones: ['other.example'],
    }),
    manifest('AcmeAccount', 'catching', {
      provider: 'custom',
      directoryUrl: `${at}/directory`,
      email: 'x@corp.example',
    }),
    manifest('Certificate', 'caught', { account: 'catching', dnsProvider: 'by-env', domains: ['www.corp.example'] }),
  ].join('')

/** Everything that the service has said anywhere by now. */
async function everything(number: number): Promise<string> {
  const { world, service } = forged
  const head = (await forged.pull(number)).head.sha
  const paths = ['sources', 'plans', 'runs', 'events', 'audit'].map(noun => `/v1/${noun}?limit=200`)
  const lists = await Promise.all(paths.map(path => service.get(path)))
  const plans = await Promise.all((await forged.plans()).map(({ id }) => service.get(`/v1/plans/${id}`)))
  const comments = await world.api(world.bot, 'GET', `issues/${number}/comments`)
  const page = await (await fetch(service.url)).text()
  return JSON.stringify([lists, plans, comments, await world.status(head, context), page, service.output()])
}

test('a fork gets a plan and nothing else: no request, no credential, no approval', async () => {
  const { world, comment, say } = forged
  await world.api(world.rita, 'POST', 'forks', {})
  const head = await world.change(world.rita, 'thief', { 'base/thief.yaml': thieving() }, 'rita/pki')
  const number = await forged.open(world.rita, 'rita:thief')
  const { body } = await comment(number, text => text.includes('to create'))
  expect(body).toContain('### 📋 Trustform plan for `infra`: 4 changes')
  expect(body).toContain('🔒 From a fork')
  expect(body).toContain('nothing outside was asked, no secret was read')
  expect(body).not.toContain('trustform apply')
  expect(await forged.status(head, status => status.state !== 'pending')).toMatchObject({ state: 'success' })

  for (const person of [world.rita, world.ben]) await say(number, person, 'trustform apply infra')
  const refused = await comment(number, text => text.includes('rita, ben: the plan of a fork'))
  expect(refused.body).toContain('cannot be approved')
  expect(
    (await forged.plans()).filter(plan => plan.pull_request === number),
    'there is nothing to approve',
  ).toEqual([])

  const said = await everything(number)
  expect(said).toContain('From a fork')
  expect(said).not.toContain(canary)
  expect(said).not.toContain(stored)
  expect(caught).toEqual([])
})

test('the same from a branch of the repository does reach out, so that silence above means something', async () => {
  const { world, comment } = forged
  await world.change(world.alice, 'honest', { 'base/thief.yaml': thieving() })
  await comment(await forged.open(world.alice, 'honest'), text => text.includes('4 changes'))
  const requests = caught.join('\n')
  expect(requests).toContain(canary)
  expect(requests).toContain(stored)
})

const hostile = [
  '@alice please look',
  'fixes #1',
  '![x](https://evil.example/beacon.png) <img src=x onerror=alert(1)>',
  '</details><h1>approved</h1>',
  '``` ` ```',
  '--> <!-- trustform:infra -->',
  'a | b',
  '\u202eevil',
]

test('what strangers write is shown and does nothing', async () => {
  const { world, comment, gitea } = forged
  const named = hostile.map((text, index) =>
    manifest('CertificateAuthority', `h${index}`, { type: 'root', commonName: text.slice(0, 64), keyType: 'ec' }),
  )
  await world.change(world.rita, 'loud', { 'base/loud.yaml': named.join('') }, 'rita/pki')
  const planned = await comment(await forged.open(world.rita, 'rita:loud'), text => text.includes('8 changes'))
  const broken = hostile.map((text, index) => manifest('Certificate', `b${index}`, { role: text, [text]: text }))
  await world.change(world.rita, 'broken', { 'base/broken.yaml': broken.join('') }, 'rita/pki')
  const invalid = await comment(await forged.open(world.rita, 'rita:broken'), text => text.includes('invalid'))

  for (const { body } of [planned, invalid]) {
    const response = await fetch(`${gitea.url}/api/v1/markdown`, {
      method: 'POST',
      headers: { authorization: `token ${world.bot.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ Mode: 'comment', Text: body, Context: world.repository }),
    })
    const html = await response.text()
    expect(html, 'its text is there').toContain('evil')
    const tags = new Set([...html.matchAll(/<\/?([a-z0-9]+)/g)].map(([, tag]) => tag ?? ''))
    expect([...tags].filter(tag => ['a', 'img', 'script', 'h1', 'h2'].includes(tag))).toEqual([])
    expect(html.match(/<details>/g)?.length ?? 0).toBe(html.match(/<\/details>/g)?.length ?? 0)
  }
})

test('the service is as it was', async () => {
  const view = await forged.source()
  expect(view.conditions.find(({ type }) => type === 'Ready')?.status).toBe('True')
  const { world } = forged
  const head = await world.change(world.ben, 'main', { 'base/after.yaml': certificate('after') })
  await forged.applied(head)
})
