import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type GitServer, type ServedRepository, startGitServer } from '../servers/git.ts'
import { pulumiBuildTimeout } from '../servers/pulumi-install.ts'
import { startStubResolver } from '../servers/stub-resolver.ts'
import { type AcmeWorld, startAcmeWorld } from './acme-world.ts'
import { startGitopsService, until } from './gitops-service.ts'
import { acmeAccount, certificate, dnsProvider, pki, ref, secret } from './pulumi-program.ts'
import { type PulumiProject, type PulumiWorld, startPulumiWorld } from './pulumi-world.ts'
import { manifest, type Workspace } from './workspace.ts'

let pulumi: PulumiWorld
let acme: AcmeWorld
let git: GitServer
beforeAll(async () => {
  pulumi = await startPulumiWorld('pulumi-service')
  acme = await startAcmeWorld({ nonceReject: 0 })
  git = await startGitServer()
}, pulumiBuildTimeout)
afterAll(async () => {
  await git?.stop()
  await acme?.stop()
  pulumi?.stop()
})

let work: Workspace
beforeEach(() => {
  work = acme.workspace('pulumi-service')
})
afterEach(() => work.remove())

const state = 'sqlite:state.db'

/** Everything that is listed of an object, by address. */
type Listed = Readonly<Record<string, Readonly<Record<string, unknown>>>>
async function listed(): Promise<Listed> {
  const { stdout } = await work.expect(0, ['list', '--json', '--state', state])
  const all = JSON.parse(stdout) as { address: string }[] // its own format
  return Object.fromEntries(all.map(each => [each.address, { ...each }]))
}

/** Of the source: roles of an authority of its own. */
const roles = (...names: readonly string[]) =>
  manifest('CertificateAuthority', 'git', { type: 'root', commonName: 'Git Root', keyType: 'ec' }) +
  names.map(name => manifest('Role', name, { ca: 'git', allowedDomains: [`${name}.example`] })).join('')

/**
 * The CA asks for a certificate to be replaced, and a service with a source of its own on the same state does that:
 * real, from its start until it has renewed and brought its source up to date.
 */
async function renewedByService(
  project: PulumiProject,
  name: string,
  repository: ServedRepository,
  source: string,
): Promise<string> {
  const { certificatePem, serialNumber } = (await project.recorded(name)).outputs
  const [start, end] = [-2, -1].map(hours => new Date(Date.now() + hours * 3_600_000).toISOString())
  await acme.pebble.setRenewalInfo(String(certificatePem), JSON.stringify({ suggestedWindow: { start, end } }))
  const commit = await repository.commit({ 'base/pki.yaml': source })
  const service = await startGitopsService(work, [
    { name: 'infra', url: repository.url, paths: ['base'], interval: '5s', autoApply: true },
  ])
  try {
    const applied = async () => (await service.get('/v1/sources')) as { data: { applied_commit?: string }[] }
    await until(applied, ({ data: [infra] }) => infra?.applied_commit === commit)
    const serial = async () => (await listed())[`Certificate/${name}`]?.serial
    return String(await until(serial, each => each !== serialNumber))
  } finally {
    await service.stop()
  }
}

const order = (name: string, options?: object) =>
  certificate(
    {
      ...{ role: undefined, ttl: undefined, account: ref('ca'), dnsProvider: ref('pdns') },
      domains: [`${name}.acme.example`],
    },
    options,
  )
const outside = (nameserver = acme.dns.nameserver) => ({
  ca: acmeAccount({
    provider: 'custom',
    directoryUrl: acme.pebble.directoryUrl,
    trustedRoots: acme.pebble.trustedRoots.join('\n'),
  }),
  pdns: dnsProvider({
    providerType: 'powerdns',
    credentials: { api_url: acme.dns.apiUrl, api_key: { env: 'PDNS_API_KEY' } },
    managedZones: ['**.acme.example'],
    propagation: { nameservers: [nameserver], timeout: '20s' },
  }),
})

