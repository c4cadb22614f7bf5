import { createHmac } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type GitServer, type ServedRepository, startGitServer } from '../servers/git.ts'
import { type GitopsService, startGitopsService, until } from './gitops-service.ts'
import { createWorkspace, manifest, type Workspace } from './workspace.ts'

interface SourceView {
  readonly id: string
  readonly name: string
  readonly observed_commit?: string
  readonly applied_commit?: string
  readonly conditions: readonly { type: string; status: string; reason: string; message: string }[]
}

const authorities = [
  manifest('CertificateAuthority', 'root', { type: 'root', commonName: 'Root CA', keyType: 'ec' }),
  manifest('Role', 'web', { ca: 'root', allowedDomains: ['corp.example'], allowSubdomains: true }),
].join('')
const certificate = (name: string) => manifest('Certificate', name, { role: 'web', domains: [`${name}.corp.example`] })

let git: GitServer
let names = 0
beforeAll(async () => {
  git = await startGitServer()
})
afterAll(() => git.stop())

let work: Workspace
let repository: ServedRepository
let service: GitopsService | undefined
beforeEach(async () => {
  work = createWorkspace('gitops')
  repository = await git.create(`pki-${names++}.git`)
})
afterEach(async () => {
  await service?.stop()
  service = undefined
  work.remove()
})

const start = async (more: object = {}) => {
  const source = { name: 'infra', url: repository.url, paths: ['base'], interval: '5s', autoApply: true, ...more }
  service = await startGitopsService(work, [source], { HOOK_SECRET: 'hook-secret' })
  return service
}

async function source(): Promise<SourceView> {
  const { data } = (await service?.get('/v1/sources')) as { data: SourceView[] }
  const [first] = data
  if (!first) throw new Error('the source is not listed')
  return first
}

const condition = (view: SourceView, type: string) => view.conditions.find(each => each.type === type)
const applied = (commit: string) => until(source, view => view.applied_commit === commit)
const stalled = (reason: string) => until(source, view => condition(view, 'Stalled')?.reason === reason)
const listed = async () =>
  (
    JSON.parse((await work.expect(0, ['list', '--json', '--state', 'sqlite:state.db'])).stdout) as {
      address: string
      owner: string
    }[]
  ).map(({ address, owner }) => `${address} ${owner}`)

test('a commit becomes certificates, the next one is seen by polling, and a removed one is pruned', async () => {
  const first = await repository.commit({ 'base/ca.yaml': authorities, 'base/a.yaml': certificate('a') })
  await start()
  await applied(first)
  expect(await listed()).toEqual(
    ['Certificate/a', 'CertificateAuthority/root', 'Role/web'].map(address => `${address} git:infra`),
  )
  const second = await repository.commit({ 'base/ca.yaml': authorities, 'base/b.yaml': certificate('b') })
  const view = await applied(second)
  expect(condition(view, 'Ready')).toMatchObject({ status: 'True', reason: 'Applied' })
  expect(await listed()).toContain('Certificate/b git:infra')
  expect(await listed()).not.toContain('Certificate/a git:infra')
  const runs = (await service?.get('/v1/runs')) as { data: { state: string }[] }
  expect(runs.data.map(({ state }) => state)).toContain('succeeded')
})

test('a signed webhook wakes it at once, an unsigned one is answered alike and does nothing', async () => {
  const first = await repository.commit({ 'base/ca.yaml': authorities })
  const { url } = await start({ interval: '1h', webhookSecret: { env: 'HOOK_SECRET' } })
  await applied(first)
  const second = await repository.commit({ 'base/ca.yaml': authorities, 'base/a.yaml': certificate('a') })
  const body = JSON.stringify({ ref: 'refs/heads/main', after: second })
  const deliver = (secret: string) =>
    fetch(`${url}/v1/hooks/infra`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-trustform-signature': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
      },
      body,
    })
  const forged = await deliver('wrong')
  const signed = await deliver('hook-secret')
  expect([forged.status, await forged.text()]).toEqual([signed.status, await signed.text()])
  await applied(second)
})

test('an invalid commit stalls with its place, nothing is deleted, and the mended one goes on', async () => {
  const first = await repository.commit({ 'base/ca.yaml': authorities, 'base/a.yaml': certificate('a') })
  await start()
  await applied(first)
  await repository.commit({ 'base/ca.yaml': authorities, 'base/a.yaml': certificate('a').replace('"role"', '"rol"') })
  const view = await stalled('InvalidConfiguration')
  expect(condition(view, 'Stalled')?.message).toMatch(/base\/a\.yaml:\d+:\d+.*role/)
  expect(await listed()).toContain('Certificate/a git:infra')

  await repository.commit({ 'README.md': 'the manifests are gone' })
  const emptied = await until(
    source,
    each => condition(each, 'Stalled')?.message.includes('"base" does not exist') ?? false,
  )
  expect(condition(emptied, 'Ready')?.status).toBe('False')
  expect(await listed()).toContain('Certificate/a git:infra')

  const mended = await repository.commit({ 'base/ca.yaml': authorities, 'base/a.yaml': certificate('a') })
  await applied(mended)
})

