import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type GitFolder, makeBare, openGitFolder } from './git-folder.ts'
import { createScratch } from './scratch.ts'

export interface GitServerOptions {
  /** Asked for with basic authentication; without it everybody may read. */
  readonly login?: { readonly username: string; readonly password: string }
}

/** `git http-backend` behind node:http on loopback: the server that git itself brings. */
export interface GitServer {
  readonly url: string
  /** Requests so far, `POST /a.git/git-upload-pack`. */
  readonly requests: string[]
  /** A bare repository that is served as `${url}/${name}`. */
  create(name: string): Promise<ServedRepository>
  /** Answers every request by itself, as a broken or hostile server would; undefined goes on as before. */
  answerWith(answer: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined): void
  stop(): Promise<void>
}

export interface ServedRepository extends GitFolder {
  readonly url: string
}

export async function startGitServer({ login }: GitServerOptions = {}): Promise<GitServer> {
  const scratch = createScratch('git')
  const { stdout } = await promisify(execFile)('git', ['--exec-path'])
  const backend = join(stdout.trim(), 'git-http-backend')
  const requests: string[] = []
  let answer: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined
  const expected = login && `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`

  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    if (answer?.(request, response)) return
    if (expected !== undefined && request.headers.authorization !== expected) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
      return
    }
    serve(backend, scratch.path, request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the git server has no address')
  const url = `http://127.0.0.1:${address.port}`

  return {
    url,
    requests,
    async create(name) {
      const path = join(scratch.path, name)
      mkdirSync(path)
      await makeBare(path)
      return { ...openGitFolder(path), url: `${url}/${name}` }
    },
    answerWith(next) {
      answer = next
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
      scratch.remove()
    },
  }
}

/** RFC 3875: the request in the environment and on standard input, the answer with its headers on standard output. */
function serve(backend: string, root: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? '/', 'http://localhost')
  const child = spawn(backend, [], {
    env: {
      PATH: process.env.PATH ?? '',
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      HTTP_CONTENT_ENCODING: String(request.headers['content-encoding'] ?? ''),
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      // Of a chunked body nobody knows it; the program then reads to the end.
      ...(request.headers['content-length'] !== undefined && { CONTENT_LENGTH: request.headers['content-length'] }),
      REMOTE_ADDR: '127.0.0.1',
    },
  })
  request.pipe(child.stdin)
  child.stdin.on('error', () => undefined)
  response.on('close', () => child.kill('SIGKILL'))
  let head = Buffer.alloc(0)
  const onHead = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) return
    child.stdout.off('data', onHead)
    let status = 200
    for (const line of head.toString('latin1', 0, end).split('\r\n')) {
      const [name = '', value = ''] = line.split(/: (.*)/)
      if (name === 'Status') status = Number.parseInt(value, 10)
      else response.setHeader(name, value)
    }
    response.writeHead(status)
    response.write(head.subarray(end + 4))
    child.stdout.pipe(response)
  }
  child.stdout.on('data', onHead)
  child.on('close', () => response.end())
}
