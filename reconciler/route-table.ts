import type { FastifyInstance, FastifySchema } from 'fastify'
import type { Access } from './auth/access.ts'

/** A route as it was declared; the OpenAPI document and the tests of every route are made of these. */
export interface Route {
  readonly method: string
  /** `/v1/sources/:id`. */
  readonly url: string
  readonly access: Access
  readonly schema: RouteSchema
}

/** What our routes say beside fastify's own schemas. */
export interface RouteSchema extends FastifySchema {
  /** One phrase. */
  readonly summary: string
  readonly description?: string
  readonly tags: readonly string[]
  readonly operationId: string
  /** Media type of a response that is not JSON, by status. */
  readonly produces?: Readonly<Record<string, string>>
  /** Error codes that this route answers beyond those that every route can. */
  readonly errors?: readonly string[]
}

declare module 'fastify' {
  interface FastifySchema {
    readonly summary?: string
    readonly description?: string
    readonly tags?: readonly string[]
    readonly operationId?: string
    readonly produces?: Readonly<Record<string, string>>
    readonly errors?: readonly string[]
  }
}

export interface RouteTable {
  readonly routes: readonly Route[]
  /** Methods that a path takes; empty when no route has it. */
  methodsAt(path: string): readonly string[]
}

/** Writes down every route that is added from now on; one that does not say who may call it is refused. */
export function recordRoutes(app: FastifyInstance): RouteTable {
  const routes: Route[] = []
  const patterns: { pattern: RegExp; method: string }[] = []
  app.addHook('onRoute', ({ method, url, config, schema }) => {
    const { access } = config ?? {}
    if (access === undefined) throw new Error(`${url} does not say who may call it`)
    for (const each of [method].flat()) {
      patterns.push({
        pattern: new RegExp(`^${url.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+')}$`),
        method: each,
      })
      // fastify adds HEAD beside each GET.
      if (each === 'HEAD') continue
      if (!schema?.summary || !schema.operationId || !schema.tags) throw new Error(`${each} ${url} is not described`)
      routes.push({
        method: each,
        url,
        access,
        schema: { ...schema, summary: schema.summary, operationId: schema.operationId, tags: schema.tags },
      })
    }
  })
  return {
    routes,
    methodsAt: path => patterns.flatMap(({ pattern, method }) => (pattern.test(path) ? [method] : [])),
  }
}
