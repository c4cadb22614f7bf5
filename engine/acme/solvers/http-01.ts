import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { isIPv6 } from 'node:net'
import { EngineError } from '../../core/errors.ts'
import { http01Path } from '../challenge.ts'
import type { ChallengeSolver } from '../solver.ts'

/** Serves the answers of all operations of a run on one port. */
export interface Http01Responder {
  /** Serves a token from the moment this resolves until it is withdrawn as often as it was served. */
  serve(token: string, keyAuthorization: string): Promise<void>
  withdraw(token: string): Promise<void>
}

interface Answer {
  readonly body: string
  users: number
}

/**
 * A temporary listener for http-01 on `host:port` or `:port` (all addresses). It opens with the first token and
 * closes with the last, and serves nothing else. Throws `listener_failed`.
 */
export function createHttp01Responder(listen: string): Http01Responder {
  const { host, port } = parseListen(listen)
  const answers = new Map<string, Answer>()
  let server: Promise<Server> | undefined
  let closing: Promise<unknown> = Promise.resolve()

  async function open(): Promise<Server> {
    await closing
    const listener = createServer((request, response) => {
      const path = request.url?.split('?')[0] ?? ''
      const known = path.startsWith(http01Path) ? answers.get(path.slice(http01Path.length)) : undefined
      const readable = request.method === 'GET' || request.method === 'HEAD'
      response.setHeader('Connection', 'close')
      if (!known || !readable) {
        response.writeHead(404, { 'Content-Type': 'text/plain' }).end('not found\n')
        return
      }
      // RFC 8555 §8.3: the media type, and the body is the key authorization and nothing more.
      response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': known.body.length })
      response.end(request.method === 'HEAD' ? undefined : known.body)
    })
    listener.listen(port, host)
    try {
      await once(listener, 'listening')
    } catch (cause) {
      throw listenerFailed(listen, port, cause)
    }
    return listener
  }

  return {
    async serve(token, keyAuthorization) {
      const known = answers.get(token)
      if (known?.body === keyAuthorization) known.users++
      else answers.set(token, { body: keyAuthorization, users: 1 })
      server ??= open()
      try {
        await server
      } catch (error) {
        server = undefined
        answers.delete(token)
        throw error
      }
    },
    async withdraw(token) {
      const known = answers.get(token)
      if (!known) return
      known.users--
      if (known.users === 0) answers.delete(token)
      if (answers.size > 0 || !server) return
      const open = server
      server = undefined
      closing = open.then(listener => {
        const closed = once(listener, 'close')
        listener.close()
        listener.closeAllConnections()
        return closed
      })
      await closing
    },
  }
}

/** RFC 8555 §8.3, for one operation. Nothing outlives the process, so nothing needs the journal. */
export function createHttp01Solver(responder: Http01Responder): ChallengeSolver {
  const served = new Set<string>()
  return {
    type: 'http-01',
    async present(challenge) {
      if (served.has(challenge.token)) return
      await responder.serve(challenge.token, challenge.keyAuthorization)
      served.add(challenge.token)
    },
    // The listener is open once `present` has resolved; whether the CA can reach it, only the CA can tell.
    awaitReady: () => Promise.resolve(),
    async cleanup() {
      for (const token of served) {
        served.delete(token)
        await responder.withdraw(token)
      }
    },
  }
}

function parseListen(listen: string): { readonly host: string | undefined; readonly port: number } {
  const parts = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(listen)
  const port = Number(parts?.[3])
  const host = parts?.[1] ?? parts?.[2]
  if (!parts || port > 65_535 || (parts[1] !== undefined && !isIPv6(parts[1]))) {
    throw new EngineError('usage', `"${listen}" is not an address to listen on`, {
      remedy: 'write --http-01-listen as HOST:PORT or :PORT, for example :80 or 127.0.0.1:5002',
    })
  }
  return { host: host === '' ? undefined : host, port }
}

function listenerFailed(listen: string, port: number, cause: unknown): EngineError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  const words: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another program listens there already',
    EACCES: 'this user may not open that port',
    EADDRNOTAVAIL: 'this machine does not have that address',
  }
  const why = words[String(code)] ?? (cause instanceof Error ? cause.message : String(cause))
  return new EngineError('listener_failed', `cannot answer http-01 challenges on ${listen}: ${why}`, {
    remedy: `free port ${port}, or choose another with --http-01-listen HOST:PORT and route port 80 to it`,
    cause,
  })
}
