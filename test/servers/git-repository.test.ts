import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type ClosableHttp, createHttp, EngineError, loadConfiguration } from '../../engine/index.ts'
import { createEgress } from '../../reconciler/net/egress.ts'
import { openRepository, type RepositoryOptions } from '../../reconciler/sources/git/open-repository.ts'
import type { Repository } from '../../reconciler/sources/repository.ts'
import { type GitServer, startGitServer } from './git.ts'
import { type SshServer, startSshServer } from './git-sshd.ts'
import { createScratch } from './scratch.ts'

const scratch = createScratch('git-cache')
const login = { username: 'trustform', password: 'pa55-s3cr3t-token' }
let server: GitServer
let open: GitServer
let ssh: SshServer
let http: ClosableHttp
const opened: Repository[] = []
let count = 0

beforeAll(async () => {
  server = await startGitServer({ login })
  open = await startGitServer()
  ssh = await startSshServer(scratch)
  http = createHttpPort()
})
afterEach(async () => {
  server.answerWith(undefined)
  await Promise.all(opened.splice(0).map(each => each.close()))
})
afterAll(async () => {
  await http.close()
  await ssh.stop()
  await Promise.all([server.stop(), open.stop()])
  scratch.remove()
})

function createHttpPort(): ClosableHttp {
  let inner: Promise<ClosableHttp> | undefined
  const port = () => (inner ??= createHttp())
  return { request: async request => (await port()).request(request), close: async () => (await port()).close() }
}

async function cache(options: Partial<RepositoryOptions> & { readonly url: string }): Promise<Repository> {
  const credentials = async () => login
  const folder = join(scratch.path, `cache-${count++}`)
  const repository = await openRepository({ folder, http, allowInsecure: true, credentials, ...options })
  opened.push(repository)
  return repository
}

async function served() {
  return server.create(`r${count++}.git`)
}

const failure = async (work: Promise<unknown>) => {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof EngineError)) throw error ?? new Error('nothing was refused')
  return error
}
const reason = async (work: Promise<unknown>) => (await failure(work)).details?.reason
const text = async (repository: Repository, commit: string, path: string) =>
  Buffer.from(await repository.filesAt(commit).read(path, 10_000)).toString()

test('what was pushed is read, and only the next push is fetched', async () => {
  const origin = await served()
  const first = await origin.commit({
    'base/a.yaml': 'a: 1\n',
    'base/deep/b.yml': 'b: 1\n',
    'base/notes.md': '',
    'c.yaml': '',
  })
  const repository = await cache({ url: origin.url })
  expect(await repository.headOf('main')).toBe(first)
  expect(await repository.fetch('main')).toEqual({ head: first, refs: new Map() })
  const files = repository.filesAt(first)
  expect(await files.list('./base/')).toEqual({ files: ['base/a.yaml', 'base/deep/b.yml'], failures: [], links: [] })
  expect(await text(repository, first, 'base/deep/../a.yaml')).toBe('a: 1\n')

  const asked = server.requests.length
  await repository.fetch('main')
  expect(server.requests.slice(asked)).toEqual([`POST ${new URL(origin.url).pathname}/git-upload-pack`])

  const second = await origin.commit({ 'base/a.yaml': 'a: 2\n' })
  expect((await repository.fetch('main')).head).toBe(second)
  expect(await text(repository, second, 'base/a.yaml')).toBe('a: 2\n')
  expect(await text(repository, first, 'base/a.yaml')).toBe('a: 1\n')
  expect(await repository.commitsBetween(first, second)).toEqual([
    { id: second, author: 'Ada <ada@example.test>', subject: 'Change', at: '2023-11-14T22:13:20.000Z' },
  ])
})

test('a pull request is fetched where it exists, and left out where it does not', async () => {
  const origin = await served()
  const main = await origin.commit({ 'a.yaml': 'a: 1\n' })
  const proposed = await origin.commit({ 'a.yaml': 'a: 2\n' }, { branch: 'topic' })
  await origin.point('refs/pull/7/head', proposed)
  const repository = await cache({ url: origin.url })
  const fetched = await repository.fetch('main', ['refs/pull/7/head', 'refs/pull/8/head'])
  expect(fetched).toEqual({ head: main, refs: new Map([['refs/pull/7/head', proposed]]) })
  expect(await text(repository, proposed, 'a.yaml')).toBe('a: 2\n')
})

