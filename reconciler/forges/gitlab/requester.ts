import { EngineError, type Json } from '../../../engine/index.ts'
import { type ForgeResponse, type Transport, wordsOf } from '../transport.ts'
import type { RequesterType, ResourceOptions } from './sdk.ts'

/** Tells the SDK's callers that GitLab has no such thing, or not for this token. */
export class NotFound extends Error {
  override readonly name = 'NotFound'
}

type Asked = Parameters<RequesterType['get']>[1]

/** GitLab's SDK speaks through this: our way out, our errors. Bodies are JSON; queries and fields in snake case. */
export function requesterOver(transport: Transport, forge: string, token: string) {
  return (service: ResourceOptions): RequesterType => {
    const verb =
      (method: string): RequesterType['get'] =>
      async (endpoint, asked) => {
        const headers: Record<string, string> = { accept: 'application/json', ...service.headers }
        for (const [name, value] of Object.entries(service.authHeaders)) headers[name] = await value()
        const body = asked?.body === undefined ? undefined : JSON.stringify(snakeCase(asked.body))
        if (body !== undefined) headers['content-type'] = 'application/json'
        const url = `${service.url.replace(/\/+$/, '')}/${endpoint}${queryOf(asked)}`
        const response = await transport.request({ method, url, headers, ...(body !== undefined && { body }) })
        if (response.status === 404) throw new NotFound(`${forge} has no such thing`)
        if (response.status >= 400) throw refused(forge, response, token)
        const parsed: unknown = response.text === '' ? null : JSON.parse(response.text)
        // The SDK trusts the shape that its types promise; what is used of it is read with care.
        return { body: parsed as never, headers: { ...response.headers }, status: response.status }
      }
    return { get: verb('GET'), post: verb('POST'), put: verb('PUT'), patch: verb('PATCH'), delete: verb('DELETE') }
  }
}

function queryOf(asked: Asked): string {
  const given = Object.entries(snakeCase(asked?.searchParams ?? {})).filter(([, value]) => value !== undefined)
  const query = new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]))
  return query.size === 0 ? '' : `?${query}`
}

function snakeCase(fields: object): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name.replaceAll(/[A-Z]/g, letter => `_${letter.toLowerCase()}`),
      value,
    ]),
  )
}

function refused(forge: string, response: ForgeResponse, token: string): EngineError {
  return new EngineError('forge_failed', `${forge} refused: ${wordsOf(response.text, token)}`, {
    remedy: 'look at the message of the forge',
    details: { status: response.status },
  })
}
