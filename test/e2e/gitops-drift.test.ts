import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { deactivateAccount } from '../../engine/acme/account.ts'
import { openSigningKey } from '../../engine/acme/jws.ts'
import { revokeCertificate } from '../../engine/acme/revocation.ts'
import { atAccount, signIn } from '../../engine/acme/session.ts'
import { openSession } from '../../engine/composition/session.ts'
import { createEngine, openStore } from '../../engine/index.ts'
import { parseCertificate } from '../../engine/x509/certificate.ts'
import type { SourceSpec } from '../../reconciler/sources/source.ts'
import { clientOf } from '../servers/acme-client.ts'
import { type GitServer, type ServedRepository, startGitServer } from '../servers/git.ts'
import { type OcspResponder, startOcspResponder } from '../servers/ocsp.ts'
import { type AcmeWorld, startAcmeWorld } from './acme-world.ts'
import { until } from './gitops-service.ts'
import { type ServiceInProcess, startInProcess } from './service-in-process.ts'
import { manifest, type Workspace } from './workspace.ts'

interface SourceView {
  readonly id: string
  readonly applied_commit?: string
  readonly conditions: readonly { type: string; status: string; reason: string; message: string }[]
}

let git: GitServer
let ocsp: OcspResponder
let world: AcmeWorld
beforeAll(async () => {
  git = await startGitServer()
  ocsp = await startOcspResponder()
  // Every name in a zone of its own, so that one test takes away nothing from another.
  const zones = ['acme.example', 'gone.acme.example']
  world = await startAcmeWorld({ nonceReject: 0, authzReuse: 0, ocsp: ocsp.url, zones })
  await ocsp.serve(world.pebble)
})
afterAll(async () => {
  await world.stop()
  await ocsp.stop()
  await git.stop()
})

let names = 0
let work: Workspace
let repository: ServedRepository
let service: ServiceInProcess | undefined
beforeEach(async () => {
  work = world.workspace('drift')
  repository = await git.create(`drift-${names++}.git`)
})
afterEach(async () => {
  await service?.stop()
  service = undefined
  work.remove()
})

const certificate = (name = 'web') =>
  manifest('Certificate', name, { account: 'ca', domains: [`${name}.acme.example`], challengeType: 'dns-01' })

async function start(drift: SourceSpec['drift'], driftInterval?: number): Promise<ServiceInProcess> {
  const spec: SourceSpec = {
    ...{ name: 'infra', url: repository.url, branch: 'main', paths: ['base'], interval: 3600 },
    ...{ autoApply: true, adopt: false, drift, tenant: 'default' },
  }
  const sources = [{ spec, suspended: false }]
  service = await startInProcess(work, { sources, ...(driftInterval !== undefined && { driftInterval }) })
  return service
}

/** The service on a repository that holds these manifests, once they are applied. */
async function settled(
  drift: SourceSpec['drift'],
  manifests: string,
  driftInterval?: number,
): Promise<ServiceInProcess> {
  work.write('base/pki.yaml', manifests)
  const commit = await repository.commit({ 'base/pki.yaml': manifests })
  const running = await start(drift, driftInterval)
  await until(source, view => view.applied_commit === commit, 60)
  expect(drifted(await source()), 'nothing has changed yet').toMatchObject({ status: 'False', reason: 'InSync' })
  return running
}

async function source(): Promise<SourceView> {
  const { data } = (await service?.json('/v1/sources')) as { data: SourceView[] }
  const [first] = data
  if (!first) throw new Error('the source is not listed')
  return first
}
const drifted = ({ conditions }: SourceView) => conditions.find(({ type }) => type === 'Drifted')
const ready = ({ conditions }: SourceView) => conditions.find(({ type }) => type === 'Ready')

/** Asks for a look, and waits until a run that began after this has ended. */
async function look(): Promise<SourceView> {
  const { id } = await source()
  const runs = async () =>
    ((await service?.json('/v1/runs?limit=100')) as { data: { id: string; state: string }[] }).data
  const before = (await runs()).length
  expect(await service?.post(`/v1/sources/${id}/reconcile`)).toBe(202)
  await until(runs, all => all.length > before && all.every(({ state }) => state !== 'running'), 60)
  return source()
}