test('a force-push is told from a push', async () => {
  const origin = await served()
  const first = await origin.commit({ 'a.yaml': '1' })
  const second = await origin.commit({ 'a.yaml': '2' })
  const repository = await cache({ url: origin.url })
  await repository.fetch('main')
  const other = await origin.commit({ 'a.yaml': '3' }, { parents: [first], message: 'Rewrite\u001b[31m history' })
  expect((await repository.fetch('main')).head).toBe(other)
  expect(await repository.isAncestor(first, other)).toBe(true)
  expect(await repository.isAncestor(second, other)).toBe(false)
  expect(await repository.isAncestor('0'.repeat(39).concat('1'), other)).toBe(false)
  expect((await repository.commitsBetween(second, other)).map(({ subject }) => subject)).toEqual([
    'Rewrite\ufffd[31m history',
  ])
})

test('two commits are merged without a work tree, or their conflicts are named', async () => {
  const pki = await open.create(`r${count++}.git`)
  const base = await pki.commit({ 'a.yaml': 'a: 1\n', 'b.yaml': 'b: 1\n' })
  const change = await pki.commit({ 'a.yaml': 'a: 2\n', 'b.yaml': 'b: 1\n' }, { branch: 'change', parents: [base] })
  await pki.point('refs/pull/1/head', change)
  const repository = await cache({ url: pki.url })
  const ref = 'refs/pull/1/head'
  await repository.fetch('main', [ref])
  expect(await repository.merge(base, base)).toEqual({ type: 'merged', commit: base })
  expect(await repository.merge(base, change)).toEqual({ type: 'merged', commit: change })

  const meanwhile = await pki.commit({ 'a.yaml': 'a: 1\n', 'b.yaml': 'b: 2\n', 'c.yaml': 'c: 1\n' })
  await repository.fetch('main', [ref])
  const merged = await repository.merge(meanwhile, change)
  if (merged.type !== 'merged') throw new Error('they do not contradict each other')
  const files = repository.filesAt(merged.commit)
  const read = async (path: string) => Buffer.from(await files.read(path, 100)).toString()
  expect([await read('a.yaml'), await read('b.yaml'), await read('c.yaml')]).toEqual(['a: 2\n', 'b: 2\n', 'c: 1\n'])

  const other = await pki.commit({ 'a.yaml': 'a: 3\n' })
  await repository.fetch('main', [ref])
  expect(await repository.merge(other, change)).toEqual({ type: 'conflict', files: ['a.yaml'] })
})

test('a cache is opened again after its process was killed, and after it was damaged', async () => {
  const origin = await served()
  await origin.commit({ 'a.yaml': 'a: 1\n' })
  const folder = join(scratch.path, 'again')
  await (await cache({ url: origin.url, folder })).fetch('main')
  const second = await origin.commit({ 'a.yaml': 'a: 2\n' })
  const inside = join(folder, 'repository')
  for (const name of ['HEAD.lock', 'packed-refs.lock', 'config.lock']) writeFileSync(join(inside, name), '')
  writeFileSync(join(inside, 'objects/pack/tmp_pack_abcdef'), 'half')
  writeFileSync(join(folder, 'access/ssh_key'), 'left by a process that was killed')
  expect((await (await cache({ url: origin.url, folder })).fetch('main')).head).toBe(second)
  expect(readdirSync(join(folder, 'access'))).toEqual([])

  const packs = join(inside, 'objects/pack')
  for (const name of readdirSync(packs).filter(each => each.endsWith('.pack'))) truncateSync(join(packs, name), 40)
  const third = await origin.commit({ 'a.yaml': 'a: 3\n' })
  const damaged = await cache({ url: origin.url, folder })
  expect((await damaged.fetch('main')).head).toBe(third)
  expect(await text(damaged, third, 'a.yaml')).toBe('a: 3\n')
})

test('packs are joined once there are many, and everything is still there', async () => {
  const origin = await served()
  const folder = join(scratch.path, 'packs')
  const repository = await cache({ url: origin.url, folder })
  const commits: string[] = []
  for (let n = 0; n < 52; n++) {
    commits.push(await origin.commit({ 'a.yaml': `a: ${n}\n` }))
    await repository.fetch('main')
  }
  const packs = readdirSync(join(folder, 'repository/objects/pack')).filter(name => name.endsWith('.pack'))
  expect(packs.length).toBeLessThan(10)
  expect(await text(repository, commits[0] ?? '', 'a.yaml')).toBe('a: 0\n')
})

test('the cache can be read by nobody else', async () => {
  const origin = await served()
  const folder = join(scratch.path, 'private')
  await cache({ url: origin.url, folder })
  expect([folder, join(folder, 'access'), join(folder, 'repository')].map(each => statSync(each).mode & 0o777)).toEqual(
    [0o700, 0o700, 0o700],
  )
})

