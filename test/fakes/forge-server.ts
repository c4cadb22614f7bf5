import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { isJsonObject, type Json, type JsonObject } from '../../engine/core/json.ts'

/** A request as a fake forge sees it. */
export interface Asked {
  readonly method: string
  /** Below the API's root, parameters of the route in `part`. */
  readonly path: string
  readonly part: readonly string[]
  readonly query: URLSearchParams
  readonly body: JsonObject
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

export interface Answer {
  readonly status: number
  readonly body?: Json
  readonly headers?: Readonly<Record<string, string>>
}

/** `GET /repos/:owner/:name`: a part that begins with a colon matches anything but a slash. */
export type Routes = Readonly<Record<string, (asked: Asked) => Answer>>

export interface FakeForge {
  readonly url: string
  /** `METHOD path?query` of each request. */
  readonly requests: string[]
  /** How many of them were answered by 304: nothing changed. */
  readonly unchanged: () => number
  /** Answers the next request so, whatever it is. */
  next(answer: Answer): void
  stop(): Promise<void>
}

/** A forge's API on loopback. `authorized` is asked before any route. */
export async function serveForge(
  root: string,
  routes: Routes,
  authorized: (headers: Asked['headers']) => Answer | undefined,
): Promise<FakeForge> {
  const requests: string[] = []
  const canned: Answer[] = []
  let unchanged = 0
  const table = Object.entries(routes).map(([route, work]) => {
    const [method = '', path = ''] = route.split(' ')
    return { method, pattern: new RegExp(`^${path.replaceAll(/:\w+/g, '([^/]+)')}$`), work }
  })

  function answerTo(request: IncomingMessage, body: string): Answer {
    const prepared = canned.shift()
    if (prepared) return prepared
    const refused = authorized(request.headers)
    if (refused) return refused
    const url = new URL(request.url ?? '', 'http://fake')
    const path = url.pathname.startsWith(root) ? url.pathname.slice(root.length) : `outside ${url.pathname}`
    for (const { method, pattern, work } of table) {
      const match = pattern.exec(path)
      if (!match || method !== request.method) continue
      const json: unknown = body === '' ? {} : JSON.parse(body)
      const part = match.slice(1).map(decodeURIComponent)
      const asked = { method, path, part, query: url.searchParams, headers: request.headers }
      return work({ ...asked, body: isJsonObject(json) ? json : {} })
    }
    return { status: 404, body: { message: 'Not Found' } }
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      requests.push(`${request.method} ${request.url}`)
      const { status, body, headers } = answerTo(request, Buffer.concat(chunks).toString())
      const text = body === undefined ? '' : JSON.stringify(body)
      const etag = `W/"${createHash('sha256').update(text).digest('hex')}"`
      const isAsked = request.method === 'GET' && status === 200
      if (isAsked && request.headers['if-none-match'] === etag) {
        unchanged++
        response.writeHead(304, { etag }).end()
        return
      }
      const type = { 'content-type': 'application/json; charset=utf-8' }
      response.writeHead(status, { ...type, ...(isAsked && { etag }), ...headers }).end(text)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    unchanged: () => unchanged,
    next: answer => void canned.push(answer),
    async stop() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** A page of a list with the Link header (RFC 8288) that GitHub and GitLab write; both answer 30 or 20 by default. */
export function page(items: readonly Json[], { query, path, headers }: Asked, root: string, byDefault: number): Answer {
  const size = Math.min(100, Number(query.get('per_page') ?? byDefault))
  const number = Number(query.get('page') ?? 1)
  const shown = items.slice((number - 1) * size, number * size)
  const next = new URLSearchParams(query)
  next.set('page', String(number + 1))
  const here = `http://${headers.host}${root}${path}`
  const link = `<${here}?${next}>; rel="next", <${here}?page=1>; rel="first"`
  return { status: 200, body: shown, ...(number * size < items.length && { headers: { link } }) }
}
