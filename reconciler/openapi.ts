import { type ErrorCode, errorCatalogue, type Json, type JsonObject } from '../engine/index.ts'
import manifest from '../package.json' with { type: 'json' }
import { problemType } from './problem.ts'
import type { Route } from './route-table.ts'
import { apiSchema } from './schemas.ts'

/** OpenAPI 3.1 of the routes as they are: what they take, answer and may refuse. */
export function openApi(routes: readonly Route[], publicUrl?: string): JsonObject {
  const paths: Record<string, Record<string, Json>> = {}
  for (const route of routes.toSorted((a, b) => (a.url < b.url ? -1 : a.url > b.url ? 1 : 0))) {
    const path = route.url.replaceAll(/:(\w+)/g, '{$1}')
    const operations = paths[path] ?? {}
    operations[route.method.toLowerCase()] = operation(route)
    paths[path] = operations
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Trustform',
      version: manifest.version,
      description: 'Certificates as code: sources, plans, runs and what they keep true.',
    },
    ...(publicUrl !== undefined && { servers: [{ url: publicUrl }] }),
    tags: [...new Set(routes.flatMap(({ schema }) => schema.tags))].sort().map(name => ({ name })),
    paths,
    components: {
      schemas: local(apiSchema.$defs as unknown as Json), // our own file, JSON by its nature
      responses: Object.fromEntries(statuses().map(status => [`Problem${status}`, problemResponse(status)])),
      securitySchemes: {
        key: {
          type: 'http',
          scheme: 'bearer',
          description: 'An API key. Each operation names the scope that it needs.',
        },
      },
    },
    'x-errors': Object.fromEntries(Object.entries(errorCatalogue).map(([code, facts]) => [code, { ...facts }])),
  }
}

function operation({ method, url, access, schema }: Route): JsonObject {
  const { summary, description, tags, operationId } = schema
  const needsKey = access !== 'open'
  return {
    operationId,
    summary,
    ...(description !== undefined && { description }),
    tags,
    // OpenAPI 3.1 §4.8.30: roles of a bearer scheme; `{}` beside it means that it may be left out.
    security: needsKey ? [...(access.local ? [{}] : []), { key: [access.scope] }] : [],
    ...parameters(schema.params, schema.querystring),
    ...requestBody(schema.body, url),
    responses: { ...successes(schema.response, schema.produces), ...failures({ method, url, access, schema }) },
  }
}

function parameters(...[params, query]: readonly unknown[]): JsonObject {
  const all = [...listed(params, 'path'), ...listed(query, 'query')]
  return all.length === 0 ? {} : { parameters: all }
}

function listed(schema: unknown, where: 'path' | 'query'): readonly JsonObject[] {
  const { properties = {}, required = [] } = (schema ?? {}) as {
    readonly properties?: Readonly<Record<string, JsonObject>>
    readonly required?: readonly string[]
  } // route schemas are written by us
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: where,
    required: required.includes(name),
    ...(description !== undefined && { description }),
    schema: local(rest),
  }))
}

function requestBody(schema: unknown, url: string): JsonObject {
  if (schema !== undefined) {
    const optional = JSON.stringify(schema).includes('"null"')
    return { requestBody: { required: !optional, content: { 'application/json': { schema: local(schema as Json) } } } }
  }
  // Octets as they were signed.
  return url.startsWith('/v1/hooks/') ? { requestBody: { required: true, content: { '*/*': {} } } } : {}
}

function successes(response: unknown, produces: Readonly<Record<string, string>> = {}): JsonObject {
  return Object.fromEntries(
    Object.entries((response ?? {}) as Readonly<Record<string, JsonObject>>).map(([status, schema]) => {
      const { description } = schema
      const answer = { description: typeof description === 'string' ? description : (words[status] ?? 'Done.') }
      if (schema.type === 'null') return [status, answer]
      const type = produces[status] ?? 'application/json'
      const streams = type === 'application/json' && JSON.stringify(schema).includes('#/$defs/Event"')
      const content = {
        [type]: { schema: local(schema) },
        ...(streams && { 'text/event-stream': { schema: { type: 'string' } } }),
      }
      return [status, { ...answer, content }]
    }),
  )
}

const words: Readonly<Record<string, string>> = { 200: 'As asked.', 201: 'It was made.', 202: 'It will be done.' }

/** What a route may refuse follows from what it is; only what is special to it is written at the route. */
function failures({ access, schema, url }: Route): JsonObject {
  const codes: ErrorCode[] = ['rate_limited', 'internal', 'unavailable']
  if (access !== 'open') codes.push('unauthorized', 'forbidden')
  if (schema.params !== undefined && access !== 'open') codes.push('not_found')
  if (schema.body !== undefined) codes.push('malformed', 'input_too_large', 'unsupported_media_type')
  if (schema.body !== undefined || schema.querystring !== undefined) codes.push('schema_violation')
  if (url.startsWith('/v1/hooks/')) codes.push('input_too_large')
  for (const code of schema.errors ?? []) codes.push(code as ErrorCode) // the test of every route checks them
  const statuses = [...new Set(codes.map(code => errorCatalogue[code].status))].sort((a, b) => a - b)
  return Object.fromEntries(
    statuses.map(status => [String(status), { $ref: `#/components/responses/Problem${status}` }]),
  )
}

function statuses(): readonly number[] {
  return [...new Set(Object.values(errorCatalogue).map(({ status }) => status))].sort((a, b) => a - b)
}

function problemResponse(status: number): JsonObject {
  const codes = Object.entries(errorCatalogue).flatMap(([code, facts]) => (facts.status === status ? [code] : []))
  const [type = problemType] = problemType.split(';')
  const headers = [429, 503].includes(status) && {
    'Retry-After': { description: 'Seconds.', schema: { type: 'integer' } },
  }
  return {
    description: codes.join(', '),
    ...(headers && { headers }),
    content: { [type]: { schema: { $ref: '#/components/schemas/Problem' } } },
  }
}

/** References into our schema file become references into this document. */
function local(node: Json): Json {
  if (Array.isArray(node)) return (node as readonly Json[]).map(local)
  if (typeof node !== 'object' || node === null) return node
  return Object.fromEntries(
    Object.entries(node as JsonObject).map(([key, value]) => [
      key,
      key === '$ref' && typeof value === 'string'
        ? value.replace(/^.*#\/\$defs\//, '#/components/schemas/')
        : local(value ?? null),
    ]),
  )
}