const gauge = async () =>
  Number(
    /^trustform_drift\{tenant="default",source="infra"\} (\d+)$/m.exec((await service?.text('/metrics')) ?? '')?.[1],
  )

/** As whoever works at the command line sees it, with the service's own name for what it owns. */
async function planned(): Promise<{
  drift: { address: string; diffs: { path: string; after: unknown }[] }[]
  text: string
}> {
  const args = ['plan', '-f', 'base', '--state', 'sqlite:state.db', '--adopt']
  const { stdout } = await work.run([...args, '--json'])
  return { ...JSON.parse(stdout), text: (await work.run(args)).stdout }
}

const serialOf = async (name = 'web') => {
  const { stdout } = await work.expect(0, [
    'get',
    `Certificate/${name}`,
    '--format',
    'pem',
    '--state',
    'sqlite:state.db',
  ])
  return parseCertificate(stdout).serialHex
}

/** The account's own key, as somebody else who holds it. */
async function account() {
  const engine = await createEngine({ state: `sqlite:${work.folder}/state.db`, env: work.env })
  const recorded = (await engine.snapshot()).resources.find(({ address }) => address === 'AcmeAccount/ca')
  await engine.close()
  if (!recorded) throw new Error('the account is not recorded')
  const session = await openSession({ state: `sqlite:${work.folder}/state.db`, env: work.env })
  const key = await session.unseal(`${recorded.id}!key`)
  await session.close()
  if (!key) throw new Error('the account has no key')
  return atAccount(signIn(clientOf(world.pebble), await openSigningKey(key)), String(recorded.status.url))
}

async function revokeElsewhere(): Promise<void> {
  const { stdout } = await work.expect(0, ['get', 'Certificate/web', '--format', 'pem', '--state', 'sqlite:state.db'])
  await revokeCertificate({ account: await account() }, parseCertificate(stdout).der, 'superseded')
}

const everything = () => world.account('ca') + world.dnsProvider() + certificate()

interface Case {
  readonly what: string
  readonly change: () => Promise<void>
  readonly undo?: () => Promise<void>
  readonly address: string
  readonly says: string
  /** What tells an old thing from its successor. */
  readonly version: () => Promise<string>
}
const healable: readonly Case[] = [
  {
    what: 'a certificate that was revoked elsewhere',
    change: revokeElsewhere,
    address: 'Certificate/web',
    says: 'status is revoked, was valid',
    version: serialOf,
  },
  {
    what: 'an account that was deactivated elsewhere',
    change: async () => deactivateAccount(await account()),
    address: 'AcmeAccount/ca',
    says: 'status is deactivated, was valid',
    version: async () => (await account()).accountUrl,
  },
]

describe.each(healable)('$what', ({ change, address, says, version }) => {
  test.each(['detect', 'report'] as const)('is shown everywhere and left as it is by `drift: %s`', async drift => {
    const running = await settled(drift, everything())
    const before = await version()
    expect(await gauge()).toBe(0)
    await change()

    const view = await look()
    expect(drifted(view)).toMatchObject({ status: 'True', reason: 'DriftDetected', message: `${address}: ${says}` })
    expect(ready(view), 'the commit is applied all the same').toMatchObject({ status: 'True' })
    expect(await gauge()).toBe(1)
    expect(await running.text('/')).toContain(`Drifted: ${address}: ${says}`)
    const told = await running.events('source.drifted')
    expect(told).toMatchObject([{ subject: view.id, data: { name: 'infra', message: `${address}: ${says}` } }])
    const plan = await planned()
    expect(plan.drift.map(each => each.address)).toEqual([address])
    expect(plan.text).toContain('Changed outside since the last apply')
    expect(plan.text).toContain(address)

    expect(drifted(await look()), 'a second look changes nothing').toMatchObject({ status: 'True' })
    expect(await running.events('source.drifted'), 'and says nothing new').toHaveLength(1)
    expect(await version()).toBe(before)
  })

  test('is mended by `drift: heal`, and told', async () => {
    const running = await settled('heal', everything())
    const before = await version()
    await change()
    const view = await look()
    expect(drifted(view)).toMatchObject({ status: 'False', reason: 'InSync' })
    expect(await gauge()).toBe(0)
    expect(await version()).not.toBe(before)
    expect(await running.events('source.drifted')).toMatchObject([
      { data: { reason: 'DriftHealed', message: `${address}: ${says}` } },
    ])
    expect((await planned()).drift).toEqual([])
    expect(drifted(await look()), 'and stays so').toMatchObject({ status: 'False' })
  })
})

