import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { startPebble } from '../servers/pebble.ts'
import { freePort } from '../servers/process.ts'
import { pulumiBuildTimeout } from '../servers/pulumi-install.ts'
import { type StubResolver, startStubResolver } from '../servers/stub-resolver.ts'
import { type AcmeWorld, startAcmeWorld } from './acme-world.ts'
import { verifyPems } from './openssl.ts'
import { acmeAccount, certificate, dnsProvider, ref } from './pulumi-program.ts'
import { type Declarations, type PulumiProject, type PulumiWorld, startPulumiWorld } from './pulumi-world.ts'
import type { Workspace } from './workspace.ts'

let pulumi: PulumiWorld
let acme: AcmeWorld
let httpPort: number
/** A nameserver that shows no challenge, for whoever is to wait. */
let resolver: StubResolver
beforeAll(async () => {
  pulumi = await startPulumiWorld('pulumi-acme')
  httpPort = await freePort()
  acme = await startAcmeWorld({ authzReuse: 0, httpPort })
}, pulumiBuildTimeout)
afterAll(async () => {
  await acme?.stop()
  pulumi?.stop()
})

let work: Workspace
beforeEach(async () => {
  work = acme.workspace('pulumi-acme')
  resolver = await startStubResolver({ zones: {} })
})
afterEach(async () => {
  await resolver.stop()
  work.remove()
})

const account = (more: object = {}) =>
  acmeAccount({
    provider: 'custom',
    directoryUrl: acme.pebble.directoryUrl,
    trustedRoots: acme.pebble.trustedRoots.join('\n'),
    email: 'certs@acme.example',
    ...more,
  })
const powerDns = (apiKey: object, more: object = {}, nameserver = acme.dns.nameserver) =>
  dnsProvider({
    providerType: 'powerdns',
    credentials: { api_url: acme.dns.apiUrl, api_key: apiKey, ...more },
    managedZones: ['**.acme.example'],
    propagation: { nameservers: [nameserver], timeout: '20s' },
  })
const order = (name: string, more: object = {}) =>
  certificate({
    role: undefined,
    ttl: undefined,
    account: ref('ca'),
    dnsProvider: ref('pdns'),
    domains: [`${name}.acme.example`, `*.${name}.acme.example`],
    exportPrivateKey: true,
    ...more,
  })
const secretKey = () => ({ 'fn::secret': acme.dns.apiKey })
const outputs = { leaf: ref('web', 'certificatePem'), chain: ref('web', 'chainPem'), key: ref('web', 'privateKeyPem') }

async function verified(project: PulumiProject) {
  const { leaf, chain, key } = (await project.outputs()) as Record<string, string> // declared above
  const pems = { leaf: leaf ?? '', chain: chain ?? '', key: key ?? '', root: await acme.pebble.issuingRoot() }
  const { ok, output, text } = verifyPems(work.folder, pems)
  expect(ok, output).toBe(true)
  return text
}

test('an account, a DNS provider and a certificate: made, left alone, changed, and destroyed in order', async () => {
  const project = await pulumi.project('acme', work)
  const [accounts, issued] = [acme.accounts(), acme.issued()]
  const program = { ca: account(), pdns: powerDns(secretKey()), web: order('web') }
  project.declare(program, { outputs })
  expect((await project.do('preview')).steps).toEqual({ ca: 'create', pdns: 'create', web: 'create' })
  expect([acme.accounts(), acme.issued()]).toEqual([accounts, issued])
  await project.do('up')
  const same = { ca: 'same', pdns: 'same', web: 'same' }
  expect((await project.do('up')).steps).toEqual(same)
  expect((await project.do('up', '--refresh', '--expect-no-changes')).steps).toEqual(same)
  expect([acme.accounts() - accounts, acme.issued() - issued]).toEqual([1, 1])
  expect(await verified(project)).toContain('DNS:*.web.acme.example')

  // A credential that does not work is told before anything is done, one that does is a change in place, and the same
  // one from elsewhere is none.
  const wrong = 'canary-wrong-key-4f1c'
  project.declare({ ...program, pdns: powerDns({ 'fn::secret': wrong }) }, { outputs })
  const refused = await project.refused('preview')
  expect(refused.text).toMatch(/DnsProvider\/pdns: .*\s+remedy: /)
  expect(refused.text).not.toContain(wrong)
  const pdns = powerDns({ env: 'PDNS_API_KEY' }, { api_url: `${acme.dns.apiUrl}/` })
  const byReference: Declarations = { ...program, pdns }
  project.declare(byReference, { outputs })
  const previewed = await project.do('preview')
  expect(previewed.steps).toEqual({ ...same, pdns: 'update' })
  expect(previewed.differing.pdns).toEqual(['credentials.api_url'])
  expect((await project.do('up')).steps).toEqual({ ...same, pdns: 'update' })
  expect(acme.issued() - issued).toBe(1)
  expect(await project.demand('stack', 'export', '--show-secrets')).not.toContain(acme.dns.apiKey)

  // One more name is one more order, for the same object.
  const before = await project.recorded('web')
  project.declare({ ...byReference, web: order('web', { domains: ['web.acme.example'] }) }, { outputs })
  expect((await project.do('up')).steps).toEqual({ ...same, web: 'update' })
  const after = await project.recorded('web')
  expect([after.id, acme.issued() - issued]).toEqual([before.id, 2])
  expect(after.outputs.serialNumber).not.toBe(before.outputs.serialNumber)
  expect(await verified(project)).not.toContain('*.web.acme.example')

  expect((await project.refused('destroy')).text).toMatch(/AcmeAccount\/ca: .*\s+remedy: .*allowDestroy/)
  project.declare({ ca: account({ allowDestroy: true }), pdns, web: order('web') })
  await project.do('up')
  const destroyed = await project.do('destroy')
  expect(Object.entries(destroyed.steps)[0]).toEqual(['web', 'delete'])
  expect(destroyed.steps).toEqual({ web: 'delete', ca: 'delete', pdns: 'delete' })
  expect(await acme.dns.txt('_acme-challenge.web.acme.example')).toEqual([])
  expect(JSON.parse((await work.expect(0, ['list', '--json'])).stdout)).toEqual([])
})

