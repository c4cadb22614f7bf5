import { callerOf } from '../auth/authenticate.ts'
import { enveloped, listOf, view } from '../schemas.ts'
import type { ApiKeyView, Caller } from '../services.ts'
import type { Routes } from './context.ts'
import { found, idParams, type Paging, pageRequest, pageView, pagingQuery } from './paging.ts'

type OfUser = { Params: { user_id: string } }
type One = { Params: { user_id: string; key_id: string } }

const tags = ['API keys']
const user = idParams('user_id', 'Id of the user; `me` is the caller.')
const both = {
  ...user,
  properties: { ...user.properties, ...idParams('key_id', 'Id of the key.').properties },
  required: ['user_id', 'key_id'],
}
const url = '/v1/users/:user_id/apikeys'

export const apiKeyRoutes: Routes = (app, { services: { keys } }) => {
  app.post<OfUser & { Body: { name: string; scopes: string[]; expires_at?: string } }>(
    url,
    {
      config: { access: { scope: 'apikeys:write' } },
      schema: {
        operationId: 'createApiKey',
        summary: 'make an API key; its value is in this answer and nowhere else',
        tags,
        params: user,
        body: view('ApiKeyCreate'),
        response: { 201: enveloped('ApiKeyCreated') },
        errors: ['forbidden'],
      },
    },
    async (request, reply) => {
      const caller = callerOf(request)
      const { name, scopes, expires_at } = request.body
      const made = await keys.create(caller, {
        user: userOf(caller, request.params.user_id),
        name,
        scopes,
        ...(expires_at !== undefined && { expiresAt: new Date(expires_at) }),
      })
      return reply.code(201).send({ status: 'success', data: { ...keyView(made.view), key: made.key } })
    },
  )

  app.get<OfUser & { Querystring: Paging }>(
    url,
    {
      config: { access: { scope: 'apikeys:read' } },
      schema: {
        operationId: 'listApiKeys',
        summary: "list a user's API keys",
        tags,
        params: user,
        querystring: { type: 'object', properties: pagingQuery, additionalProperties: false },
        response: { 200: listOf('ApiKey') },
      },
    },
    async request => {
      const caller = callerOf(request)
      const owner = userOf(caller, request.params.user_id)
      return pageView(await keys.list(caller, owner, pageRequest(request.query)), keyView)
    },
  )

  app.get<One>(
    `${url}/:key_id`,
    {
      config: { access: { scope: 'apikeys:read' } },
      schema: {
        operationId: 'getApiKey',
        summary: 'get an API key, without its value',
        tags,
        params: both,
        response: { 200: enveloped('ApiKey') },
      },
    },
    async request => {
      const caller = callerOf(request)
      const { user_id, key_id } = request.params
      const key = found(await keys.get(caller, userOf(caller, user_id), key_id), 'API key', key_id)
      return { status: 'success', data: keyView(key) }
    },
  )

  app.delete<One>(
    `${url}/:key_id`,
    {
      config: { access: { scope: 'apikeys:write' } },
      schema: {
        operationId: 'revokeApiKey',
        summary: 'revoke an API key at once; its open streams end',
        tags,
        params: both,
        response: { 204: { type: 'null', description: 'It is gone.' } },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request)
      const { user_id, key_id } = request.params
      const gone = await keys.revoke(caller, userOf(caller, user_id), key_id)
      found(gone ? true : undefined, 'API key', key_id)
      return reply.code(204).send()
    },
  )
}

const userOf = (caller: Caller, id: string): string => (id === 'me' ? caller.user : id)

function keyView({ id, name, prefix, scopes, createdAt, expiresAt, lastUsedAt }: ApiKeyView) {
  return {
    ...{ id, name, prefix, scopes },
    created_at: createdAt,
    ...(expiresAt !== undefined && { expires_at: expiresAt }),
    ...(lastUsedAt !== undefined && { last_used_at: lastUsedAt }),
  }
}
