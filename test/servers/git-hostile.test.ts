import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type ClosableHttp, createHttp, EngineError, loadConfiguration } from '../../engine/index.ts'
import { openRepository, type RepositoryOptions } from '../../reconciler/sources/git/open-repository.ts'
import type { Repository } from '../../reconciler/sources/repository.ts'
import { type GitServer, type ServedRepository, startGitServer } from './git.ts'
import { type Files, writeTree } from './git-folder.ts'
import { createScratch } from './scratch.ts'

const scratch = createScratch('git-hostile')
let server: GitServer
let http: ClosableHttp
const opened: Repository[] = []
let count = 0

beforeAll(async () => {
  server = await startGitServer()
  http = await createHttp()
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map(each => each.close()))
})
afterAll(async () => {
  await http.close()
  await server.stop()
  scratch.remove()
})

const served = () => server.create(`r${count++}.git`)

async function cache(url: string, options: Partial<RepositoryOptions> = {}): Promise<Repository> {
  const folder = join(scratch.path, `cache-${count++}`)
  const repository = await openRepository({ folder, url, http, allowInsecure: true, ...options })
  opened.push(repository)
  return repository
}

async function failure(work: Promise<unknown>): Promise<EngineError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof EngineError)) throw error ?? new Error('nothing was refused')
  return error
}

const said = ({ code, message, details }: EngineError) => [code, details?.reason, message]

/** Every manifest that a hostile repository's neighbour would be read with. */
const healthy = { 'ok/a.yaml': 'a: 1\n' }

const entries: [what: string, files: Files, reason: string, message: RegExp][] = [
  [
    'a manifest that is a symbolic link',
    { 'p/a.yaml': { mode: '120000', content: '/etc/passwd' } },
    'link',
    /"p\/a.yaml" is a symbolic link; only regular files are read/,
  ],
  [
    'a manifest that is executable',
    { 'p/a.yaml': { mode: '100755', content: 'a: 1' } },
    'executable',
    /"p\/a.yaml" is executable/,
  ],
  [
    'a submodule below the paths',
    { 'p/inner': { mode: '160000', object: '1'.repeat(40) }, 'p/a.yaml': 'a: 1' },
    'submodule',
    /"p\/inner" is a submodule/,
  ],
  ['a path that is a symbolic link', { p: { mode: '120000', content: '..' } }, 'link', /"p" is a symbolic link/],
  ['a name with a terminal sequence', { 'p/\u001b[2Ja.yaml': 'a: 1' }, 'name_refused', /control characters/],
  [
    'folders nested without end',
    { [`p/${Array.from({ length: 200 }, () => 'd').join('/')}/a.yaml`]: 'a: 1' },
    'too_deep',
    /more than 64 deep/,
  ],
]
test.each(entries)('%s is refused, not left out', async (_what, files, reason, message) => {
  const origin = await served()
  const head = await origin.commit({ ...healthy, ...files })
  const repository = await cache(origin.url)
  await repository.fetch('main')
  const { failures } = await repository.filesAt(head).list('p')
  expect(failures.map(said)).toEqual([['git_hostile', reason, expect.stringMatching(message)]])
  const { diagnostics } = await loadConfiguration(['p'], repository.filesAt(head))
  expect(diagnostics.map(({ severity, code }) => [severity, code])).toContainEqual(['error', 'git_hostile'])
  expect((await repository.filesAt(head).list('ok')).files).toEqual(['ok/a.yaml'])
})

test('a link beside manifests is told and never followed', async () => {
  const origin = await served()
  const head = await origin.commit({ 'p/a.yaml': 'a: 1', 'p/docs': { mode: '120000', content: '/etc' } })
  const repository = await cache(origin.url)
  await repository.fetch('main')
  const files = repository.filesAt(head)
  expect(await files.list('p')).toEqual({ files: ['p/a.yaml'], failures: [], links: ['p/docs'] })
  expect(said(await failure(files.read('p/docs', 100)))[1]).toBe('link')
  expect((await failure(files.read('p/docs/passwd', 100))).code).toBe('input_unreadable')
})

