import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type GitServer, type ServedRepository, startGitServer } from '../servers/git.ts'
import { type AcmeWorld, startAcmeWorld } from './acme-world.ts'
import { configure, type GitopsService, startGitopsService, until } from './gitops-service.ts'
import { verifyObject } from './openssl.ts'
import { createWorkspace, manifest, type Workspace } from './workspace.ts'

/**
 * `kill -9` at each border of a first pass over a source. A span's start is before the effect, its end is between the
 * effect and what follows. `commit:` is what the loop and its queue write down themselves; `state.record` is what an
 * apply writes down.
 */
const points: [what: string, span: string][] = [
  ['source and its first job declared', 'commit:put source tell source_create tell source.created enqueue-job#1'],
  ['poll saw the head', 'commit:enqueue-job#1'],
  ['fetched', 'reconcile.fetch#1'],
  ['run begun', 'commit:put run#1'],
  ['head noted', 'commit:put source#1'],
  ['verifying noted', 'commit:put run#2'],
  ['verified', 'reconcile.verify#1'],
  ['loading noted', 'commit:put run#3'],
  ['loaded', 'reconcile.load#1'],
  ['planning noted', 'commit:put run#4'],
  ['planned', 'reconcile.plan#1'],
  ['summary noted', 'commit:put run#5'],
  ['applying noted', 'commit:put run#6'],
  ['applied', 'reconcile.apply#1'],
  ['data key stored', 'commit:put-data-key put-sealed#1'],
  ['authority recorded', 'state.record#1'],
  ['role recorded', 'state.record#2'],
  ['certificate recorded', 'state.record#3'],
  ['run ended', 'commit:put run#7'],
  ['reported', 'reconcile.report#1'],
  ['conditions, commit and event written', 'commit:put source tell source.ready#1'],
  ['job finished', 'commit:finish-job#1'],
]

const crashingEntry = resolve(import.meta.dirname, 'crashing-service.ts')
const state = 'sqlite:state.db'

let git: GitServer
let names = 0
beforeAll(async () => {
  git = await startGitServer()
})
afterAll(() => git.stop())

const authorities = [
  manifest('CertificateAuthority', 'root', { type: 'root', commonName: 'Root CA', keyType: 'ec' }),
  manifest('Role', 'web', { ca: 'root', allowedDomains: ['corp.example'], allowSubdomains: true }),
].join('')
const certificate = (name: string) => manifest('Certificate', name, { role: 'web', domains: [`${name}.corp.example`] })

const sourceOf = ({ url }: ServedRepository) => ({
  ...{ name: 'infra', url, paths: ['base'], interval: '5s', autoApply: true },
})

/** Runs the service until it kills itself at the border. */
async function crashAt(
  work: Workspace,
  repository: ServedRepository,
  border: string,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  await configure(work, [sourceOf(repository)])
  let late: NodeJS.Timeout | undefined
  const ended = await work.run(['serve', '--config', 'reconciler.yaml'], {
    entry: crashingEntry,
    env: { ...env, CRASH_AT: border },
    onStart(pid) {
      late = setTimeout(() => process.kill(pid, 'SIGTERM'), 60_000)
    },
  })
  clearTimeout(late)
  expect(ended, `${border} was never passed:\n${ended.stderr}`).toMatchObject({ signal: 'SIGKILL' })
}

interface SourceView {
  readonly id: string
  readonly applied_commit?: string
  readonly conditions: readonly { type: string; status: string; reason: string }[]
}

interface Run {
  readonly id: string
  readonly state: string
  readonly summary?: Readonly<Record<string, number>>
}

async function listed<T>(service: GitopsService, path: string): Promise<readonly T[]> {
  const { data } = (await service.get(path)) as { data?: readonly T[] }
  if (!data) throw new Error(`${path} answers no list`)
  return data
}

async function onlySource(service: GitopsService): Promise<SourceView> {
  const [source, second] = await listed<SourceView>(service, '/v1/sources')
  if (!source || second) throw new Error('there is not exactly one source')
  return source
}

/** What holds after every crash, once the service has run again. */
async function expectWhole(service: GitopsService, work: Workspace, head: string): Promise<SourceView> {
  const source = await until(
    () => onlySource(service),
    view => view.applied_commit === head,
    60,
  )
  expect(source.conditions.map(({ type, status }) => `${type} ${status}`)).toEqual([
    'Ready True',
    'Stalled False',
    'Drifted False',
  ])
  const earlier = new Set((await listed<Run>(service, '/v1/runs')).map(({ id }) => id))
  await service.post(`/v1/sources/${source.id}/reconcile`)
  const runs = await until(
    () => listed<Run>(service, '/v1/runs'),
    all => all.every(run => run.state !== 'running') && all.some(run => !earlier.has(run.id)),
    60,
  )
  expect(
    runs.filter(run => run.state !== 'succeeded' && run.state !== 'interrupted'),
    'runs that ended in another way',
  ).toEqual([])
  const [last] = runs.filter(run => !earlier.has(run.id))
  const { noop = 0, ...rest } = last?.summary ?? {}
  expect([Object.values(rest).filter(count => count > 0), noop > 0], 'the plan is empty').toEqual([[], true])

  const history = JSON.parse(
    (await work.expect(0, ['state', 'history', '--json', '--limit', '5000', '--state', state])).stdout,
  ) as { address: string }[]
  const written = history.map(({ address }) => address)
  expect(written.toSorted(), 'each resource was made once').toEqual([...new Set(written)].toSorted())
  await work.expect(0, ['state', 'verify', '--state', state])
  await work.expect(0, ['audit', 'verify', '--state', state])
  return source
}

