import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { errorCatalogue, type JsonObject, scopes } from '../engine/index.ts'
import { createWorld, type World } from './fixtures/world.ts'

/**
 * Authentication, scope and tenant isolation of every route, from the OpenAPI document that the service itself
 * answers: a new route is covered because it exists.
 */

interface Operation {
  readonly name: string
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly scope: string | undefined
  /** May be reached without a key from this machine. */
  readonly local: boolean
  readonly node: JsonObject
}

const document = await (async () => {
  const world = await createWorld()
  const { json } = await world.ask(undefined, { url: '/v1/openapi.json' })
  await world.close()
  return json as JsonObject & { paths: Record<string, Record<string, JsonObject>>; components: JsonObject }
})()

const operations: Operation[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, node]) => {
    const security = node.security as { key?: string[] }[]
    return {
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase() as Operation['method'],
      path,
      scope: security.flatMap(each => each.key ?? [])[0],
      local: security.some(each => each.key === undefined),
      node,
    }
  }),
)
const guarded = operations.filter(({ scope }) => scope !== undefined)
const open = operations.filter(({ scope }) => scope === undefined)
/** Routes about one object, by the parameter that names it. */
const withObject = guarded.filter(({ path }) => path.includes('{'))

/** Bodies that are good; a new route with a required body fails until it has one here. */
const bodies: Readonly<Record<string, object>> = {
  createSource: { name: 'fresh', url: 'https://git.example/fresh.git' },
  updateSource: { branch: 'other' },
  createApiKey: { name: 'ci', scopes: ['runs:read'] },
}

let world: World
let users = 0
/** The value of each path parameter, for objects of a tenant; a new parameter fails until it has one here. */
let objects: (tenant: 'a' | 'b') => Promise<Record<string, string>>

beforeAll(async () => {
  world = await createWorld({ rates: { address: 1e6, key: 1e6, failures: 1e6 } })
  let made = 0
  objects = async tenant => {
    const source = await world.source(tenant, `s${++made}`)
    const key = await world.ask(await world.key(tenant), {
      method: 'POST',
      url: '/v1/users/ada/apikeys',
      body: { name: 'made', scopes: ['runs:read'] },
    })
    return {
      source_id: source.id,
      plan_id: await world.plan(source),
      run_id: await world.run(source),
      user_id: 'ada',
      key_id: (key.json as { data: { id: string } }).data.id,
    }
  }
})
afterAll(() => world.close())

function url(path: string, values: Readonly<Record<string, string>>): string {
  return path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`tell this test how to make a ${name}`)
    return value
  })
}

async function call(
  { method, path, node }: Operation,
  key: string | undefined,
  values: Record<string, string>,
  more = {},
) {
  const needsBody = (node.requestBody as { required?: boolean } | undefined)?.required === true
  const body = bodies[String(node.operationId)]
  if (needsBody && !body && !path.startsWith('/v1/hooks/'))
    throw new Error(`tell this test a good body of ${String(node.operationId)}`)
  return world.ask(key, { method, url: url(path, values), ...(body && { body }), ...more })
}

const nobody = { source_id: 'src_x', plan_id: 'plan_x', run_id: 'run_x', user_id: 'ada', key_id: 'key_x', source: 'x' }

test('the document was seen', () => {
  expect(guarded.length).toBeGreaterThanOrEqual(20)
  expect(withObject.length).toBeGreaterThanOrEqual(13)
})

test('what is open is exactly what shows nothing of a tenant', () => {
  expect(open.map(({ name }) => name).sort()).toEqual([
    'GET /docs',
    'GET /healthz',
    'GET /readyz',
    'GET /v1/openapi.json',
    'POST /v1/hooks/{source}',
  ])
})

test('what this machine may see without a key is the page and the metrics', () => {
  expect(guarded.flatMap(({ local, name }) => (local ? [name] : [])).sort()).toEqual(['GET /', 'GET /metrics'])
})

