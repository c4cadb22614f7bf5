import { createPrivateKey } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { signingKey } from '../../engine/acme/jws.ts'
import { revokeCertificate } from '../../engine/acme/revocation.ts'
import { parseCertificate } from '../../engine/x509/certificate.ts'
import { freshSession } from '../servers/acme-client.ts'
import { startOcspResponder } from '../servers/ocsp.ts'
import { pulumiBuildTimeout } from '../servers/pulumi-install.ts'
import { startAcmeWorld } from './acme-world.ts'
import { acmeAccount, certificate, dnsProvider, pki, ref, role, rootCa, secret } from './pulumi-program.ts'
import { type PulumiProject, type PulumiWorld, startPulumiWorld } from './pulumi-world.ts'
import { manifest, type Workspace } from './workspace.ts'

let world: PulumiWorld
beforeAll(async () => {
  world = await startPulumiWorld('pulumi-drift')
}, pulumiBuildTimeout)
afterAll(() => world?.stop())

const user = secret({ root: ref('web', 'rootPem') })
const same = { root: 'same', servers: 'same', web: 'same', user: 'same' }
const outputsOf = async (project: PulumiProject, name = 'web') => (await project.recorded(name)).outputs

interface Listed {
  readonly address: string
  readonly id: string
  readonly owner: string
  readonly serial: string | null
}
async function listed(work: Workspace): Promise<Readonly<Record<string, Listed>>> {
  const all = JSON.parse((await work.expect(0, ['list', '--json'])).stdout) as Listed[] // its own format
  return Object.fromEntries(all.map(each => [each.address, each]))
}

test('what was renewed elsewhere is taken over by a refresh, or by the next up', async () => {
  const project = await world.project('renewed')
  const outputs = { serial: ref('web', 'serialNumber') }
  project.declare({ ...pki, user }, { outputs })
  await project.do('up')
  const takenOver = { ...same, web: 'update' }
  const rounds = [
    ['refresh', takenOver, same],
    // From here on it is read before: others renew it.
    ['up', same, same],
    ['refresh', same, same],
  ] as const
  for (const [command, foreseen, done] of rounds) {
    const before = await outputsOf(project)
    await project.work.expect(0, ['renew', 'Certificate/web', '--force'])
    const renewed = (await listed(project.work))['Certificate/web']?.serial
    expect(renewed).not.toBe(before.serialNumber)
    const preview = await project.do('preview')
    expect(preview.steps).toEqual(foreseen)
    if (foreseen === takenOver) expect(preview.text).toContain('Certificate/web: was renewed elsewhere')
    expect((await project.do(command)).steps).toEqual(done)
    expect((await outputsOf(project)).serialNumber).toBe(renewed)
    await project.do('up', '--expect-no-changes')
    expect(await project.outputs()).toEqual({ serial: renewed })
  }
})

test('a certificate that becomes due is shown by a preview and renewed by up', async () => {
  const project = await world.project('due')
  // Due three seconds after it was issued.
  project.declare({ ...pki, web: certificate({ ttl: '1h', renewBefore: '59m57s' }), user })
  await project.do('up')
  const before = await outputsOf(project)
  while (Date.now() < Date.parse(String(before.renewAt))) await pause(50)
  const { steps, text } = await project.do('preview')
  expect(steps).toEqual({ ...same, web: 'update' })
  expect(text).toContain('Certificate/web: is renewed: due since ')
  expect((await project.do('up')).steps).toEqual({ ...same, web: 'update' })
  const after = await outputsOf(project)
  expect(after.serialNumber).not.toBe(before.serialNumber)
  expect(after.rootPem).toBe(before.rootPem)

  project.declare({ ...pki, web: certificate({ ttl: '1h', renewBefore: '59m57s', autoRenew: false }), user })
  await project.do('up')
  const { notBefore } = await outputsOf(project)
  while (Date.now() < Date.parse(String(notBefore)) + 5000) await pause(50)
  expect((await project.do('preview')).steps).toEqual(same)
})