test.each(['../../etc/passwd', '/etc/passwd', 'p/../../x', '..'])('%s leads out of the repository', async path => {
  const origin = await served()
  const head = await origin.commit({ 'p/a.yaml': 'a: 1' })
  const repository = await cache(origin.url)
  await repository.fetch('main')
  const files = repository.filesAt(head)
  const outside = ['input_unreadable', undefined, `"${path}" leads out of the repository`]
  expect(said(await failure(files.read(path, 100)))).toEqual(outside)
  expect((await files.list(path)).failures.map(said)).toEqual([outside])
})

const malformed: [what: string, write: (git: ServedRepository) => Promise<string>][] = [
  ['".." as a name', origin => rawTree(origin, '..')],
  ['".git" as a name', origin => rawTree(origin, '.git')],
  ['a name with a slash', origin => rawTree(origin, 'a/b')],
  [
    '.gitmodules as a symbolic link',
    origin => writeTree(origin.git, { '.gitmodules': { mode: '120000', content: 'x' } }),
  ],
  [
    'a submodule whose URL is an option',
    origin => writeTree(origin.git, { '.gitmodules': '[submodule "x"]\n\tpath = x\n\turl = --upload-pack=touch\n' }),
  ],
]
test.each(malformed)('git refuses objects with %s as they arrive', async (_what, write) => {
  const origin = await served()
  const good = await origin.commit(healthy)
  const repository = await cache(origin.url)
  await repository.fetch('main')
  const tree = await write(origin)
  const bad = (await origin.git(['commit-tree', '-m', 'Bad', '-p', good, tree])).trim()
  await origin.point('refs/heads/main', bad)
  expect(said(await failure(repository.fetch('main')))).toEqual([
    'git_hostile',
    'malformed_objects',
    'the repository holds malformed objects',
  ])
  // What was there stays readable, and the same is not fetched again only to be refused again.
  expect((await repository.filesAt(good).list('ok')).files).toEqual(['ok/a.yaml'])
  const asked = server.requests.length
  await failure(repository.fetch('main'))
  expect(server.requests.slice(asked)).toHaveLength(1)
  await origin.point('refs/heads/main', good)
  expect((await repository.fetch('main')).head).toBe(good)
})

async function rawTree({ git }: ServedRepository, name: string): Promise<string> {
  const blob = (await git(['hash-object', '-w', '--stdin'], 'x')).trim()
  const octets = Buffer.concat([Buffer.from(`100644 ${name}\0`), Buffer.from(blob, 'hex')])
  return (await git(['hash-object', '-t', 'tree', '-w', '--literally', '--stdin'], octets)).trim()
}

test('hooks, filters, attributes and configuration of a repository run nothing', async () => {
  const origin = await served()
  const trace = join(scratch.path, 'ran')
  const head = await origin.commit({
    '.gitattributes': '*.yaml filter=run diff=run merge=run\n',
    '.gitconfig': `[filter "run"]\n\tsmudge = touch ${trace}\n`,
    '.gitmodules': `[submodule "x"]\n\tpath = x\n\turl = ext::touch ${trace}\n\tupdate = none\n`,
    'hooks/post-checkout': { mode: '100755', content: `#!/bin/sh\ntouch ${trace}\n` },
    'p/a.yaml': 'a: 1\n',
  })
  const repository = await cache(origin.url)
  await repository.fetch('main').catch(() => undefined)
  expect((await repository.filesAt(head).list('p')).files.length).toBeLessThanOrEqual(1)
  expect(existsSync(trace)).toBe(false)
})