test('what deletes an authority waits for an approval, and exactly that is applied', async () => {
  const first = await repository.commit({
    'base/ca.yaml': authorities,
    'base/old.yaml': manifest('CertificateAuthority', 'old', { type: 'root', commonName: 'Old CA', keyType: 'ec' }),
  })
  const { get, post } = await start()
  await applied(first)
  const second = await repository.commit({ 'base/ca.yaml': authorities })
  await stalled('Blocked')
  expect(await listed()).toContain('CertificateAuthority/old git:infra')
  const { data } = (await get('/v1/plans')) as { data: { id: string; commit: string; state: string }[] }
  const [plan] = data.filter(({ state }) => state === 'pending')
  expect(plan?.commit).toBe(second)
  expect(await post(`/v1/plans/${plan?.id}/approve`)).toBe(200)
  await applied(second)
  expect(await listed()).not.toContain('CertificateAuthority/old git:infra')
})

test('a force-push is applied and shown: in the condition, in an event and on the status page', async () => {
  const first = await repository.commit({ 'base/ca.yaml': authorities })
  const { url, get } = await start()
  await applied(first)
  const gone = await repository.commit({ 'base/ca.yaml': authorities, 'base/a.yaml': certificate('a') })
  await applied(gone)
  const files = { 'base/ca.yaml': authorities, 'base/b.yaml': certificate('b') }
  const next = await repository.commit(files, { parents: [first] })
  const words = `main was force-pushed from ${gone.slice(0, 12)} to ${next.slice(0, 12)}`
  expect(condition(await applied(next), 'Ready')).toMatchObject({
    status: 'True',
    message: expect.stringContaining(words),
  })
  const events = (await get('/v1/events?limit=200')) as { data: { type: string; data: object }[] }
  expect(events.data.filter(({ type }) => type === 'source.force_pushed')).toMatchObject([
    { data: { name: 'infra', branch: 'main', from: gone, to: next } },
  ])
  expect(await (await fetch(url)).text()).toContain(words)
  expect(await listed()).not.toContain('Certificate/a git:infra')
})

test('kill -9 in the middle of applying: the next start goes on and repeats nothing', async () => {
  const many = Array.from({ length: 400 }, (_, i) => certificate(`c${i}`)).join('')
  const head = await repository.commit({ 'base/ca.yaml': authorities, 'base/many.yaml': many })
  const killed = await start()
  await until(
    async () => (await listed()).length,
    count => count > 20,
    60,
  )
  await killed.stop('SIGKILL')
  const before = (await listed()).length
  expect(before).toBeGreaterThan(20)

  await start()
  await applied(head)
  expect((await listed()).length).toBe(402)
  const versions = JSON.parse(
    (await work.expect(0, ['state', 'history', '--json', '--limit', '5000', '--state', 'sqlite:state.db'])).stdout,
  ) as { address: string }[]
  const writes = versions.map(({ address }) => address)
  expect(new Set(writes).size, 'each resource was made once').toBe(writes.length)
  await work.expect(0, ['state', 'verify', '--state', 'sqlite:state.db'])
})

test('a signature is required of every commit since the last applied one', async () => {
  await repository.commit({ 'base/ca.yaml': authorities })
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5'
  await start({ requireSignedBy: { sshAllowedSigners: `dev@corp.example ${key}\n` } })
  const view = await stalled('SignatureRefused')
  expect(condition(view, 'Ready')?.status).toBe('False')
  expect(await listed()).toEqual([])
})

test('of two sources that claim one resource the second says so, changes nothing, and takes over only when asked', async () => {
  const shared = { 'base/ca.yaml': authorities, 'base/a.yaml': certificate('a') }
  const first = await repository.commit(shared)
  const { stop } = await start()
  await applied(first)
  await stop()
  const other = await git.create(`pki-${names++}.git`)
  const wanted = await other.commit({ 'base/a.yaml': shared['base/ca.yaml'] + certificate('b') })

  const usual = { paths: ['base'], interval: '5s', autoApply: true }
  const both = (more: object = {}) => [
    { name: 'infra', url: repository.url, ...usual },
    { name: 'zeal', url: other.url, ...usual, ...more },
  ]
  const named = async (name: string) => {
    const { data } = (await service?.get('/v1/sources')) as { data: SourceView[] }
    return data.find(each => each.name === name)
  }
  service = await startGitopsService(work, both())
  const refused = await until(
    () => named('zeal'),
    view => view !== undefined && condition(view, 'Stalled')?.reason === 'Conflict',
  )
  expect(refused && condition(refused, 'Stalled')?.message).toMatch(
    /CertificateAuthority\/root is owned by git:infra \(.*adopt: true/,
  )
  expect(await listed()).not.toContain('Certificate/b git:zeal')
  const plans = (await service.get('/v1/plans')) as { data: unknown[] }
  expect(plans.data, 'there is nothing to approve about a conflict').toEqual([])
  await service.stop()

  service = await startGitopsService(work, both({ adopt: true }))
  await until(
    () => named('zeal'),
    view => view?.applied_commit === wanted,
  )
  expect(await listed()).toContain('CertificateAuthority/root git:zeal')
})