test('a service renews what a stack owns: a refresh sees it, the next up takes it over, and nothing else is touched', async () => {
  const repository = await git.create('pki.git')
  const project = await pulumi.project('served', work)
  project.setEnvironment({ TRUSTFORM_STATE: `sqlite:${work.folder}/state.db` })
  const program = {
    ...{ ...pki, ...outside(), edge: order('edge'), api: order('api') },
    user: secret({ serial: ref('api', 'serialNumber') }),
  }
  project.declare(program, { outputs: { edge: ref('edge', 'serialNumber'), api: ref('api', 'serialNumber') } })
  await project.do('up')
  const issued = acme.issued()
  const made = await listed()
  const same = Object.fromEntries(Object.keys(program).map(name => [name, 'same'] as const))
  const serial = async (name: string) => (await project.recorded(name)).outputs.serialNumber

  // What the service did shows in a refresh without any operation, and there is nothing to do.
  const edge = await renewedByService(project, 'edge', repository, roles('first', 'second'))
  expect(await serial('edge')).not.toBe(edge)
  expect((await project.do('refresh')).steps).toEqual(same)
  expect(await serial('edge')).toBe(edge)
  expect((await project.do('up', '--expect-no-changes')).steps).toEqual(same)
  expect(await project.outputs()).toMatchObject({ edge })

  // Without a refresh it is an update, of what is remembered alone.
  const api = await renewedByService(project, 'api', repository, roles('second'))
  const takenOver = { ...same, api: 'update', user: 'update' }
  const previewed = await project.do('preview')
  expect(previewed.steps, previewed.text).toEqual(takenOver)
  expect(previewed.differing.api).toEqual(['notAfter', 'serialNumber'])
  expect(previewed.text).toContain('Certificate/api: was renewed elsewhere')
  const done = await project.do('up')
  expect(done.steps, done.text).toEqual(takenOver)
  expect(await serial('api')).toBe(api)
  expect((await project.do('up', '--expect-no-changes')).steps).toEqual(same)

  // From then on it is read before.
  const again = await renewedByService(project, 'api', repository, roles('second'))
  const read = await project.do('up')
  expect(read.steps, read.text).toEqual({ ...same, user: 'update' })
  expect(await serial('api')).toBe(again)
  expect((await project.do('up', '--expect-no-changes')).steps).toEqual(same)
  expect(await project.outputs()).toEqual({ edge, api: again })
  expect(acme.issued() - issued).toBe(3)

  // The service pruned what its own source gave up. All that is the stack's is the same object, still its own.
  const now = await listed()
  const ofSource = Object.keys(now).filter(address => now[address]?.owner === 'git:infra')
  expect(ofSource).toEqual(['CertificateAuthority/git', 'Role/second'])
  expect(Object.keys(now).filter(address => !ofSource.includes(address))).toEqual(Object.keys(made))
  const renewed = ['Certificate/edge', 'Certificate/api', 'Secret/user']
  for (const [address, before] of Object.entries(made)) {
    const { id, owner } = before
    expect(now[address], address).toMatchObject(renewed.includes(address) ? { id, owner } : before)
    expect(owner).toMatch(/^pulumi:/)
  }
  await work.expect(0, ['state', 'verify', '--state', state])
})

const orders = () => acme.pebble.output().match(/POST \/order-plz/g)?.length ?? 0

/** What an order waits for in vain, until it is ended: the nameserver that is looked at, and how it ends. */
type Obstacle = () => Promise<{
  readonly nameserver: string
  readonly begin?: () => void
  /** Names that were looked up in vain. */
  readonly asked?: readonly string[]
  readonly end: () => unknown
}>
const obstacles: [what: string, name: string, timeout: string, obstacle: Obstacle][] = [
  [
    'a CA that does not answer',
    'silent',
    '3s',
    async () => ({
      nameserver: acme.dns.nameserver,
      begin: () => process.kill(acme.pebble.pid, 'SIGSTOP'),
      end: () => process.kill(acme.pebble.pid, 'SIGCONT'),
    }),
  ],
  [
    'a challenge that nobody sees',
    'unseen',
    '8s',
    async () => {
      const { nameserver, asked, stop } = await startStubResolver({ zones: {} })
      return { nameserver, asked, end: stop }
    },
  ],
]

test.each(
  obstacles,
)('%s: a custom timeout ends the wait, and the next up goes on', async (_what, name, timeout, obstacle) => {
  const project = await pulumi.project(name, work)
  const { nameserver, begin, asked, end } = await obstacle()
  const [accounts, issued, ordered] = [acme.accounts(), acme.issued(), orders()]
  const challenge = `_acme-challenge.${name}.acme.example`
  try {
    const base = outside(nameserver)
    project.declare(base)
    await project.do('up')
    begin?.()
    project.declare({ ...base, web: order(name, { customTimeouts: { create: timeout } }) })
    const { text } = await project.refused('up', '--target', project.urn('Certificate', 'web'))
    expect(text).toContain(`this was not done within its custom timeout of ${timeout.replace('s', ' s')}`)
    expect(text).toContain('remedy: run `pulumi up` again, which goes on from where it is')
    expect(text).not.toContain('a bug in')
    if (asked) expect(asked).toContain(`${challenge} TXT`)
  } finally {
    await end()
  }
  expect(await acme.dns.txt(challenge)).toEqual([])
  expect(await project.demand('stack', 'export')).not.toContain('"pending_operations"')
  project.declare({ ...outside(), web: order(name) })
  const pdns = nameserver === acme.dns.nameserver ? 'same' : 'update'
  expect((await project.do('up')).steps).toEqual({ ca: 'same', pdns, web: 'create' })
  expect((await project.do('up', '--expect-no-changes')).steps).toEqual({ ca: 'same', pdns: 'same', web: 'same' })
  expect([acme.accounts() - accounts, orders() - ordered, acme.issued() - issued]).toEqual([1, 1, 1])
  expect(await acme.dns.txt(challenge)).toEqual([])
  expect(pulumi.plugins()).toEqual([])
})