const missing: [what: string, prepare: (url: string) => Promise<string>, branch: string, reason: string][] = [
  ['a branch that is not there', async url => url, 'gone', 'branch_missing'],
  ['a repository without a commit', async () => (await served()).url, 'main', 'repository_empty'],
  ['a repository that vanished', async url => `${url}x`, 'main', 'not_found'],
]
test.each(missing)('%s is told by its reason', async (_what, prepare, branch, expected) => {
  const origin = await served()
  await origin.commit({ 'a.yaml': '' })
  const error = await failure((await cache({ url: await prepare(origin.url) })).fetch(branch))
  expect([error.code, error.details?.reason]).toEqual(['git_refused', expected])
})

test('a folder without manifests is told from a branch that is not there', async () => {
  const origin = await served()
  const head = await origin.commit({ 'README.md': '' })
  const repository = await cache({ url: origin.url })
  await repository.fetch('main')
  const { diagnostics } = await loadConfiguration(['.'], repository.filesAt(head))
  expect(diagnostics.map(({ code }) => code)).toEqual(['input_empty'])
  const absent = await repository.filesAt(head).list('base')
  expect(absent.failures.map(({ code, message }) => [code, message])).toEqual([
    ['input_unreadable', '"base" does not exist in the repository'],
  ])
})

test('wrong credentials are refused without being told', async () => {
  const origin = await served()
  await origin.commit({ 'a.yaml': '' })
  const password = 'wr0ng-s3cr3t'
  const error = await failure(
    (await cache({ url: origin.url, credentials: async () => ({ ...login, password }) })).fetch('main'),
  )
  expect([error.code, error.details?.reason]).toEqual(['git_refused', 'unauthorized'])
  expect(JSON.stringify(error.toDiagnostic()) + String(error.stack) + String(error.cause)).not.toContain(password)
})

test('the password is in no argument, file or error while git runs', async () => {
  const origin = await served()
  await origin.commit({ 'a.yaml': '' })
  const folder = join(scratch.path, 'secret')
  const repository = await cache({ url: origin.url, folder })
  let seen = ''
  server.answerWith(request => {
    if (request.method !== 'GET') return false
    // git asks itself only for the fetch; now it runs.
    for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
      try {
        seen += `${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}\n`
      } catch {
        // it has ended
      }
    }
    return false
  })
  await repository.fetch('main')
  expect(seen).toContain('fetch --quiet')
  const basic = Buffer.from(`${login.username}:${login.password}`).toString('base64')
  for (const secret of [login.password, basic]) expect(seen).not.toContain(secret)
  const { stdout } = await promisify(execFile)('grep', ['-rlE', `${login.password}|${basic}`, folder]).catch(
    error => error,
  )
  expect(stdout).toBe('')
})

const answers: [what: string, status: number, headers: Record<string, string>, body: string, want: string][] = [
  ['a redirect is not followed', 302, { location: 'http://127.0.0.1:1/elsewhere' }, '', 'moved'],
  ['an answer that is no git', 200, { 'content-type': 'text/html' }, '<p>\u001b[2Jhello', 'unreachable'],
  ['a server error', 503, {}, '', 'unreachable'],
  ['a cut answer', 200, { 'content-type': 'application/x-git-upload-pack-result' }, '00', 'unreachable'],
]
test.each(answers)('%s', async (_what, status, headers, body, want) => {
  server.answerWith((_request, response) => {
    response.writeHead(status, headers).end(body)
    return true
  })
  const error = await failure((await cache({ url: (await served()).url })).fetch('main'))
  expect(error.details?.reason).toBe(want)
  expect(JSON.stringify(error.toDiagnostic())).not.toMatch(/\\u001b/)
})

test('a server that repeats the header in its message does not get it into the error', async () => {
  const origin = await served()
  server.answerWith((request, response) => {
    const said = `ERR ${request.headers.authorization} \u001b]0;title\u0007\u001b[31mred`
    const line = `${(said.length + 4).toString(16).padStart(4, '0')}${said}`
    response
      .writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' })
      .end(`001e# service=git-upload-pack\n0000${line}`)
    return true
  })
  const error = await failure((await cache({ url: origin.url })).fetch('main'))
  const told = JSON.stringify(error.toDiagnostic())
  expect(told).toContain('(secret)')
  expect(told).not.toContain(Buffer.from(`${login.username}:${login.password}`).toString('base64'))
  expect(told).not.toMatch(/\\u001b|\\u0007/)
})