const unhealable: readonly Case[] = [
  {
    what: 'credentials that a DNS provider no longer takes',
    change: () => world.dns.changeApiKey(randomBytes(8).toString('hex')),
    undo: () => world.dns.changeApiKey(world.dns.apiKey),
    address: 'DnsProvider/pdns',
    says: 'credentials is refused, was accepted',
    version: serialOf,
  },
  {
    what: 'a zone that is gone',
    change: async () => {
      await world.dns.api('DELETE', '/zones/acme.example.')
    },
    undo: () => world.dns.createZone('acme.example'),
    address: 'DnsProvider/pdns',
    says: 'zones acme.example is gone, was served',
    version: serialOf,
  },
]

describe.each(unhealable)('$what', ({ change, undo, address, says, version }) => {
  test.each([
    'detect',
    'heal',
  ] as const)('is shown by `drift: %s`, which breaks nothing, until somebody mends it', async drift => {
    const running = await settled(drift, everything())
    const before = await version()
    await change()
    try {
      const view = await look()
      expect(drifted(view)).toMatchObject({ status: 'True', message: `${address}: ${says}` })
      expect(ready(view)).toMatchObject({ status: 'True' })
      expect(await gauge()).toBe(1)
      expect(await running.events('source.drifted')).toHaveLength(1)
      expect((await planned()).drift.map(each => each.address)).toEqual([address])
      expect(await version()).toBe(before)
    } finally {
      await undo?.()
    }
    expect(drifted(await look())).toMatchObject({ status: 'False', reason: 'InSync' })
    expect(await gauge()).toBe(0)
  })
})

test('what is new on an account that is dead and left so is refused with its name', async () => {
  await settled('report', everything())
  await deactivateAccount(await account())
  await repository.commit({ 'base/pki.yaml': everything() + certificate('second') })
  const view = await look()
  expect(ready(view)).toMatchObject({ status: 'False', message: expect.stringContaining('AcmeAccount/ca') })
  expect(ready(view)?.message).toContain('deactivated')
  expect(drifted(view), 'drift is told although the rest fails').toMatchObject({ status: 'True' })
})

test('it is looked for without being asked', async () => {
  const running = await settled('report', everything(), 2)
  await deactivateAccount(await account())
  await until(source, view => drifted(view)?.status === 'True', 30)
  expect(await running.events('source.drifted')).toHaveLength(1)
})

test('what is taken out of the state is no drift: the configuration lacks it, and it is made again', async () => {
  const authorities = [
    manifest('CertificateAuthority', 'root', { type: 'root', commonName: 'Root CA', keyType: 'ec' }),
    manifest('Role', 'web', { ca: 'root', allowedDomains: ['corp.example'], allowSubdomains: true }),
    manifest('Certificate', 'inner', { role: 'web', domains: ['inner.corp.example'] }),
  ].join('')
  const running = await settled('report', authorities)
  await work.expect(0, ['state', 'rm', 'Certificate/inner', '--state', 'sqlite:state.db'])
  const view = await look()
  expect(drifted(view)).toMatchObject({ status: 'False' })
  expect(ready(view)?.message).toMatch(/^applied 1 change/)
  await serialOf('inner')
  const store = await openStore(`sqlite:${work.folder}/state.db`)
  expect(await store.verify('default')).toEqual([])
  await store.close()
  expect(await running.events('source.drifted')).toEqual([])
})
