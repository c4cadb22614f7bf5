import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../engine/index.ts'
import { createWorld, type World } from '../fixtures/world.ts'

let world: World
let tenants = 0
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())

/** A tenant of its own for each test, and what it asks with. */
async function tenant() {
  const name = `t${++tenants}`
  const key = await world.key(name)
  const ask = async (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, body?: unknown) => {
    const { status, json, headers } = await world.ask(key, { method, url, ...(body !== undefined && { body }) })
    return { status, body: json as JsonObject & { data: JsonObject[] }, headers }
  }
  return { name, key, ask }
}

const jobs = async (name: string) =>
  (await world.store.jobs({ tenant: name })).map(({ queue, payload, key }) => ({ queue, key, ...payload }))
const actions = async (name: string) => (await world.store.log(name, { log: 'audit' })).map(({ type }) => type)

describe('sources', () => {
  const body = { name: 'infra', url: 'https://git.example/infra.git' }

  test('are watched as soon as they are made, with the defaults of the schema', async () => {
    const { name, ask } = await tenant()
    const { status, body: source, headers } = await ask('POST', '/v1/sources', body)
    expect(status).toBe(201)
    expect(headers.location).toBe(`/v1/sources/${source.id}`)
    expect(source).toMatchObject({
      ...{ ...body, branch: 'main', paths: ['.'], interval: 60, auto_apply: false, drift: 'report', suspended: false },
      ...{ declared_by: 'api', credentials: false, webhook: false, require_signed_by: false },
      conditions: [{ type: 'Ready', status: 'Unknown', reason: 'Pending' }],
    })
    expect(await jobs(name)).toEqual([{ queue: 'reconcile', key: source.id, source: source.id, trigger: 'request' }])
    expect(await actions(name)).toEqual(expect.arrayContaining(['source_create']))
    expect((await ask('GET', `/v1/sources/${source.id}`)).body).toEqual(source)
  })

  test('list as the design shows', async () => {
    const { ask } = await tenant()
    const { body: source } = await ask('POST', '/v1/sources', body)
    expect((await ask('GET', '/v1/sources')).body).toEqual({ data: [source], has_more: false })
  })

  test('page by cursor, each exactly once', async () => {
    const { ask, name } = await tenant()
    for (const each of ['a', 'b', 'c', 'd', 'e']) await world.source(name, each)
    const seen: unknown[] = []
    for (let cursor = ''; ; ) {
      const { body: page } = await ask('GET', `/v1/sources?limit=2${cursor && `&cursor=${cursor}`}`)
      seen.push(...page.data.map(source => source.name))
      expect(page.has_more).toBe(page.next_cursor !== undefined)
      if (!page.has_more) break
      cursor = String(page.next_cursor)
    }
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test('of one name: the second is refused, of another tenant not', async () => {
    const [one, two] = [await tenant(), await tenant()]
    await one.ask('POST', '/v1/sources', body)
    expect(await one.ask('POST', '/v1/sources', body)).toMatchObject({ status: 409, body: { code: 'conflict' } })
    expect((await two.ask('POST', '/v1/sources', body)).status).toBe(201)
  })

  test('never show their credentials, which are references to stored secrets', async () => {
    const { ask, name } = await tenant()
    const secrets = {
      credentials: { username: 'bot', password: { secret: 'infra/git#token' } },
      forge: { type: 'gitea', url: 'https://git.example', repository: 'a/b', token: { secret: 'infra/forge#token' } },
      webhook_secret: { secret: 'infra/hook#key' },
      require_signed_by: {
        sshAllowedSigners: 'ada ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5',
      },
    }
    const { body: source } = await ask('POST', '/v1/sources', { ...body, ...secrets })
    expect(source).toMatchObject({ credentials: true, webhook: true, require_signed_by: true })
    expect(source.forge).toEqual({ type: 'gitea', url: 'https://git.example', repository: 'a/b' })
    expect(JSON.stringify(source)).not.toMatch(/infra\/(git|forge|hook)#/)
    expect(await world.services.sources.get(name, String(source.id))).toMatchObject({
      spec: { credentials: secrets.credentials, webhookSecret: secrets.webhook_secret },
    })
  })

  const refused: [what: string, more: object, pointer?: string][] = [
    ["the service's environment as a credential", { credentials: { password: { env: 'TRUSTFORM_MASTER_KEY' } } }],
    ["the service's files as a credential", { credentials: { sshKey: { file: '/etc/shadow' } } }],
    ['a password itself', { credentials: { password: 'hunter2' } }],
    ['a password in the URL', { url: 'https://bot:hunter2@git.example/a.git' }],
    ['an option as a branch', { branch: '--upload-pack=x' }],
    ['an option as a URL', { url: '--upload-pack=x' }, '/url'],
    ['a program as a URL', { url: 'ext::sh' }, '/url'],
    ['a URL over which anybody could answer', { url: 'http://git.example/a.git' }, '/url'],
    ['a host that is an option of ssh', { url: 'ssh://-oProxyCommand=x/y' }, '/url'],
    ['a branch that git would not take', { branch: 'a..b' }, '/branch'],
    ['no path', { paths: [] }],
    ['a path out of the repository', { paths: ['ok', '../etc'] }, '/paths/1'],
    ['signers in a file of this machine', { require_signed_by: { sshAllowedSigners: { file: '/etc/passwd' } } }],
    [
      'signers without a key',
      { require_signed_by: { sshAllowedSigners: 'ada ssh-ed25519 AAAA' } },
      '/require_signed_by/sshAllowedSigners',
    ],
    ['a PGP key that is none', { require_signed_by: { pgpKeys: 'none' } }, '/require_signed_by/pgpKeys'],
    ['nobody who may sign', { require_signed_by: { since: 'a1'.repeat(20) } }, '/require_signed_by'],
    ['a beginning that is no commit', { require_signed_by: { pgpKeys: 'x', since: 'main' } }],
  ]
  test.each(refused)('refuse %s', async (_what, more, pointer) => {
    const { ask } = await tenant()
    const answer = await ask('POST', '/v1/sources', { ...body, ...more })
    expect(answer).toMatchObject({ status: 422, body: { code: 'schema_violation' } })
    if (pointer !== undefined) expect(answer.body.errors).toMatchObject([{ pointer }])
    const { body: source } = await ask('POST', '/v1/sources', body)
    expect(await ask('PATCH', `/v1/sources/${source.id}`, more)).toMatchObject({ status: 422 })
  })

  test('are changed where the body says so, and looked at again', async () => {
    const { ask, name } = await tenant()
    const { body: source } = await ask('POST', '/v1/sources', { ...body, interval: 30 })
    const { body: changed } = await ask('PATCH', `/v1/sources/${source.id}`, { branch: 'prod', auto_apply: true })
    expect(changed).toMatchObject({ branch: 'prod', auto_apply: true, interval: 30, name: 'infra' })
    const [entry] = await world.store.log(name, { log: 'audit', type: 'source_update' })
    expect(entry?.data).toMatchObject({ changed: ['autoApply', 'branch'] })
    expect((await ask('PATCH', `/v1/sources/${source.id}`, {})).status).toBe(422)
  })

  const signers = {
    sshAllowedSigners: 'ada ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5',
  }
  const takenAway: [field: string, given: unknown, was: object, is: object][] = [
    ['credentials', { username: 'ada' }, { credentials: true }, { credentials: false }],
    ['require_signed_by', signers, { require_signed_by: true }, { require_signed_by: false }],
    ['webhook_secret', { secret: 'infra/hook' }, { webhook: true }, { webhook: false }],
  ]
  test.each(takenAway)('are without %s once it is null', async (field, given, was, is) => {
    const { ask } = await tenant()
    const { body: made } = await ask('POST', '/v1/sources', { ...body, [field]: given })
    const { body: other } = await ask('PATCH', `/v1/sources/${made.id}`, { interval: 30 })
    expect(other, 'what is absent stays').toMatchObject(was)
    expect((await ask('PATCH', `/v1/sources/${made.id}`, { [field]: null })).body).toMatchObject(is)
    expect((await ask('POST', '/v1/sources', { ...body, name: 'null', [field]: null })).status).toBe(422)
    expect((await ask('PATCH', `/v1/sources/${made.id}`, { url: null })).status).toBe(422)
  })

  test('are without a forge once it is null, and what waits for its pull requests waits no more', async () => {
    const { ask, name } = await tenant()
    const forge = { type: 'gitea', url: 'https://git.example', repository: 'a/b', token: { secret: 'infra/forge' } }
    const { body: made } = await ask('POST', '/v1/sources', { ...body, forge })
    const source = await world.services.sources.get(name, String(made.id))
    if (!source) throw new Error('it was not made')
    const [branch, pulled] = [await world.plan(source), await world.plan(source, { pullRequest: 7 })]
    const state = async (plan: string) => (await world.services.plans.get(name, plan))?.state
    await ask('PATCH', `/v1/sources/${made.id}`, { forge: { ...forge, token: { secret: 'infra/other' } } })
    expect(await state(pulled), 'another token is no other forge').toBe('pending')
    expect((await ask('PATCH', `/v1/sources/${made.id}`, { forge: null })).body).not.toHaveProperty('forge')
    expect([await state(branch), await state(pulled)]).toEqual(['pending', 'superseded'])
  })

  test('are suspended and resumed; a pass over a suspended one is refused', async () => {
    const { ask, name } = await tenant()
    const { id } = await world.source(name, 'infra')
    expect((await ask('POST', `/v1/sources/${id}/suspend`)).body).toMatchObject({ suspended: true })
    expect(await ask('POST', `/v1/sources/${id}/reconcile`)).toMatchObject({ status: 409, body: { code: 'conflict' } })
    expect((await ask('POST', `/v1/sources/${id}/suspend`)).status).toBe(200)
    expect((await ask('POST', `/v1/sources/${id}/resume`)).body).toMatchObject({ suspended: false })
    expect((await ask('POST', `/v1/sources/${id}/reconcile`)).status).toBe(202)
    expect(await actions(name)).toEqual(
      expect.arrayContaining(['source_create', 'source_suspend', 'source_resume', 'source_reconcile']),
    )
    expect(await jobs(name)).toHaveLength(1)
  })

  test('are forgotten with their open plans; what they applied stays', async () => {
    const { ask, name } = await tenant()
    const source = await world.source(name, 'infra')
    const plan = await world.plan(source)
    expect((await ask('DELETE', `/v1/sources/${source.id}`)).status).toBe(204)
    expect((await ask('GET', `/v1/sources/${source.id}`)).status).toBe(404)
    expect((await ask('GET', `/v1/plans/${plan}`)).body).toMatchObject({ state: 'superseded' })
    expect((await ask('POST', '/v1/sources', { ...body, name: 'infra' })).status).toBe(201)
  })

  test('of the configuration file follow it and not the API', async () => {
    const { ask, name } = await tenant()
    const { sources } = world.services
    const spec = (each: string, branch = 'main') => ({
      ...{ name: each, tenant: name, url: 'https://git.example/x.git', branch, paths: ['.'], interval: 60 },
      ...{ autoApply: false, adopt: false, drift: 'report' as const },
    })
    await sources.declare([
      { spec: spec('one'), suspended: false },
      { spec: spec('two'), suspended: true },
    ])
    const { body: list } = await ask('GET', '/v1/sources')
    const [one] = list.data
    expect(list.data.map(each => [each.name, each.declared_by, each.suspended])).toEqual([
      ['one', 'configuration', false],
      ['two', 'configuration', true],
    ])
    expect(await ask('PATCH', `/v1/sources/${one?.id}`, { branch: 'x' })).toMatchObject({ status: 409 })
    expect(await ask('DELETE', `/v1/sources/${one?.id}`)).toMatchObject({ status: 409 })
    expect((await ask('POST', `/v1/sources/${one?.id}/suspend`)).status).toBe(200)
    // A new start: the id stays, a change is taken over, the API's suspension holds, what is gone from the file goes.
    await sources.declare([{ spec: spec('one', 'prod'), suspended: false }])
    expect((await ask('GET', '/v1/sources')).body.data).toMatchObject([
      { id: one?.id, branch: 'prod', suspended: true },
    ])
  })
})

describe('plans', () => {
  test('are approved by exactly what was looked at; the loop is woken', async () => {
    const { ask, name } = await tenant()
    const source = await world.source(name, 'infra')
    const id = await world.plan(source)
    const { body: seen } = await ask('GET', `/v1/plans/${id}`)
    expect(seen).toMatchObject({
      state: 'pending',
      commit: 'c0ffee',
      source_id: source.id,
      document: { changes: [{ action: 'delete', blocked: { allow: 'CertificateAuthority/old' } }] },
    })
    expect(await ask('POST', `/v1/plans/${id}/approve`, { digest: 'sha256:other' })).toMatchObject({
      status: 409,
      body: { code: 'plan_stale' },
    })
    expect(await ask('POST', `/v1/plans/${id}/approve`, { commit: 'dead' })).toMatchObject({
      status: 409,
      body: { code: 'plan_stale' },
    })
    const { body: approved } = await ask('POST', `/v1/plans/${id}/approve`, {
      digest: seen.digest,
      commit: seen.commit,
    })
    expect(approved).toMatchObject({ state: 'approved', approvals: [{ by: expect.stringMatching(/^key_/) }] })
    expect(await jobs(name)).toEqual([{ queue: 'reconcile', key: source.id, source: source.id, trigger: 'approval' }])
    expect(await actions(name)).toContain('plan_approve')
    expect(await ask('POST', `/v1/plans/${id}/discard`)).toMatchObject({ status: 409, body: { code: 'conflict' } })
  })

  test('are approved without a body, too', async () => {
    const { ask, name } = await tenant()
    const id = await world.plan(await world.source(name, 'infra'))
    expect((await ask('POST', `/v1/plans/${id}/approve`)).body).toMatchObject({ state: 'approved' })
  })

  test('are discarded for good, until somebody thinks again; who waits is told', async () => {
    const { ask, name } = await tenant()
    const source = await world.source(name, 'infra')
    const [id, pulled] = [await world.plan(source), await world.plan(source, { pullRequest: 7 })]
    for (const each of [id, pulled]) {
      expect((await ask('POST', `/v1/plans/${each}/discard`)).body).toMatchObject({
        ...{ state: 'discarded', discarded: { by: expect.stringMatching(/^key_/) } },
      })
    }
    expect(await jobs(name)).toEqual([
      { queue: 'reconcile', key: source.id, source: source.id, trigger: 'request' },
      expect.objectContaining({ queue: 'preview', source: source.id, number: 7 }),
    ])
    expect(await ask('POST', `/v1/plans/${id}/discard`)).toMatchObject({ status: 409 })
    expect((await ask('POST', `/v1/plans/${id}/approve`)).body).toMatchObject({ state: 'approved' })
  })

  test('decided on by two at once: one of them is told', async () => {
    const { ask, name } = await tenant()
    const id = await world.plan(await world.source(name, 'infra'))
    const answers = await Promise.all([ask('POST', `/v1/plans/${id}/approve`), ask('POST', `/v1/plans/${id}/discard`)])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
  })

  test('list newest first, by source and state', async () => {
    const { ask, name } = await tenant()
    const [one, two] = [await world.source(name, 'one'), await world.source(name, 'two')]
    const ids = [await world.plan(one), await world.plan(two), await world.plan(one, { state: 'applied' })]
    const list = async (query: string) => (await ask('GET', `/v1/plans${query}`)).body.data.map(({ id }) => id)
    expect(await list('')).toEqual(ids.toReversed())
    expect(await list(`?source=${one.id}`)).toEqual([ids[2], ids[0]])
    expect(await list('?state=pending')).toEqual([ids[1], ids[0]])
    const { body: first } = await ask('GET', '/v1/plans?state=pending&limit=1')
    const { body: second } = await ask('GET', `/v1/plans?state=pending&limit=1&cursor=${first.next_cursor}`)
    expect([first.data[0]?.id, second.data[0]?.id, second.has_more]).toEqual([ids[1], ids[0], false])
    expect(first.data[0]).not.toHaveProperty('document')
  })
})

test('runs list newest first, with their logs by line', async () => {
  const { ask, name } = await tenant()
  const source = await world.source(name, 'infra')
  const [old, young] = [await world.run(source), await world.run(source, { state: 'running', phase: 'apply' })]
  expect((await ask('GET', '/v1/runs')).body.data.map(({ id }) => id)).toEqual([young, old])
  expect((await ask('GET', `/v1/runs/${young}`)).body).toMatchObject({
    state: 'running',
    phase: 'apply',
    source: 'infra',
  })
  const { body: page } = await ask('GET', `/v1/runs/${old}/logs?limit=2`)
  expect(page.data).toEqual([
    { line: 1, text: 'first' },
    { line: 2, text: 'second' },
  ])
  const { body: rest } = await ask('GET', `/v1/runs/${old}/logs?limit=2&cursor=${page.next_cursor}`)
  expect(rest).toEqual({ data: [{ line: 3, text: 'third' }], has_more: false })
})

describe('API keys', () => {
  const body = { name: 'Terraform Automation', scopes: ['sources:read', 'plans:read'] }

  test('are shown once, in the envelope of the contract', async () => {
    const { ask } = await tenant()
    const { status, body: made } = await ask('POST', '/v1/users/me/apikeys', body)
    expect(status).toBe(201)
    expect(made).toMatchObject({
      status: 'success',
      data: {
        ...body,
        id: expect.stringMatching(/^key_/),
        key: expect.stringMatching(/^tfk_/),
        created_at: expect.any(String),
      },
    })
    const { key, id } = made.data as unknown as { key: string; id: string }
    const listed = JSON.stringify([
      (await ask('GET', '/v1/users/me/apikeys')).body,
      (await ask('GET', `/v1/users/me/apikeys/${id}`)).body,
    ])
    expect(listed).toContain(id)
    expect(listed).not.toContain(key)
    expect((await world.ask(key, { url: '/v1/sources' })).status).toBe(200)
    expect((await world.ask(key, { url: '/v1/runs' })).status).toBe(403)
    expect((await ask('DELETE', `/v1/users/me/apikeys/${id}`)).status).toBe(204)
    expect((await world.ask(key, { url: '/v1/sources' })).status).toBe(401)
    expect((await ask('DELETE', `/v1/users/me/apikeys/${id}`)).status).toBe(404)
  })

  test('grant no more than their maker holds', async () => {
    const { name } = await tenant()
    const maker = await world.key(name, ['apikeys:write', 'runs:read'])
    const make = (scopes: string[]) =>
      world.ask(maker, { method: 'POST', url: '/v1/users/me/apikeys', body: { name: 'x', scopes } })
    expect((await make(['runs:read'])).status).toBe(201)
    expect(await make(['runs:read', 'plans:approve'])).toMatchObject({ status: 403, json: { code: 'forbidden' } })
  })

  test('with scopes of another service are refused with the list of known ones', async () => {
    const { ask } = await tenant()
    const { status, body: answer } = await ask('POST', '/v1/users/me/apikeys', { name: 'x', scopes: ['billing:read'] })
    expect({ status, code: answer.code }).toEqual({ status: 422, code: 'schema_violation' })
    expect(answer.remedy).toContain('sources:read')
  })

  test('end when they say so', async () => {
    const { ask } = await tenant()
    expect((await ask('POST', '/v1/users/me/apikeys', { ...body, expires_at: '2020-01-01T00:00:00Z' })).status).toBe(
      422,
    )
    expect((await ask('POST', '/v1/users/me/apikeys', { ...body, expires_at: 'tomorrow' })).status).toBe(422)
    const { body: made } = await ask('POST', '/v1/users/me/apikeys', {
      ...body,
      expires_at: '2199-01-01T00:00:00+01:00',
    })
    expect(made.data).toMatchObject({ expires_at: '2198-12-31T23:00:00.000Z' })
  })

  test('of a user are listed under that user', async () => {
    const { ask } = await tenant()
    await ask('POST', '/v1/users/grace/apikeys', { ...body, name: 'hers' })
    expect((await ask('GET', '/v1/users/grace/apikeys')).body.data.map(({ name }) => name)).toEqual(['hers'])
    expect((await ask('GET', '/v1/users/me/apikeys')).body.data.map(({ name }) => name)).toEqual(['test'])
  })
})

describe('the audit log', () => {
  test('filters by action and instant, and proves itself', async () => {
    const { ask, name } = await tenant()
    const { id } = await world.source(name, 'infra')
    await ask('POST', `/v1/sources/${id}/suspend`)
    const { body: all } = await ask('GET', '/v1/audit')
    expect(all.data.map(({ action }) => action)).toEqual(['source_suspend', 'source_create', 'api_key_create'])
    expect(all.data[0]).toMatchObject({
      actor: expect.stringMatching(/^key_/),
      subject: id,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect((await ask('GET', '/v1/audit?action=source_create')).body.data).toHaveLength(1)
    expect((await ask('GET', `/v1/audit?since=${encodeURIComponent('2199-01-01T00:00:00+02:00')}`)).body.data).toEqual(
      [],
    )
    expect((await ask('GET', '/v1/audit?order=asc&limit=1')).body).toMatchObject({
      data: [{ action: 'api_key_create' }],
      has_more: true,
    })
    expect((await ask('GET', '/v1/audit/verify')).body).toEqual({ valid: true, entries: 3 })
  })
})

describe('hooks', () => {
  const push = JSON.stringify({ ref: 'refs/heads/main' })
  const sign = (secret: string, text: string) => `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`
  const deliver = (source: string, text: string, headers: Record<string, string>) =>
    world.ask(undefined, {
      method: 'POST',
      url: `/v1/hooks/${source}`,
      text,
      headers: { 'content-type': 'application/json', ...headers },
    })
  const github = (secret: string, text: string, delivery = '1') => ({
    ...{ 'x-hub-signature-256': sign(secret, text), 'x-github-event': 'push', 'x-github-delivery': delivery },
  })

  /** A source whose first pass is out of the way. */
  async function hooked(more: object = {}) {
    const { name } = await tenant()
    const source = await world.source(name, `hooked-${name}`, {
      webhookSecret: { env: 'hook-key' },
      forge: { type: 'github', repository: 'a/b', token: { env: 'T' } },
      ...more,
    })
    for (const { id } of await world.store.jobs({ tenant: name })) await world.queue.cancel(id)
    return { name, source }
  }

  test('wake the loop when the signature is right', async () => {
    const { name, source } = await hooked()
    expect((await deliver(source.spec.name, push, github('hook-key', push))).status).toBe(202)
    expect(await jobs(name)).toEqual([{ queue: 'reconcile', key: source.id, source: source.id, trigger: 'webhook' }])
  })

  test('count once when they are delivered twice', async () => {
    const { name, source } = await hooked()
    await deliver(source.id, push, github('hook-key', push))
    for (const { id } of await world.store.jobs({ tenant: name })) await world.queue.cancel(id)
    await deliver(source.id, push, github('hook-key', push))
    expect(await jobs(name)).toEqual([])
    await deliver(source.id, push, github('hook-key', push, '2'))
    expect(await jobs(name)).toHaveLength(1)
  })

  test('of a pull request ask for its preview', async () => {
    const { name, source } = await hooked()
    const text = JSON.stringify({ action: 'opened', number: 7, pull_request: { number: 7 } })
    await deliver(source.spec.name, text, { ...github('hook-key', text), 'x-github-event': 'pull_request' })
    expect(await jobs(name)).toEqual([{ queue: 'preview', key: `${source.id}:7`, source: source.id, number: 7 }])
  })

  test('are answered alike, whatever they are', async () => {
    const { name, source } = await hooked()
    const { source: deaf } = await hooked({ webhookSecret: undefined })
    const answers = await Promise.all([
      deliver(source.spec.name, push, github('hook-key', push, 'a')),
      deliver(source.spec.name, push, github('wrong', push)),
      deliver(source.spec.name, `${push} `, { ...github('hook-key', push) }),
      deliver(source.spec.name, push, {}),
      deliver(deaf.spec.name, push, github('hook-key', push)),
      deliver('nobody', push, github('hook-key', push)),
      deliver(source.spec.name, '\u0000not json', { 'content-type': 'text/plain' }),
      deliver(source.spec.name, '', {}),
    ])
    const plain = answers.map(({ status, text, headers }) => {
      const { 'x-request-id': _id, date: _date, ...rest } = headers
      return JSON.stringify({ status, text, rest })
    })
    expect(new Set(plain).size).toBe(1)
    expect(await jobs(name)).toHaveLength(1)
  })

  test('of a source of the same name in another tenant do not reach each other', async () => {
    const [one, two] = [await tenant(), await tenant()]
    const mine = await world.source(one.name, 'shared', { webhookSecret: { env: 'mine' } })
    const theirs = await world.source(two.name, 'shared', { webhookSecret: { env: 'theirs' } })
    for (const { id } of await world.store.jobs({})) await world.queue.cancel(id)
    await deliver('shared', push, { 'x-trustform-signature': sign('theirs', push), 'x-trustform-delivery': '1' })
    expect({ mine: await jobs(mine.tenant), theirs: (await jobs(theirs.tenant)).length }).toEqual({
      mine: [],
      theirs: 1,
    })
  })

  test('reach a source although another tenant has one of its name whose key cannot be had', async () => {
    const [one, two] = [await tenant(), await tenant()]
    await world.source(one.name, 'taken', { webhookSecret: { secret: 'nothing#here' } })
    await world.source(two.name, 'taken', { webhookSecret: { env: 'theirs' } })
    for (const { id } of await world.store.jobs({})) await world.queue.cancel(id)
    expect((await deliver('taken', push, { 'x-trustform-signature': sign('theirs', push) })).status).toBe(202)
    expect(await jobs(two.name)).toHaveLength(1)
  })

  test('that nobody counts wake the loop each time, though they are alike', async () => {
    const { name, source } = await hooked()
    for (const _time of ['first', 'second']) {
      await deliver(source.id, push, { 'x-trustform-signature': sign('hook-key', push) })
      const waiting = await world.store.jobs({ tenant: name })
      expect(waiting).toHaveLength(1)
      for (const { id } of waiting) await world.queue.cancel(id)
    }
  })

  test('above 1 MiB are not read', async () => {
    expect((await deliver('nobody', 'x'.repeat(1024 * 1024 + 1), {})).status).toBe(413)
    expect((await deliver('nobody', 'x'.repeat(1024 * 1024), {})).status).toBe(202)
  })

  test('to a suspended source wake nobody', async () => {
    const { name, source } = await hooked()
    await world.services.sources.suspend(source, true, 'test')
    await deliver(source.id, push, github('hook-key', push))
    expect(await jobs(name)).toEqual([])
  })
})