test('a certificate that was revoked elsewhere is seen by a refresh and ordered again', async () => {
  const ocsp = await startOcspResponder()
  const acme = await startAcmeWorld({ nonceReject: 0, ocsp: ocsp.url })
  const work = acme.workspace('pulumi-revoked')
  try {
    await ocsp.serve(acme.pebble)
    const project = await world.project('revoked', work)
    const { directoryUrl, trustedRoots } = acme.pebble
    project.declare({
      ca: acmeAccount({ provider: 'custom', directoryUrl, trustedRoots: trustedRoots.join('\n') }),
      pdns: dnsProvider({
        providerType: 'powerdns',
        credentials: { api_url: acme.dns.apiUrl, api_key: { env: 'PDNS_API_KEY' } },
        managedZones: ['**.acme.example'],
        propagation: { nameservers: [acme.dns.nameserver], timeout: '20s' },
      }),
      web: certificate({
        ...{ role: undefined, ttl: undefined, account: ref('ca'), dnsProvider: ref('pdns') },
        exportPrivateKey: true,
      }),
    })
    await project.do('up')
    const before = await outputsOf(project)
    const { stdout: key } = await work.expect(0, ['get', 'Certificate/web', '--format', 'key'])
    const leaf = parseCertificate(String(before.certificatePem)).der
    const certificateKey = await signingKey(createPrivateKey(key))
    await revokeCertificate({ server: await freshSession(acme.pebble), certificateKey }, leaf, 'keyCompromise')

    const settled = { ca: 'same', pdns: 'same', web: 'same' }
    await project.do('refresh')
    expect((await outputsOf(project)).revokedAt).toEqual(expect.any(String))
    const { steps, text } = await project.do('preview')
    expect(steps, text).toEqual({ ...settled, web: 'update' })
    expect(text).toMatch(/Certificate\/web: is .*revoked/)
    expect((await project.do('up')).steps).toEqual({ ...settled, web: 'update' })
    const after = await outputsOf(project)
    expect(after.serialNumber).not.toBe(before.serialNumber)
    expect(after.revokedAt).toBeUndefined()
    expect((await project.do('up', '--refresh')).steps).toEqual(settled)
  } finally {
    work.remove()
    await acme.stop()
    await ocsp.stop()
  }
})

const manifests = (maxTtl: string) =>
  manifest('CertificateAuthority', 'root', { type: 'root', commonName: 'Acme Root', keyType: 'ec' }) +
  manifest('Role', 'servers', { ca: 'root', allowedDomains: ['acme.example'], allowSubdomains: true, maxTtl }) +
  manifest('Certificate', 'web', { role: 'servers', domains: ['web.acme.example'], ttl: '30d' })

test('what the command line made is imported by id and by name, and taken over only when asked', async () => {
  const project = await world.project('imported')
  const { work } = project
  work.write('pki.yaml', manifests('90d'))
  await work.expect(0, ['apply', '-f', 'pki.yaml', '--yes'])
  const before = await listed(work)
  const steps = { root: 'same', servers: 'same', web: 'same' }

  project.declare(pki)
  expect((await project.refused('preview')).text).toMatch(/is owned by cli\s+remedy: .*adopt: true/)
  project.declare({})
  const id = before['Role/servers']?.id ?? ''
  for (const [kind, name, key] of [
    ['CertificateAuthority', 'root', 'root'],
    ['Role', 'servers', id],
    ['Certificate', 'web', 'web'],
  ] as const) {
    const { text } = await project.do('import', `trustform:index:${kind}`, name, key, '--protect=false')
    expect(text).toContain(`${kind}/${name} is owned by cli`)
  }
  expect((await project.recorded('web')).id).toBe(before['Certificate/web']?.id)
  project.declare(pki)
  expect((await project.do('up', '--expect-no-changes')).steps).toEqual(steps)

  // Looked at, and not its own: it neither changes nor goes.
  expect((await listed(work))['Role/servers']?.owner).toBe('cli')
  project.declare({ ...pki, servers: role({ maxTtl: '80d' }) })
  expect((await project.refused('up')).text).toMatch(/Role\/servers is owned by cli\s+remedy: .*adopt: true/)
  const target = ['--target', project.urn('Certificate', 'web')]
  expect((await project.do('destroy', ...target)).text).toContain('Certificate/web stays, because cli owns it')
  expect((await listed(work))['Certificate/web']).toMatchObject({ owner: 'cli', id: before['Certificate/web']?.id })
  await project.do('import', 'trustform:index:Certificate', 'web', 'web', '--protect=false')

  const adopting = {
    root: rootCa({ adopt: true }),
    servers: role({ adopt: true, maxTtl: '80d' }),
    web: certificate({ adopt: true }),
  }
  project.declare(adopting)
  expect((await project.do('preview')).steps).toEqual({ root: 'update', servers: 'update', web: 'update' })
  await project.do('up')
  await project.do('preview', '--expect-no-changes')
  const after = await listed(work)
  expect(Object.values(after).map(({ owner }) => owner)).toEqual([
    'pulumi:imported/dev',
    'pulumi:imported/dev',
    'pulumi:imported/dev',
  ])
  expect(after['Certificate/web']).toMatchObject({ serial: before['Certificate/web']?.serial })
  expect((await work.expect(3, ['plan', '-f', 'pki.yaml'])).stdout).toContain('pulumi:imported/dev')
  // Taken over once, it needs no word for it any more.
  project.declare({ ...pki, servers: role({ maxTtl: '80d' }) })
  expect((await project.do('up')).steps).toEqual(steps)
  expect((await project.refused('import', 'trustform:index:Role', 'none', 'none')).text).toMatch(
    /does not exist|not found/,
  )
})

