import { DiagnosticsError, type JsonObject } from '../../engine/index.ts'
import { actorOf, callerOf } from '../auth/authenticate.ts'
import { listOf, view } from '../schemas.ts'
import { problemsOf } from '../sources/check.ts'
import type { ForgeSpec, Source, SourceSpec } from '../sources/source.ts'
import type { RouteContext, Routes } from './context.ts'
import { found, idParams, type Paging, pageRequest, pageView, pagingQuery } from './paging.ts'

interface SourceBody {
  readonly url?: string
  readonly branch?: string
  readonly paths?: readonly string[]
  readonly interval?: number
  readonly credentials?: JsonObject | null
  readonly auto_apply?: boolean
  readonly adopt?: boolean
  readonly drift?: SourceSpec['drift']
  readonly require_signed_by?: JsonObject | null
  readonly forge?: ForgeSpec | null
  readonly webhook_secret?: JsonObject | null
}

/** What a source may be without. */
type Removable = {
  readonly [F in 'credentials' | 'require_signed_by' | 'forge' | 'webhook_secret']?: SourceBody[F] | undefined
}

type Create = { Body: SourceBody & Required<Pick<SourceBody, keyof typeof defaulted>> & NewSource }
interface NewSource {
  readonly name: string
  readonly url: string
  readonly suspended: boolean
}
type One = { Params: { source_id: string } }

/** What the schema fills in. */
const defaulted = { branch: '', paths: [], interval: 0, auto_apply: false, adopt: false, drift: 'report' }

const read = { access: { scope: 'sources:read' } } as const
const write = { access: { scope: 'sources:write' } } as const
const tags = ['sources']
const params = idParams('source_id', 'Id of the source.')

export const sourceRoutes: Routes = (app, context) => {
  const { sources } = context.services
  const one = async (tenant: string, id: string) => found(await sources.get(tenant, id), 'source', id)

  app.get<{ Querystring: Paging }>(
    '/v1/sources',
    {
      config: read,
      schema: {
        operationId: 'listSources',
        summary: 'list sources and how they are',
        tags,
        querystring: { type: 'object', properties: pagingQuery, additionalProperties: false },
        response: { 200: listOf('Source') },
      },
    },
    async request => pageView(await sources.list(callerOf(request).tenant, pageRequest(request.query)), sourceView),
  )

  app.post<Create>(
    '/v1/sources',
    {
      config: write,
      schema: {
        operationId: 'createSource',
        summary: 'watch a repository',
        tags,
        body: view('SourceCreate'),
        response: { 201: view('Source') },
        errors: ['conflict'],
      },
    },
    async (request, reply) => {
      const { tenant } = callerOf(request)
      const { name, url, branch, paths, interval, auto_apply, adopt, drift, suspended } = request.body
      const spec: SourceSpec = {
        ...{ name, url, branch, paths, interval, drift, tenant, adopt, autoApply: auto_apply },
        ...optional(request.body),
      }
      const source = await sources.create(tenant, await checked(spec, context), suspended, actorOf(request))
      return reply.code(201).header('location', `/v1/sources/${source.id}`).send(sourceView(source))
    },
  )

  app.get<One>(
    '/v1/sources/:source_id',
    {
      config: read,
      schema: { operationId: 'getSource', summary: 'get a source', tags, params, response: { 200: view('Source') } },
    },
    async request => sourceView(await one(callerOf(request).tenant, request.params.source_id)),
  )

  app.patch<One & { Body: SourceBody }>(
    '/v1/sources/:source_id',
    {
      config: write,
      schema: {
        operationId: 'updateSource',
        summary: 'change a source; it is looked at again at once',
        tags,
        params,
        body: view('SourceUpdate'),
        response: { 200: view('Source') },
        errors: ['conflict', 'state_conflict'],
      },
    },
    async request => {
      const source = await one(callerOf(request).tenant, request.params.source_id)
      const spec = patched(source.spec, request.body)
      return sourceView(await sources.update(source, await checked(spec, context), actorOf(request)))
    },
  )

  app.delete<One>(
    '/v1/sources/:source_id',
    {
      config: write,
      schema: {
        operationId: 'deleteSource',
        summary: 'stop watching a repository; what it applied stays',
        tags,
        params,
        response: { 204: { type: 'null', description: 'It is gone.' } },
        errors: ['conflict'],
      },
    },
    async (request, reply) => {
      await sources.remove(await one(callerOf(request).tenant, request.params.source_id), actorOf(request))
      return reply.code(204).send()
    },
  )

  for (const [action, suspended, summary] of [
    ['suspend', true, 'leave a source alone'],
    ['resume', false, 'take a source up again; it is looked at at once'],
  ] as const) {
    app.post<One>(
      `/v1/sources/:source_id/${action}`,
      {
        config: write,
        schema: { operationId: `${action}Source`, summary, tags, params, response: { 200: view('Source') } },
      },
      async request => {
        const source = await one(callerOf(request).tenant, request.params.source_id)
        return sourceView(await sources.suspend(source, suspended, actorOf(request)))
      },
    )
  }

  app.post<One>(
    '/v1/sources/:source_id/reconcile',
    {
      config: write,
      schema: {
        operationId: 'reconcileSource',
        summary: 'look at a source now',
        tags,
        params,
        response: { 202: view('Source') },
        errors: ['conflict'],
      },
    },
    async (request, reply) => {
      const source = await one(callerOf(request).tenant, request.params.source_id)
      await sources.reconcile(source, 'request', actorOf(request))
      return reply.code(202).send(sourceView(source))
    },
  )
}

