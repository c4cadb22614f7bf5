import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ensureGitea } from './install.ts'
import { freePort, type RunningServer, startServer } from './process.ts'
import { createScratch } from './scratch.ts'

const run = promisify(execFile)

export interface GiteaUser {
  readonly name: string
  readonly password: string
  /** With every scope. */
  readonly token: string
}

/** A delivery as it arrived. */
export interface HookDelivery {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export interface HookCatcher {
  readonly url: string
  readonly deliveries: readonly HookDelivery[]
  /** Resolves with the first delivery that fits, now or later. */
  next(fits: (delivery: HookDelivery) => boolean): Promise<HookDelivery>
  stop(): Promise<void>
}

export interface RunningGitea extends RunningServer {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string
  /** A site administrator, who owns what the helpers make. */
  readonly admin: GiteaUser
  createUser(name: string): Promise<GiteaUser>
  /** An empty repository with a first commit on `main`; answers `owner/name`. */
  createRepository(owner: GiteaUser, name: string): Promise<string>
  /** Writes a file in a commit of its own; makes the branch from `main` when it is new. Answers the commit. */
  commit(as: GiteaUser, repository: string, branch: string, path: string, text: string): Promise<string>
  /** `head` is a branch, or `user:branch` of a fork. Answers its number. */
  openPullRequest(as: GiteaUser, repository: string, head: string, title?: string): Promise<number>
  createHook(repository: string, url: string, secret: string): Promise<void>
  /** The API as somebody; throws for every status that is no success. */
  api(as: GiteaUser, method: string, path: string, body?: object): Promise<unknown>
}

/** Starts Gitea on loopback with SQLite; everything that it writes is in a folder of its own that `stop` removes. */
export async function startGitea(): Promise<RunningGitea> {
  const { gitea, staticRoot } = await ensureGitea()
  const scratch = createScratch('gitea')
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const config = scratch.write('app.ini', configuration(scratch.path, staticRoot, port, url))
  const { username } = userInfo()
  const env = { GITEA_WORK_DIR: scratch.path, HOME: scratch.path, USER: username }
  const command = (...args: string[]) =>
    run(gitea, [...args, '--config', config], { cwd: scratch.path, env: { ...process.env, ...env } })

  async function account(name: string, ...flags: string[]): Promise<GiteaUser> {
    const password = `secret-of-${name}`
    const { stdout } = await command(
      ...['admin', 'user', 'create', '--username', name, '--password', password],
      ...['--email', `${name}@example.test`, '--must-change-password=false'],
      ...['--access-token', '--access-token-scopes', 'all', ...flags],
    )
    const token = /[0-9a-f]{40}/.exec(stdout)?.[0]
    if (token === undefined) throw new Error(`gitea told no token: ${stdout}`)
    return { name, password, token }
  }

  let server: RunningServer | undefined
  try {
    await command('migrate')
    const admin = await account('admin1', '--admin')
    server = await startServer({
      name: 'gitea',
      command: gitea,
      args: ['web', '--config', config],
      cwd: scratch.path,
      env,
      readyTimeoutMs: 60_000,
      ready: async () => (await fetch(`${url}/api/healthz`)).ok,
    })
    return {
      ...server,
      ...actions(url, admin),
      url,
      admin,
      createUser: name => account(name),
      stop: ending(server, scratch),
    }
  } catch (error) {
    await server?.stop()
    scratch.remove()
    throw error
  }
}

const ending = (server: RunningServer, scratch: { remove(): void }) => async () => {
  await server.stop()
  scratch.remove()
}

function actions(url: string, admin: GiteaUser) {
  async function api(as: GiteaUser, method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${url}/api/v1/${path}`, {
      method,
      headers: { authorization: `token ${as.token}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }

  return {
    api,
    async createRepository(owner: GiteaUser, name: string) {
      await api(owner, 'POST', 'user/repos', { name, auto_init: true, default_branch: 'main' })
      return `${owner.name}/${name}`
    },
    async commit(as: GiteaUser, repository: string, branch: string, path: string, text: string) {
      const branches = (await api(as, 'GET', `repos/${repository}/branches`)) as { name: string }[] // its API
      const known = branches.some(({ name }) => name === branch)
      const change = {
        operation: 'upload',
        path,
        content: Buffer.from(text).toString('base64'),
      }
      const made = (await api(as, 'POST', `repos/${repository}/contents`, {
        files: [change],
        message: `Write ${path}`,
        ...(known ? { branch } : { branch: 'main', new_branch: branch }),
      })) as { commit: { sha: string } } // its API
      return made.commit.sha
    },
    async openPullRequest(as: GiteaUser, repository: string, head: string, title = `Merge ${head}`) {
      const made = await api(as, 'POST', `repos/${repository}/pulls`, { base: 'main', head, title })
      return (made as { number: number }).number // its API
    },
    async createHook(repository: string, target: string, secret: string) {
      await api(admin, 'POST', `repos/${repository}/hooks`, {
        type: 'gitea',
        active: true,
        events: ['push', 'pull_request', 'pull_request_sync', 'pull_request_comment', 'pull_request_review'],
        config: { url: target, content_type: 'json', secret },
      })
    },
  }
}

/** Collects deliveries on loopback. */
export async function catchHooks(): Promise<HookCatcher> {
  const deliveries: HookDelivery[] = []
  const waiting = new Set<() => void>()
  const server = createServer((request, response) => {
    void received(request).then(delivery => {
      deliveries.push(delivery)
      response.end()
      for (const look of waiting) look()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return {
    url: `http://127.0.0.1:${port}/`,
    deliveries,
    next: fits =>
      new Promise(resolve => {
        const look = () => {
          const found = deliveries.find(fits)
          if (found === undefined) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        look()
      }),
    async stop() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function received(request: IncomingMessage): Promise<HookDelivery> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)])
  return { headers: Object.fromEntries(headers), body: Buffer.concat(chunks) }
}

function configuration(folder: string, staticRoot: string, port: number, url: string): string {
  return `
APP_NAME = trustform tests
RUN_MODE = prod
; The cache of built servers is below the home of whoever runs the tests, which nobody else can read.
RUN_USER = ${userInfo().username}
WORK_PATH = ${folder}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true

[server]
PROTOCOL = http
HTTP_ADDR = 127.0.0.1
HTTP_PORT = ${port}
ROOT_URL = ${url}/
STATIC_ROOT_PATH = ${staticRoot}
DISABLE_SSH = true
OFFLINE_MODE = true
LFS_START_SERVER = false

[database]
DB_TYPE = sqlite3
PATH = ${join(folder, 'gitea.db')}

[repository]
ROOT = ${join(folder, 'repositories')}
DEFAULT_BRANCH = main

[security]
INSTALL_LOCK = true
SECRET_KEY = tests-only
INTERNAL_TOKEN = eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJuYmYiOjE3MDAwMDAwMDB9.OXcOl7I1qnOPIl7mHq0mIhGqCGAPXmEPZ4hdTWXrKSI
PASSWORD_HASH_ALGO = pbkdf2$1$1

[service]
DISABLE_REGISTRATION = true

[webhook]
ALLOWED_HOST_LIST = loopback
DELIVER_TIMEOUT = 5

[indexer]
ISSUE_INDEXER_TYPE = db

[queue]
TYPE = level

[cron]
ENABLED = false

[actions]
ENABLED = false

[packages]
ENABLED = false

[log]
MODE = console
LEVEL = warn

[oauth2]
ENABLED = false

[session]
PROVIDER = memory
`
}