test('what the command line made is taken over without an import', async () => {
  const project = await world.project('adopted')
  project.work.write('pki.yaml', manifests('90d'))
  await project.work.expect(0, ['apply', '-f', 'pki.yaml', '--yes'])
  const before = await listed(project.work)
  project.declare({
    root: rootCa({ adopt: true }),
    servers: role({ adopt: true }),
    web: certificate({ adopt: true }),
  })
  expect((await project.do('up')).steps).toEqual({ root: 'create', servers: 'create', web: 'create' })
  const after = await listed(project.work)
  for (const address of Object.keys(before)) {
    const { id, serial } = before[address] ?? {}
    expect(after[address]).toMatchObject({ id, serial, owner: 'pulumi:adopted/dev' })
  }
})

test('two stacks of one name on one state: each has its own, and reads what the other has', async () => {
  const platform = await world.project('platform')
  platform.declare({ root: rootCa(), servers: role() })
  await platform.do('up')
  const shop = await world.project('shop', platform.work)
  shop.declare({ web: certificate({ role: 'servers' }) })
  await shop.do('up')
  const owners = async () =>
    Object.fromEntries(Object.values(await listed(platform.work)).map(({ address, owner }) => [address, owner]))
  expect(await owners()).toEqual({
    'CertificateAuthority/root': 'pulumi:platform/dev',
    'Role/servers': 'pulumi:platform/dev',
    'Certificate/web': 'pulumi:shop/dev',
  })
  expect((await platform.do('up')).steps).toEqual({ root: 'same', servers: 'same' })

  shop.declare({ web: certificate({ role: 'servers' }), servers: role({ ca: 'root' }) })
  expect((await shop.refused('preview')).text).toMatch(
    /Role\/servers is owned by pulumi:platform\/dev\s+remedy: .*adopt: true/,
  )
  // A role on which another stack's certificate stands is not deleted under it.
  expect((await platform.refused('destroy', '--target', platform.urn('Role', 'servers'))).text).toContain(
    'Certificate/web',
  )
  shop.declare({ web: certificate({ role: 'servers' }) })
  await shop.do('destroy')
  await platform.do('destroy', '--target', platform.urn('Role', 'servers'))
  expect(await owners()).toEqual({ 'CertificateAuthority/root': 'pulumi:platform/dev' })

  // Both at a time: they wait for each other.
  const more = (names: string[]) => Object.fromEntries(names.map(name => [name, rootCa({ commonName: name })] as const))
  platform.declare({ root: rootCa(), ...more(['a', 'b', 'c']) })
  shop.declare(more(['d', 'e', 'f']))
  const done = await Promise.all([platform.do('up'), shop.do('up')])
  expect(done.map(({ steps }) => Object.values(steps).filter(step => step === 'create').length)).toEqual([3, 3])
  await platform.work.expect(0, ['state', 'verify'])
})
