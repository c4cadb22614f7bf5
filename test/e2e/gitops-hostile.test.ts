import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type GitServer, type ServedRepository, startGitServer } from '../servers/git.ts'
import { type EndlessServer, startEndlessServer } from '../servers/git-endless.ts'
import { writeTree } from '../servers/git-folder.ts'
import { freePort } from '../servers/process.ts'
import { type GitopsService, startGitopsService, until } from './gitops-service.ts'
import { createWorkspace, manifest, type Workspace } from './workspace.ts'

interface Condition {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
}

interface SourceView {
  readonly id: string
  readonly name: string
  readonly applied_commit?: string
  readonly conditions: readonly Condition[]
}

const authorities = [
  manifest('CertificateAuthority', 'root', { type: 'root', commonName: 'Root CA', keyType: 'ec' }),
  manifest('Role', 'web', { ca: 'root', allowedDomains: ['corp.example'], allowSubdomains: true }),
].join('')
const declaring = (...names: string[]) => ({
  'base/ca.yaml': authorities,
  'base/certificates.yaml': names
    .map(name => manifest('Certificate', name, { role: 'web', domains: [`${name}.corp.example`] }))
    .join(''),
})

interface Seen {
  readonly name: string
  readonly applied: string | undefined
  readonly ready: string | undefined
  readonly stalled: string | undefined
  readonly reason: string | undefined
  readonly message: string | undefined
}

/** A manifest that would be applied if its neighbour did not spoil it. */
const harmless = (name: string) =>
  manifest('CertificateAuthority', name, { type: 'root', commonName: 'X', keyType: 'ec' })

type Fill = (origin: ServedRepository, name: string) => Promise<unknown>