test('a certificate by http-01 is answered where the configuration says', async () => {
  const project = await pulumi.project('http', work)
  await acme.dns.setRecords('acme.example', 'plain.acme.example', 'A', ['127.0.0.1'])
  const web = certificate({
    role: undefined,
    ttl: undefined,
    account: ref('ca'),
    challengeType: 'http-01',
    domains: ['plain.acme.example'],
    exportPrivateKey: true,
  })
  project.declare({ ca: account(), web }, { outputs })
  await project.demand('config', 'set', 'trustform:http01Listen', 'nowhere')
  expect((await project.refused('preview')).text).toContain('http01Listen is not HOST:PORT or :PORT')
  await project.demand('config', 'set', 'trustform:http01Listen', `127.0.0.1:${httpPort}`)
  await project.do('up')
  expect((await project.do('up', '--expect-no-changes')).steps).toEqual({ ca: 'same', web: 'same' })
  expect(await verified(project)).toContain('DNS:plain.acme.example')
})

test('another ACME server is another account, which needs a word', async () => {
  const other = await startPebble({ dnsServer: acme.dns.nameserver })
  try {
    const project = await pulumi.project('directory', work)
    const program = { pdns: powerDns(secretKey()), web: order('moved', { domains: ['moved.acme.example'] }) }
    project.declare({ ...program, ca: account() }, { outputs })
    await project.do('up')
    const before = await project.recorded('ca')
    const elsewhere = { directoryUrl: other.directoryUrl, trustedRoots: other.trustedRoots.join('\n') }
    project.declare({ ...program, ca: account(elsewhere) }, { outputs })
    expect((await project.refused('preview')).text).toMatch(
      /replacing an? AcmeAccount needs an explicit word\s+remedy: /,
    )
    project.declare({ ...program, ca: account({ ...elsewhere, allowDestroy: true }) }, { outputs })
    const { steps } = await project.do('preview')
    expect(steps).toMatchObject({ ca: 'replace', pdns: 'same' })
    expect((await project.do('up')).steps).toEqual(steps)
    expect((await project.recorded('ca')).id).not.toBe(before.id)
    await project.do('preview', '--expect-no-changes')
  } finally {
    await other.stop()
  }
})

const interruptions: [what: string, name: string, interrupt: (cli: number, plugins: readonly number[]) => void][] = [
  ['Ctrl-C', 'sigint', cli => process.kill(cli, 'SIGINT')],
  ['kill -9 of the CLI', 'killed-cli', cli => process.kill(cli, 'SIGKILL')],
  [
    'kill -9 of the provider',
    'killed-plugin',
    (_cli, plugins) => {
      for (const pid of plugins) process.kill(pid, 'SIGKILL')
    },
  ],
]
test.each(interruptions)('%s during an order: the next up goes on with it', async (_what, name, interrupt) => {
  const project = await pulumi.project(name, work)
  const [accounts, issued] = [acme.accounts(), acme.issued()]
  const challenge = `_acme-challenge.${name}.acme.example`
  const declare = (nameserver: string) =>
    project.declare({ ca: account(), pdns: powerDns(secretKey(), {}, nameserver), web: order(name) }, { outputs })
  declare(resolver.nameserver)
  const running = project.start('up')
  // Records are written, and nobody can see them yet.
  while (!resolver.asked.includes(`${challenge} TXT`)) {
    if (running.output().includes('error:')) throw new Error(running.output())
    await pause(20)
  }
  expect(await acme.dns.txt(challenge)).not.toEqual([])
  interrupt(running.pid, pulumi.plugins())
  const { code } = await running.finished
  expect(code).not.toBe(0)
  while (pulumi.plugins().length > 0) await pause(20)

  declare(acme.dns.nameserver)
  if (name === 'killed-cli') await project.demand('cancel', '--yes')
  const done = await project.do('up')
  expect(done.steps).toEqual({ ca: 'same', pdns: 'update', web: 'create' })
  expect((await project.do('up')).steps).toEqual({ ca: 'same', pdns: 'same', web: 'same' })
  expect([acme.accounts() - accounts, acme.issued() - issued]).toEqual([1, 1])
  expect(await acme.dns.txt(challenge)).toEqual([])
  await verified(project)
  await work.expect(0, ['state', 'verify'])
  // Pulumi warns of what it was creating until it is told that this is settled.
  if (name === 'killed-cli') await project.do('refresh', '--clear-pending-creates')
  expect(await project.demand('stack', 'export')).not.toContain('"pending_operations"')
  expect(pulumi.plugins()).toEqual([])
})