test('100,000 files are refused, and a folder of 9,000 beside them is read', async () => {
  const origin = await served()
  const blob = (await origin.git(['hash-object', '-w', '--stdin'], 'a: 1\n')).trim()
  const lines = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, n) => `100644 blob ${blob}\tf${from + n}.yaml\0`).join('')
  const folders: string[] = []
  for (let n = 0; n < 100; n++)
    folders.push((await origin.git(['mktree', '-z'], lines(n * 1000, n * 1000 + 1000))).trim())
  const many = (
    await origin.git(['mktree', '-z'], folders.map((tree, n) => `040000 tree ${tree}\td${n}\0`).join(''))
  ).trim()
  const some = (await origin.git(['mktree', '-z'], lines(0, 9000))).trim()
  const head = await origin.commit({ many: { mode: '040000', object: many }, some: { mode: '040000', object: some } })
  const repository = await cache(origin.url)
  await repository.fetch('main')
  const refused = await repository.filesAt(head).list('many')
  expect([refused.files, refused.failures.map(said)[0]?.slice(0, 2)]).toEqual([[], ['git_hostile', 'too_many_files']])
  const files = repository.filesAt(head)
  const listing = await files.list('some')
  expect([listing.files.length, listing.failures]).toEqual([9000, []])
  for (const path of listing.files) expect((await files.read(path, 100)).length).toBe(5)
})

test.each([
  ['files', (git: ServedRepository['git']) => git(['hash-object', '-w', '--stdin'], 'a: 1\n'), '100644 blob', '.yaml'],
  ['nothing at all', (git: ServedRepository['git']) => git(['mktree'], ''), '040000 tree', ''],
])('ten folders in ten folders, ten times, with %s at the end, are refused at once', async (_what, leaf, type, suffix) => {
  const origin = await served()
  let inner = (await leaf(origin.git)).trim()
  let kind = type
  let end = suffix
  for (let level = 0; level < 10; level++) {
    const lines = Array.from({ length: 10 }, (_, n) => `${kind} ${inner}\td${n}${end}\0`)
    inner = (await origin.git(['mktree', '-z'], lines.join(''))).trim()
    kind = '040000 tree'
    end = ''
  }
  const head = await origin.commit({ p: { mode: '040000', object: inner } })
  const repository = await cache(origin.url)
  await repository.fetch('main')
  expect((await repository.filesAt(head).list('p')).failures.map(said)[0]?.[1]).toBe('too_many_files')
})

test('a file of 1 GB that packs into 1 MB is fetched and never unpacked', async () => {
  const origin = await served()
  const bomb = await zeroes(origin, 1024)
  const head = await origin.commit({ ...healthy, 'p/bomb.yaml': { mode: '100644', object: bomb } })
  const repository = await cache(origin.url)
  await repository.fetch('main')
  const before = process.memoryUsage().rss
  const files = repository.filesAt(head)
  expect((await files.list('p')).files).toEqual(['p/bomb.yaml'])
  expect(said(await failure(files.read('p/bomb.yaml', 4 * 1024 * 1024)))).toEqual([
    'git_hostile',
    'file_too_large',
    '"p/bomb.yaml" has 1024 MiB; nothing above 16 MiB is read',
  ])
  expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024)
  expect(Buffer.from(await files.read('ok/a.yaml', 100)).toString()).toBe('a: 1\n')
})

test("a file above a reader's limit is too large, not hostile", async () => {
  const origin = await served()
  const head = await origin.commit({ 'p/a.yaml': 'x'.repeat(5000) })
  const repository = await cache(origin.url)
  await repository.fetch('main')
  expect((await failure(repository.filesAt(head).read('p/a.yaml', 4999))).code).toBe('input_too_large')
  expect(await repository.filesAt(head).read('p/a.yaml', 5000)).toHaveLength(5000)
})

/** `mebibytes` of zeroes as a blob, written by a pipe so that nothing here holds them. */
async function zeroes({ git, path }: ServedRepository, mebibytes: number): Promise<string> {
  const command = `!head -c ${mebibytes}M /dev/zero | git --git-dir='${path}' -c core.bigFileThreshold=1m hash-object -w --stdin`
  return (await git(['-c', `alias.zeroes=${command}`, 'zeroes'])).trim()
}