/** What the repository holds, what its source says, and which words lead out of it. */
const repositories: [what: string, fill: Fill, reason: string, message: RegExp][] = [
  [
    'a manifest that is a symbolic link',
    origin => origin.commit({ 'base/a.yaml': { mode: '120000', content: '/etc/passwd' } }),
    'RepositoryRefused',
    /"base\/a.yaml" is a symbolic link.*\(replace the link by the file\)/,
  ],
  [
    'a path that is a symbolic link',
    origin => origin.commit({ base: { mode: '120000', content: '../../..' } }),
    'RepositoryRefused',
    /"base" is a symbolic link/,
  ],
  [
    'an executable manifest',
    origin => origin.commit({ 'base/a.yaml': { mode: '100755', content: harmless('a') } }),
    'RepositoryRefused',
    /"base\/a.yaml" is executable.*chmod=-x/,
  ],
  [
    'a submodule',
    origin => origin.commit({ 'base/inner': { mode: '160000', object: '1'.repeat(40) }, 'base/a.yaml': harmless('a') }),
    'RepositoryRefused',
    /"base\/inner" is a submodule.*\(put the files themselves/,
  ],
  [
    '".." as a name',
    origin => rawTree(origin, '..'),
    'RepositoryRefused',
    /holds malformed objects \(run git fsck --strict/,
  ],
  ['".git" as a name', origin => rawTree(origin, '.git'), 'RepositoryRefused', /holds malformed objects/],
  [
    'a submodule whose URL is an option',
    origin =>
      origin.commit({
        ...declaring('evil'),
        '.gitmodules': '[submodule "x"]\n\tpath = x\n\turl = --upload-pack=touch /tmp/x\n',
      }),
    'RepositoryRefused',
    /holds malformed objects/,
  ],
  [
    'a terminal sequence in a name',
    origin => origin.commit({ 'base/\u001b[2Ja.yaml': harmless('a') }),
    'RepositoryRefused',
    /control characters/,
  ],
  [
    'folders without end',
    origin => origin.commit({ [`base/${Array.from({ length: 200 }, () => 'd').join('/')}/a.yaml`]: harmless('a') }),
    'RepositoryRefused',
    /more than 64 deep/,
  ],
  ['100,000 files', manyFiles, 'RepositoryRefused', /more than 50000 files below its paths \(/],
  ['ten billion files in a kilobyte', nestedTrees, 'RepositoryRefused', /more than 50000 files below its paths/],
  [
    'a file of 1 GB',
    async origin => origin.commit({ 'base/bomb.yaml': { mode: '100644', object: await zeroes(origin, 1024) } }),
    'RepositoryRefused',
    /"base\/bomb.yaml" has 1024 MiB; nothing above 16 MiB is read \(/,
  ],
  [
    'one file of 4 MB under two thousand names',
    async origin => {
      const object = (await origin.git(['hash-object', '-w', '--stdin'], `# ${' '.repeat(4_000_000)}\n`)).trim()
      const names = Array.from({ length: 2000 }, (_, n) => [`base/f${n}.yaml`, { mode: '100644', object }] as const)
      return origin.commit(Object.fromEntries(names))
    },
    'RepositoryRefused',
    /more than \d+ MiB of manifests.*\(/,
  ],
  [
    'a document of a million empty lists',
    origin => origin.commit({ 'base/a.yaml': `a: [${'[],'.repeat(1_300_000)}]\n` }),
    'InvalidConfiguration',
    /base\/a.yaml:1:1: a document is larger than 512 KiB \(split it/,
  ],
  [
    'a million empty lists in eight documents',
    origin => origin.commit({ 'base/a.yaml': `---\na: [${'[],'.repeat(170_000)}]\n`.repeat(8) }),
    'InvalidConfiguration',
    /base\/a.yaml:2:1: the document has neither apiVersion nor kind \(/,
  ],
  [
    'ninety thousand documents of nothing known',
    origin => origin.commit({ 'base/a.yaml': '---\na: 1\n'.repeat(90_000) }),
    'InvalidConfiguration',
    /base\/a.yaml:2:1: the document has neither apiVersion nor kind \(/,
  ],
  [
    'aliases of aliases of aliases',
    origin => origin.commit({ 'base/a.yaml': laughs() }),
    'InvalidConfiguration',
    /aliases stand for more than 10000 values \(write the values out/,
  ],
  [
    'lists within lists',
    origin => origin.commit({ 'base/a.yaml': `a: ${'['.repeat(500_000)}` }),
    'InvalidConfiguration',
    /base\/a.yaml:\d+:\d+: .*\(.+\)/,
  ],
  ['no commit', () => Promise.resolve(), 'FetchRefused', /has no commit yet \(push the first commit\)/],
  [
    'another branch',
    origin => origin.commit(declaring('x'), { branch: 'other' }),
    'FetchRefused',
    /no branch "main" \(restore the branch.*nothing was deleted\)/,
  ],
  [
    'no manifests',
    origin => origin.commit({ README: '' }),
    'InvalidConfiguration',
    /"base" does not exist.*nothing was deleted/,
  ],
]

async function rawTree(origin: ServedRepository, name: string): Promise<void> {
  const blob = (await origin.git(['hash-object', '-w', '--stdin'], harmless('a'))).trim()
  const octets = Buffer.concat([Buffer.from(`100644 ${name}\0`), Buffer.from(blob, 'hex')])
  const tree = (await origin.git(['hash-object', '-t', 'tree', '-w', '--literally', '--stdin'], octets)).trim()
  await origin.point('refs/heads/main', (await origin.git(['commit-tree', '-m', 'Bad', tree])).trim())
}

async function manyFiles(origin: ServedRepository): Promise<void> {
  const blob = (await origin.git(['hash-object', '-w', '--stdin'], harmless('a'))).trim()
  const folders: string[] = []
  for (let n = 0; n < 100; n++) {
    const lines = Array.from({ length: 1000 }, (_, m) => `100644 blob ${blob}\tf${n}-${m}.yaml\0`)
    folders.push(`040000 tree ${(await origin.git(['mktree', '-z'], lines.join(''))).trim()}\td${n}\0`)
  }
  const object = (await origin.git(['mktree', '-z'], folders.join(''))).trim()
  await origin.commit({ base: { mode: '040000', object } })
}

async function nestedTrees(origin: ServedRepository): Promise<void> {
  let object = await writeTree(origin.git, { 'a.yaml': harmless('a') })
  for (let level = 0; level < 10; level++) {
    const lines = Array.from({ length: 10 }, (_, n) => `040000 tree ${object}\td${n}\0`)
    object = (await origin.git(['mktree', '-z'], lines.join(''))).trim()
  }
  await origin.commit({ base: { mode: '040000', object } })
}

async function zeroes({ git, path }: ServedRepository, mebibytes: number): Promise<string> {
  const command = `!head -c ${mebibytes}M /dev/zero | git --git-dir='${path}' -c core.bigFileThreshold=1m hash-object -w --stdin`
  return (await git(['-c', `alias.zeroes=${command}`, 'zeroes'])).trim()
}

/** https://en.wikipedia.org/wiki/Billion_laughs_attack in YAML. */
function laughs(): string {
  const levels = Array.from({ length: 9 }, (_, n) => `l${n + 1}: &l${n + 1} [${Array(9).fill(`*l${n}`).join(', ')}]`)
  return `l0: &l0 lol\n${levels.join('\n')}\n`
}

/** Servers that do not behave; what is tried again says `Waiting`. */
const servers: [name: string, stalled: boolean, reason: string, message: RegExp][] = [
  ['silent', false, 'FetchFailed', /did not answer within|not there within/],
  ['trickle', false, 'FetchFailed', /could not be asked|not there within/],
  ['endless', true, 'RepositoryRefused', /larger than 512 MiB \(take large files out/],
  ['refs', false, 'FetchFailed', /larger than|could not be asked/],
  ['moved', true, 'FetchRefused', /has moved \(write its present URL; redirects are not followed\)/],
]

let git: GitServer
let endless: EndlessServer
let canary: ReturnType<typeof createServer>
let canaryHits = 0
let work: Workspace
let service: GitopsService | undefined

beforeAll(async () => {
  git = await startGitServer()
  const port = await freePort()
  canary = createServer((_request, response) => {
    canaryHits++
    response.end('secret')
  }).listen(port, '127.0.0.1')
  endless = await startEndlessServer(`http://127.0.0.1:${port}`)
  work = createWorkspace('gitops-hostile')
})
afterAll(async () => {
  await service?.stop()
  await git.stop()
  await endless.stop()
  canary.close()
  work.remove()
})

/** Each source with what matters of it, so that a failure shows them all. */
async function sources(): Promise<readonly Seen[]> {
  const { data } = (await service?.get('/v1/sources?limit=100')) as { data: SourceView[] }
  return data.map(({ name, applied_commit: applied, conditions }) => {
    const condition = (type: string) => conditions.find(each => each.type === type)
    const { status, reason, message } = condition('Ready') ?? {}
    return { name, applied, ready: status, stalled: condition('Stalled')?.status, reason, message }
  })
}
const named = (all: readonly Seen[], name: string) => all.find(each => each.name === name)
/** Peak of the service's own memory in MiB. */
function peakMemory(pid: number): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

/** Processes that work in the caches of this service. */
function gitProcesses(folder: string): string[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(pid => {
      try {
        const where = readlinkSync(`/proc/${pid}/cwd`)
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
        return where.startsWith(join(folder, 'repositories')) ? [command] : []
      } catch {
        return [] // it ended meanwhile
      }
    })
}

/** What the caches take on disk; files that vanish while it counts are no failure. */
function mebibytesBelow(folder: string): Promise<number> {
  return new Promise(settle => {
    execFile('du', ['--summarize', '--block-size=1M', folder], (_error, stdout) => settle(Number.parseInt(stdout, 10)))
  })
}

const interval = 5
const slug = (what: string) =>
  what
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 50)

test('hostile repositories and servers spoil nothing but their own sources', async () => {
  const good = await git.create('good.git')
  const first = await good.commit(declaring('a'))
  const trace = join(work.folder, 'ran')
  const hooks = await git.create('hooks.git')
  const hooked = await hooks.commit({
    '.gitattributes': '*.yaml filter=run diff=run merge=run\n',
    '.gitconfig': `[filter "run"]\n\tsmudge = touch ${trace}\n[core]\n\thooksPath = hooks\n`,
    'hooks/post-checkout': { mode: '100755', content: `#!/bin/sh\ntouch ${trace}\n` },
    'hooks/reference-transaction': { mode: '100755', content: `#!/bin/sh\ntouch ${trace}\n` },
    'base/a.yaml': manifest('CertificateAuthority', 'hooked', { type: 'root', commonName: 'X', keyType: 'ec' }),
  })
  const common = { paths: ['base'], interval: `${interval}s`, autoApply: true }
  const bad: object[] = []
  for (const [what, fill] of repositories) {
    const origin = await git.create(`${slug(what)}.git`)
    await fill(origin, slug(what))
    bad.push({ ...common, name: slug(what), url: origin.url })
  }
  for (const [name] of servers) bad.push({ ...common, name, url: `${endless.url}/${name}.git` })
  // More of them than passes are worked on at the same time.
  for (let n = 0; n < 8; n++) bad.push({ ...common, name: `trickle-${n}`, url: `${endless.url}/trickle.git` })
  const metadata = { ...common, name: 'metadata', url: 'http://169.254.169.254/latest/meta-data.git' }

  // The bad ones first, so that the good one has to come past them.
  const declared = [
    ...bad,
    metadata,
    { ...common, name: 'hooks', url: hooks.url },
    { ...common, name: 'good', url: good.url },
  ]
  service = await startGitopsService(work, declared, { NODE_OPTIONS: '--max-old-space-size=400' })
  const { url, pid } = service

  const watched = { healthz: new Set<number>(), readyz: new Set<number>(), slowest: 0, disk: 0 }
  const watching = new AbortController()
  const watch = (async () => {
    while (!watching.signal.aborted) {
      for (const probe of ['healthz', 'readyz'] as const) {
        const asked = performance.now()
        const answer = await fetch(`${url}/${probe}`, { headers: { connection: 'close' } }).catch(() => undefined)
        watched[probe].add(answer?.status ?? 0)
        watched.slowest = Math.max(watched.slowest, performance.now() - asked)
      }
      watched.disk = Math.max(watched.disk, await mebibytesBelow(join(work.folder, 'repositories')))
      await new Promise(settle => setTimeout(settle, 250))
    }
  })()

  const lags: number[] = []
  const goodApplies = async (commit: string) => {
    const since = performance.now()
    await until(sources, all => named(all, 'good')?.applied === commit, 60)
    lags.push((performance.now() - since) / 1000)
  }
  await goodApplies(first)
  for (let n = 0; n < 8; n++) await goodApplies(await good.commit(declaring('a', `b${n}`)))

  const settled = await until(
    sources,
    all =>
      repositories.every(([what]) => named(all, slug(what))?.stalled === 'True') &&
      servers.every(([name]) => named(all, name)?.ready === 'False') &&
      named(all, 'hooks')?.applied === hooked &&
      named(all, 'metadata')?.ready === 'False',
    240,
  )
  for (let n = 0; n < 3; n++) await goodApplies(await good.commit(declaring('a', `c${n}`)))
  watching.abort()
  await watch

  const seen = (name: string) => {
    const { reason, message, stalled } = named(settled, name) ?? {}
    return [name, reason, message, stalled]
  }
  for (const [what, , reason, message] of repositories)
    expect(seen(slug(what))).toEqual([slug(what), reason, expect.stringMatching(message), 'True'])
  for (const [name, stalled, reason, message] of servers)
    expect(seen(name)).toEqual([name, reason, expect.stringMatching(message), stalled ? 'True' : 'False'])
  expect(seen('metadata')).toEqual([
    'metadata',
    'EgressRefused',
    expect.stringMatching(/169\.254\.169\.254.*link-local address.*\(/),
    'True',
  ])

  // The first one waits for the start of everything on a small machine; the others come while servers trickle.
  expect(Math.max(...lags.slice(1)), 'seconds until a commit is applied').toBeLessThan(interval * 1.1 + 10)
  expect([[...watched.healthz], [...watched.readyz]]).toEqual([[200], [200]])
  expect(watched.slowest, 'milliseconds of the slowest probe').toBeLessThan(20_000)
  expect(peakMemory(pid), 'MiB of memory at most').toBeLessThan(600)
  expect(watched.disk, 'MiB on disk at most').toBeLessThan(800)
  expect(await mebibytesBelow(join(work.folder, 'repositories')), 'MiB left on disk').toBeLessThan(50)
  expect(existsSync(trace), 'a program of the repository ran').toBe(false)
  expect(canaryHits, 'requests where a redirect led').toBe(0)
  expect(existsSync('/tmp/x')).toBe(false)

  const options: [what: string, body: object][] = [
    ['an option as a URL', { url: '--upload-pack=touch' }],
    ['a program as a URL', { url: 'ext::sh%20-c%20id' }],
    ['an option as a branch', { url: good.url, branch: '--upload-pack=touch' }],
    ['a path out of it', { url: good.url, paths: ['../../etc'] }],
  ]
  for (const [what, body] of options)
    expect([what, (await service.send('POST', '/v1/sources', { name: 'option', ...body })).status]).toEqual([what, 422])

  await service.stop()
  service = undefined
  expect(gitProcesses(work.folder)).toEqual([])
}, 600_000)