test('an interrupted fetch leaves no process behind, and the next one succeeds', async () => {
  const origin = await served()
  const head = await origin.commit({ 'a.yaml': '' })
  const folder = join(scratch.path, 'interrupted')
  const repository = await cache({ url: origin.url, folder })
  const controller = new AbortController()
  server.answerWith(request => {
    if (request.method !== 'GET') return false
    controller.abort(new EngineError('interrupted', 'stopped', {}))
    return true // and never answer
  })
  expect((await failure(repository.fetch('main', [], controller.signal))).code).toBe('interrupted')
  server.answerWith(undefined)
  await expect.poll(() => processesWith(folder)).toEqual([])
  expect((await repository.fetch('main')).head).toBe(head)
})

function processesWith(folder: string): readonly string[] {
  return readdirSync('/proc').filter(pid => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`GIT_DIR=${folder}`)
    } catch {
      return false
    }
  })
}

test('a server that never answers is given up', async () => {
  server.answerWith(request => request.method === 'GET')
  const origin = await served()
  await origin.commit({ 'a.yaml': '' })
  const repository = await cache({ url: origin.url, limits: { fetchTime: 500 } })
  expect(await reason(repository.fetch('main'))).toBe('timeout')
})

test("an address inside the service's network is refused, also to git itself", async () => {
  const origin = await served()
  await origin.commit({ 'a.yaml': '' })
  const repository = await cache({ url: origin.url, egress: createEgress([]) })
  expect((await failure(repository.fetch('main'))).code).toBe('egress_refused')
  const guarded = await createHttp({ guard: createEgress([]).guard })
  try {
    expect((await failure((await cache({ url: origin.url, http: guarded })).headOf('main'))).code).toBe(
      'egress_refused',
    )
  } finally {
    await guarded.close()
  }
})

test('git connects to the address that was checked, not to what the name leads to later', async () => {
  const origin = await open.create(`pinned${count++}.git`)
  const head = await origin.commit({ 'a.yaml': '' })
  const url = new URL(origin.url)
  // Nothing resolves this name: only the pinned address can have been used.
  url.hostname = 'git.example.invalid'
  const repository = await cache({
    url: url.href,
    egress: { addressOf: async () => '127.0.0.1' },
    http: { request: async () => ({ status: 501, headers: {}, body: new Uint8Array() }) },
  })
  expect((await repository.fetch('main')).head).toBe(head)
})

test('a file URL works where it is allowed', async () => {
  const origin = await served()
  const head = await origin.commit({ 'a.yaml': 'a: 1\n' })
  expect((await (await cache({ url: `file://${origin.path}` })).fetch('main')).head).toBe(head)
  expect(await reason(cache({ url: `file://${origin.path}`, allowInsecure: false }))).toBe('url_refused')
})

test('ssh fetches with its key from a known host, and leaves no key on disk', async () => {
  const origin = await served()
  const head = await origin.commit({ 'a.yaml': 'a: 1\n' })
  const folder = join(scratch.path, 'over-ssh')
  const { key: sshKey, knownHosts } = ssh
  const url = `${ssh.url}${origin.path}`
  const repository = await cache({
    url,
    folder,
    allowInsecure: false,
    credentials: async () => ({ sshKey, knownHosts }),
  })
  expect(await repository.headOf('main')).toBe(head)
  expect((await repository.fetch('main', ['refs/pull/1/head'])).head).toBe(head)
  expect(await text(repository, head, 'a.yaml')).toBe('a: 1\n')
  expect(readdirSync(join(folder, 'access')).sort()).toEqual(['ssh_config', 'ssh_known_hosts'])

  const pinned = await cache({
    url: url.replace('127.0.0.1', 'git.example.invalid'),
    egress: { addressOf: async () => '127.0.0.1' },
    credentials: async () => ({ sshKey, knownHosts: knownHosts.replace('127.0.0.1', 'git.example.invalid') }),
  })
  expect(await pinned.headOf('main')).toBe(head)
})

const overSsh: [what: string, credentials: () => Record<string, string>, path: string, reason: string][] = [
  ['a host that is not known', () => ({ sshKey: ssh.key, knownHosts: '' }), '', 'host_key_unknown'],
  [
    'a key that the server does not know',
    () => ({ sshKey: ssh.strangersKey, knownHosts: ssh.knownHosts }),
    '',
    'unauthorized',
  ],
  ['no key', () => ({ knownHosts: ssh.knownHosts }), '', 'credentials_missing'],
  ['a repository that is not there', () => ({ sshKey: ssh.key, knownHosts: ssh.knownHosts }), 'x', 'not_found'],
]
test.each(overSsh)('ssh is refused: %s', async (_what, credentials, path, expected) => {
  const origin = await served()
  await origin.commit({ 'a.yaml': '' })
  const repository = await cache({ url: `${ssh.url}${origin.path}${path}`, credentials: async () => credentials() })
  expect(await reason(repository.fetch('main'))).toBe(expected)
})