const told = async (service: GitopsService, path: string, type: string) =>
  (await listed<{ type?: string; action?: string }>(service, path)).filter(each => (each.type ?? each.action) === type)
    .length

const cases = points.flatMap(([what, span]) =>
  (['start', 'end'] as const).map(
    border => [border === 'start' ? 'before' : 'after', what, `${span}:${border}`] as const,
  ),
)

async function inFolder<T>(work: (folder: Workspace, repository: ServedRepository) => Promise<T>): Promise<T> {
  const folder = createWorkspace('gitops-crash')
  try {
    return await work(folder, await git.create(`crash-${names++}.git`))
  } finally {
    folder.remove()
  }
}

test.concurrent.each(cases)(
  'kill -9 %s: %s (%s)',
  async (_when, _what, border) =>
    inFolder(async (work, repository) => {
      const head = await repository.commit({ 'base/ca.yaml': authorities, 'base/a.yaml': certificate('a') })
      await crashAt(work, repository, border)

      const service = await startGitopsService(work, [sourceOf(repository)])
      try {
        const source = await expectWhole(service, work, head)
        const counts = await Promise.all(
          [
            ['/v1/audit?limit=100', 'certificate_issue'],
            ['/v1/audit?limit=100', 'certificate_authority_create'],
            ['/v1/audit?limit=100', 'source_create'],
            ['/v1/events?limit=100', 'certificate.issued'],
            ['/v1/events?limit=100', 'source.ready'],
          ].map(async ([path = '', type = '']) => `${type} ${await told(service, path, type)}`),
        )
        expect(counts).toEqual([
          'certificate_issue 1',
          'certificate_authority_create 1',
          'source_create 1',
          'certificate.issued 1',
          'source.ready 1',
        ])
        // What follows goes on as if nothing had been, deletions included.
        const next = await repository.commit({ 'base/ca.yaml': authorities, 'base/b.yaml': certificate('b') })
        await service.post(`/v1/sources/${source.id}/reconcile`)
        await until(
          () => onlySource(service),
          view => view.applied_commit === next,
          60,
        )
      } finally {
        await service.stop()
      }
    }),
  240_000,
)

test('the table above names every durable step and every phase', () =>
  inFolder(async (work, repository) => {
    const trace = join(work.folder, 'trace.txt')
    const head = await repository.commit({ 'base/ca.yaml': authorities, 'base/a.yaml': certificate('a') })
    const service = await startGitopsService(
      work,
      [{ ...sourceOf(repository), interval: '1h' }],
      { TRACE_TO: trace },
      { entry: crashingEntry },
    )
    const passed = () => readFileSync(trace, 'utf8').trim().split('\n')
    await until(
      async () => passed(),
      borders => borders.includes('commit:finish-job#1:end'),
    )
    expect((await onlySource(service)).applied_commit).toBe(head)
    await service.stop()
    // The job that the poll asked for finds nothing to do.
    const [first = []] = [passed().slice(0, passed().indexOf('commit:finish-job#1:end') + 1)]
    const spans = new Set(first.map(line => line.replace(/:(start|end)$/, '')))
    expect([...spans].toSorted()).toEqual(points.map(([, span]) => span).toSorted())
  }))

/** Borders in the middle of an order; `crash.test.ts` has them all. */
const orderPoints: [what: string, border: string][] = [
  ['the account is registered and not known', 'acme.new_account#1:end'],
  ['the order is made and not known', 'acme.new_order#1:end'],
  ['the first TXT is written and not known', 'dns.present#1:end'],
  ['the challenges are posted', 'acme.post_challenge#2:end'],
  ['the certificate is ordered and not fetched', 'acme.finalize#1:end'],
  ['the certificate is fetched and not recorded', 'state.record#3:start'],
  ['the certificate is recorded and its TXT still there', 'state.record#3:end'],
]

describe('a certificate of an ACME account', () => {
  let world: AcmeWorld
  beforeAll(async () => {
    world = await startAcmeWorld({ authzReuse: 0 })
  })
  afterAll(() => world.stop())

  // One after the other: the CA's own counts tell what was issued.
  test.each(orderPoints)(
    'kill -9 when %s (%s): one order, one certificate, no TXT left',
    async (_what, border) => {
      const work = createWorkspace('gitops-acme', { PDNS_API_KEY: world.dns.apiKey, TRUSTFORM_STATE: state })
      const repository = await git.create(`crash-${names++}.git`)
      const name = `c${names}.acme.example`
      const head = await repository.commit({
        'base/a.yaml': world.account() + world.dnsProvider(),
        'base/b.yaml': manifest('Certificate', 'edge', { account: 'ca', domains: [name, `*.${name}`] }),
      })
      const [accounts, issued] = [world.accounts(), world.issued()]
      try {
        await crashAt(work, repository, border)
        const service = await startGitopsService(work, [sourceOf(repository)])
        try {
          await expectWhole(service, work, head)
          expect(await told(service, '/v1/events?limit=100', 'source.ready')).toBe(1)
        } finally {
          await service.stop()
        }
        expect(world.accounts() - accounts, 'accounts registered').toBe(1)
        expect(world.issued() - issued, 'certificates issued').toBe(1)
        expect(await world.dns.txt(`_acme-challenge.${name}`), 'TXT values left').toEqual([])
        const { ok, output } = await verifyObject(work, 'Certificate/edge', await world.pebble.issuingRoot())
        expect(ok, output).toBe(true)
      } finally {
        work.remove()
      }
    },
    240_000,
  )
})