describe.each(guarded)('$name', operation => {
  const { scope = '' } = operation

  test('needs a scope that exists', () => expect(Object.keys(scopes)).toContain(scope))

  test('answers 401 without a key, and says how to give one', async () => {
    const answer = await call(operation, undefined, nobody)
    expect(answer).toMatchObject({ status: 401, json: { code: 'unauthorized', remedy: expect.any(String) } })
    expect(String(answer.headers['www-authenticate'])).toMatch(/^Bearer realm="trustform"(?!.*error)/)
  })

  test.each([
    ['a key of nobody', `tfk_${'0'.repeat(43)}`],
    ['no key at all', 'x'],
    ['a very long one', 'x'.repeat(5000)],
  ])('answers 401 to %s', async (_what, key) => {
    const answer = await call(operation, key, nobody)
    expect(answer).toMatchObject({ status: 401, json: { code: 'unauthorized' } })
    expect(String(answer.headers['www-authenticate'])).toContain('error="invalid_token"')
  })

  test('answers 401 to a key that was revoked', async () => {
    const key = await world.key('a', undefined, `grace-${++users}`)
    const { json } = await world.ask(key, { url: '/v1/users/me/apikeys' })
    const [own] = (json as { data: { id: string }[] }).data
    expect((await world.ask(key, { method: 'DELETE', url: `/v1/users/me/apikeys/${own?.id}` })).status).toBe(204)
    expect((await call(operation, key, nobody)).status).toBe(401)
  })

  test('answers 403 to a key that holds every other scope', async () => {
    const others = Object.keys(scopes).filter(each => each !== scope)
    const answer = await call(operation, await world.key('a', others), await objects('a'))
    expect(answer).toMatchObject({ status: 403, json: { code: 'forbidden' } })
    expect(String(answer.headers['www-authenticate'])).toContain(`scope="${scope}"`)
  })

  test('works with a key that holds it alone', async () => {
    // A key grants no more than it holds, so what it may grant depends on it.
    const granted = operation.node.operationId === 'createApiKey' ? [scope, 'runs:read'] : [scope]
    const answer = await call(operation, await world.key('a', granted), await objects('a'))
    const responses = Object.keys(operation.node.responses as object)
    expect(String(answer.status)).toMatch(/^2/)
    expect(responses).toContain(String(answer.status))
  })

  test('shows nothing of another tenant', async () => {
    const theirs = await objects('a')
    const key = await world.key('b')
    if (!operation.path.includes('{')) {
      const { text } = await call(operation, key, {})
      for (const id of Object.values(theirs)) if (id !== 'ada') expect(text).not.toContain(id)
    }
  })
})

describe.each(withObject)('$name', operation => {
  const last = /\{(\w+)\}[^{]*$/.exec(operation.path)?.[1] ?? ''

  test("answers another tenant's object as one that does not exist", async () => {
    if (last === 'user_id') return // it names no object, but whose keys are listed
    const key = await world.key('b')
    const theirs = await objects('a')
    const there = await call(operation, key, theirs)
    const nowhere = await call(operation, key, { ...theirs, [last]: nobody[last as keyof typeof nobody] })
    const plain = ({ status, json }: typeof there, id: string | undefined) => {
      const { request_id: _id, ...rest } = json as JsonObject
      return JSON.stringify({ status, rest }).replaceAll(id ?? '', 'ID')
    }
    expect(there.status).toBe(404)
    expect(plain(there, theirs[last])).toBe(plain(nowhere, nobody[last as keyof typeof nobody]))
  })

  test('and it is as it was', async () => {
    const theirs = await objects('a')
    await call(operation, await world.key('b'), theirs)
    const own = await call({ ...operation, method: operation.method }, await world.key('a'), theirs)
    expect(own.status).toBeLessThan(300)
  })
})

describe('the OpenAPI document', () => {
  const refs = (node: unknown): string[] =>
    Array.isArray(node)
      ? node.flatMap(refs)
      : typeof node === 'object' && node !== null
        ? Object.entries(node).flatMap(([key, value]) => (key === '$ref' ? [String(value)] : refs(value)))
        : []

  test('is this one', async () => {
    const { version: _version, ...info } = document.info as JsonObject
    await expect(`${JSON.stringify({ ...document, info }, null, 1)}\n`).toMatchFileSnapshot('golden/openapi.json')
  })

  test('refers only to what it holds', () => {
    const broken = refs(document).filter(ref => {
      const tokens = ref.replace(/^#\//, '').split('/')
      return tokens.reduce<unknown>((node, token) => (node as JsonObject | undefined)?.[token], document) === undefined
    })
    expect(broken).toEqual([])
  })

  test('names each operation once, and every parameter of its path', () => {
    const ids = operations.map(({ node }) => node.operationId)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { path, node, name } of operations) {
      const inPath = ((node.parameters ?? []) as JsonObject[]).filter(each => each.in === 'path').map(each => each.name)
      expect({ name, inPath }).toEqual({ name, inPath: [...path.matchAll(/\{(\w+)\}/g)].map(match => match[1]) })
    }
  })

  test('says which errors there are', () => {
    expect(Object.keys(document['x-errors'] as object)).toEqual(Object.keys(errorCatalogue))
  })

  test('is what is answered', async () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false })
    ajv.addSchema({ $id: 'doc:', ...document } as object)
    const key = await world.key('a')
    const checked: string[] = []
    for (const operation of operations.filter(({ method }) => method === 'GET')) {
      const { status, json } = await call(operation, key, { ...(await objects('a')), source: 'x' })
      if (json === undefined) continue
      const pointer = `#/paths/${operation.path.replaceAll('~', '~0').replaceAll('/', '~1')}/get/responses/${status}/content/application~1json/schema`
      const validate = ajv.compile({ $ref: `doc:${encodeURI(pointer)}` })
      expect({ name: operation.name, valid: validate(json), errors: validate.errors }).toMatchObject({ valid: true })
      checked.push(operation.name)
    }
    expect(checked.length).toBeGreaterThanOrEqual(12)
  })
})