test('a repository larger than its limit is cut off while it arrives, and leaves nothing', async () => {
  const origin = await served()
  const good = await origin.commit(healthy)
  const folder = join(scratch.path, 'large')
  const repository = await cache(origin.url, { folder, limits: { size: 8 * 1024 * 1024 } })
  await repository.fetch('main')
  await origin
    .git(['-c', 'alias.noise=!head -c 64M /dev/urandom | git hash-object -w --stdin', 'noise'])
    .then(async blob => {
      await origin.commit({ 'p/noise.bin': { mode: '100644', object: blob.trim() } })
    })
  const sent = server.requests.length
  expect(said(await failure(repository.fetch('main')))).toEqual([
    'git_hostile',
    'repository_too_large',
    'the repository is larger than 8 MiB',
  ])
  expect(readdirSync(join(folder, 'repository/objects/pack'))).toEqual([])
  expect(server.requests.length).toBeGreaterThan(sent)
  const asked = server.requests.length
  await failure(repository.fetch('main'))
  expect(server.requests.slice(asked)).toHaveLength(1)
  await origin.point('refs/heads/main', good)
  expect((await repository.fetch('main')).head).toBe(good)
  expect((await repository.filesAt(good).list('ok')).files).toEqual(['ok/a.yaml'])
}, 60_000)

test("a pull request's size does not keep its branch from arriving", async () => {
  const origin = await served()
  const good = await origin.commit(healthy)
  const noise = await origin.git(['-c', 'alias.noise=!head -c 32M /dev/urandom | git hash-object -w --stdin', 'noise'])
  const large = await origin.commit({ x: { mode: '100644', object: noise.trim() } }, { branch: 'fork' })
  await origin.point('refs/pull/1/head', large)
  const repository = await cache(origin.url, { limits: { size: 8 * 1024 * 1024 } })
  expect(said(await failure(repository.fetch('main', ['refs/pull/1/head'])))[1]).toBe('repository_too_large')
  expect((await repository.fetch('main')).head).toBe(good)
  expect((await repository.filesAt(good).list('ok')).files).toEqual(['ok/a.yaml'])
}, 60_000)

test('a pull request that is too large, or slow to arrive, costs the branch nothing', async () => {
  const origin = await served()
  const good = await origin.commit(healthy)
  const noise = async (mebibytes: number, branch: string) => {
    const command = `!head -c ${mebibytes}M /dev/urandom | git hash-object -w --stdin`
    const blob = await origin.git(['-c', `alias.noise=${command}`, 'noise'])
    return origin.commit({ ...healthy, x: { mode: '100644', object: blob.trim() } }, { branch, parents: [good] })
  }
  const [small, large] = [await noise(2, 'small'), await noise(32, 'large')]
  await origin.point('refs/pull/1/head', small)
  await origin.point('refs/pull/2/head', large)
  const folder = join(scratch.path, 'forks')
  const repository = await cache(origin.url, { folder, limits: { size: 8 * 1024 * 1024 } })
  await repository.fetch('main')
  const packs = () => readdirSync(join(folder, 'repository/objects/pack')).toSorted()
  const before = packs()
  expect(before).not.toEqual([])
  const read = async (commit: string) => (await repository.filesAt(commit).list('ok')).files

  expect((await repository.fetch('main', ['refs/pull/1/head'])).refs.get('refs/pull/1/head')).toBe(small)
  expect(await read(small)).toEqual(['ok/a.yaml'])
  const asked = server.requests.length
  expect(said(await failure(repository.fetch('main', ['refs/pull/2/head'])))[1]).toBe('repository_too_large')
  // Where it is, what git is answered, and the pack: it is not downloaded twice.
  const packsAsked = server.requests.slice(asked).filter(each => each.startsWith('GET')).length
  expect(packsAsked).toBe(1)
  expect(packs()).toEqual(before)
  const after = server.requests.length
  expect((await repository.fetch('main')).head).toBe(good)
  expect(await read(good)).toEqual(['ok/a.yaml'])
  expect(server.requests.slice(after)).toHaveLength(1)
  // What was thrown away with it comes back, and what the branch holds already is borrowed.
  expect((await repository.fetch('main', ['refs/pull/1/head'])).head).toBe(good)
  expect(await repository.merge(good, small)).toEqual({ type: 'merged', commit: small })

  const stop = new AbortController()
  let isHeld = false
  server.answerWith(request => {
    isHeld ||= request.method === 'GET'
    return request.method === 'GET'
  })
  await origin.point('refs/pull/3/head', large)
  const held = failure(repository.fetch('main', ['refs/pull/3/head'], stop.signal))
  await expect.poll(() => isHeld).toBe(true)
  expect((await repository.fetch('main')).head).toBe(good)
  stop.abort(new EngineError('interrupted', 'enough'))
  expect((await held).code).toBe('interrupted')
  server.answerWith(undefined)
}, 60_000)