/** RFC 7396, but for objects, which are given whole: what is absent stays, null takes away. */
function patched(before: SourceSpec, body: SourceBody): SourceSpec {
  const { url, branch, paths, interval, auto_apply, adopt, drift } = body
  const given = { url, branch, paths, interval, drift, adopt, autoApply: auto_apply }
  const changed = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const { credentials, requireSignedBy, forge, webhookSecret, ...required } = before
  return {
    ...required,
    ...changed,
    ...optional({ credentials, require_signed_by: requireSignedBy, forge, webhook_secret: webhookSecret, ...body }),
  }
}

function optional({ credentials, require_signed_by, forge, webhook_secret }: Removable): Partial<SourceSpec> {
  return {
    ...(credentials && { credentials }),
    ...(require_signed_by && { requireSignedBy: require_signed_by }),
    ...(forge && { forge }),
    ...(webhook_secret && { webhookSecret: webhook_secret }),
  }
}

/** Refuses at once what the first pass would stumble over, each at its field of the body. */
async function checked(spec: SourceSpec, { allowInsecureGit }: RouteContext): Promise<SourceSpec> {
  const problems = await problemsOf(spec, { allowInsecure: allowInsecureGit ?? false })
  if (problems.length === 0) return spec
  throw new DiagnosticsError(
    problems.map(({ code, message, remedy, pointer }) => ({
      ...{ severity: 'error' as const, code, message, remedy },
      details: { pointer: pointer.replace('/requireSignedBy', '/require_signed_by') },
    })),
  )
}

/** A source as the API shows it: that there are credentials, never which. */
function sourceView(source: Source) {
  const { id, spec, declaredBy, suspended, observedCommit, appliedCommit, conditions, createdAt, updatedAt } = source
  const { name, url, branch, paths, interval, drift, adopt, autoApply, forge } = spec
  return {
    ...{ id, name, url, branch, paths, interval, adopt, drift, suspended, conditions },
    auto_apply: autoApply,
    credentials: spec.credentials !== undefined,
    require_signed_by: spec.requireSignedBy !== undefined,
    webhook: spec.webhookSecret !== undefined,
    ...(forge && { forge: { type: forge.type, url: forge.url, repository: forge.repository } }),
    declared_by: declaredBy,
    ...(observedCommit !== undefined && { observed_commit: observedCommit }),
    ...(appliedCommit !== undefined && { applied_commit: appliedCommit }),
    created_at: createdAt,
    updated_at: updatedAt,
  }
}