test('a small object built on a huge one ends git, not the machine, and the next read works', async () => {
  const origin = await served()
  // The small one is stored as a difference to the large one: to read it, the large one has to be unpacked.
  const large = 400 * 1024 * 1024
  const pack = `head -c ${large} /dev/zero > "$1/large"; head -c ${large - 1} /dev/zero > "$1/small"`
  await origin.git(['-c', `alias.make=!f() { ${pack}; }; f '${origin.path}'`, 'make'])
  const write = async (name: string) =>
    (
      await origin.git(['-c', 'core.bigFileThreshold=1g', 'hash-object', '-w', '--no-filters', join(origin.path, name)])
    ).trim()
  const [a, b] = [await write('large'), await write('small')]
  const head = await origin.commit({
    ...healthy,
    'p/a.bin': { mode: '100644', object: a },
    'p/b.bin': { mode: '100644', object: b },
  })
  await origin.git([
    '-c',
    'core.bigFileThreshold=1g',
    '-c',
    'pack.threads=1',
    'repack',
    '-adfq',
    '--window=10',
    '--depth=10',
  ])
  const repository = await cache(origin.url)
  const fetched = await repository.fetch('main').then(
    () => undefined,
    (error: unknown) => error,
  )
  // Refused where it has to be unpacked whole: as it arrives, or at the latest when it is read.
  if (fetched instanceof EngineError) expect(said(fetched).slice(0, 2)).toEqual(['git_hostile', 'object_too_large'])
  else expect((await repository.filesAt(head).list('ok')).files).toEqual(['ok/a.yaml'])
  expect(fetched).toBeInstanceOf(EngineError)
}, 120_000)

const names: [what: string, branch: string][] = [
  ['an option', '--upload-pack=touch /tmp/x'],
  ['a short option', '-o'],
  ['an option inside a ref', 'refs/heads/--exec=x'],
  ['a range', 'a..b'],
  ['a pattern', 'main*'],
  ['a destination', 'main:refs/heads/other'],
  ['a line break', 'main\nother'],
  ['reflog syntax', 'main@{1}'],
  ['nothing', ''],
]
test.each(names)('a branch that is %s is refused before git sees it', async (_what, branch) => {
  const origin = await served()
  await origin.commit(healthy)
  const repository = await cache(origin.url)
  const asked = server.requests.length
  for (const work of [repository.fetch(branch), repository.headOf(branch)]) {
    expect(said(await failure(work)).slice(0, 2)).toEqual(['git_refused', 'ref_refused'])
  }
  expect(server.requests.length).toBe(asked)
})

test.each(['main', 'HEAD', '--all', '0'.repeat(39), `${'0'.repeat(40)}^`])('%s is no commit', async name => {
  const repository = await cache((await served()).url)
  expect(() => repository.filesAt(name)).toThrow(/not a full commit name/)
  for (const work of [
    repository.isAncestor(name, '0'.repeat(40)),
    repository.commitsBetween(undefined, name),
    repository.commitObject(name),
  ]) {
    expect(said(await failure(work))[1]).toBe('commit_refused')
  }
})
