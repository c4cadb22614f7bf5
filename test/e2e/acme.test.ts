import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startBind } from '../servers/bind.ts'
import { freePort } from '../servers/process.ts'
import { startStubResolver } from '../servers/stub-resolver.ts'
import { type AcmeWorld, applyAndSettle, expectNothingToDo, startAcmeWorld } from './acme-world.ts'
import { verifyObject } from './openssl.ts'
import { manifest, type Workspace } from './workspace.ts'

const challenge = '_acme-challenge.acme.example'

describe('an ACME certificate', () => {
  let world: AcmeWorld
  let httpPort: number
  beforeAll(async () => {
    httpPort = await freePort()
    world = await startAcmeWorld({ httpPort })
  })
  afterAll(() => world.stop())

  async function inWorkspace(name: string, work: (work: Workspace) => Promise<void>): Promise<void> {
    const workspace = world.workspace(name)
    try {
      await work(workspace)
    } finally {
      workspace.remove()
    }
  }

  test('for a wildcard and its apex comes through PowerDNS and leaves no TXT record', () =>
    inWorkspace('wildcard', async work => {
      work.write('a.yaml', world.account() + world.dnsProvider())
      work.write(
        'b.yaml',
        manifest('Certificate', 'edge', { account: 'ca', domains: ['acme.example', '*.acme.example'] }),
      )
      await applyAndSettle(work)
      const { ok, output, text } = await verifyObject(work, 'Certificate/edge', await world.pebble.issuingRoot())
      expect(output).toContain('OK')
      expect(ok).toBe(true)
      expect(text).toContain('DNS:acme.example')
      expect(text).toContain('DNS:*.acme.example')
      expect(await world.dns.txt(challenge)).toEqual([])
    }))

  test('leaves a TXT value of somebody else at the same name alone', () =>
    inWorkspace('foreign', async work => {
      await world.dns.setRecords('acme.example', '_acme-challenge.shared.acme.example', 'TXT', ['"somebody else"'])
      work.write('a.yaml', world.account() + world.dnsProvider())
      work.write('b.yaml', manifest('Certificate', 'shared', { account: 'ca', domains: ['shared.acme.example'] }))
      await applyAndSettle(work)
      expect(await world.dns.txt('_acme-challenge.shared.acme.example')).toEqual(['somebody else'])
    }))

  test('by http-01 is answered by a temporary listener', () =>
    inWorkspace('http', async work => {
      await world.dns.setRecords('acme.example', 'web.acme.example', 'A', ['127.0.0.1'])
      work.write('a.yaml', world.account())
      work.write(
        'b.yaml',
        manifest('Certificate', 'web', { account: 'ca', domains: ['web.acme.example'], challengeType: 'http-01' }),
      )
      await applyAndSettle(work, ['--http-01-listen', `127.0.0.1:${httpPort}`])
      const { ok } = await verifyObject(work, 'Certificate/web', await world.pebble.issuingRoot())
      expect(ok).toBe(true)
    }))

  test('is renewed when the CA moves its window, by another order, and the old version stays known', () =>
    inWorkspace('ari', async work => {
      work.write('a.yaml', world.account() + world.dnsProvider())
      work.write('b.yaml', manifest('Certificate', 'soon', { account: 'ca', domains: ['soon.acme.example'] }))
      await applyAndSettle(work)
      const before = (await work.expect(0, ['get', 'Certificate/soon', '--format', 'pem'])).stdout
      const window = { start: '2020-01-01T00:00:00Z', end: '2020-01-02T00:00:00Z' }
      await world.pebble.setRenewalInfo(before, JSON.stringify({ suggestedWindow: window }))

      const plan = await work.expect(2, ['plan', '-f', '.', '--json', '--detailed-exitcode'])
      expect(JSON.parse(plan.stdout).changes).toContainEqual(
        expect.objectContaining({ address: 'Certificate/soon', action: 'renew', reason: 'renewal' }),
      )
      await work.expect(0, ['renew', '--due'])
      await expectNothingToDo(work)
      const after = (await work.expect(0, ['get', 'Certificate/soon', '--format', 'pem'])).stdout
      expect(after).not.toBe(before)
    }))

  test('is re-issued when a name joins, and revoked at the CA when it goes and onDelete says so', () =>
    inWorkspace('change', async work => {
      work.write('a.yaml', world.account() + world.dnsProvider())
      const declare = (domains: string[]) =>
        work.write(
          'b.yaml',
          manifest('Certificate', 'moving', { account: 'ca', domains }, { lifecycle: { onDelete: 'revoke' } }),
        )
      declare(['one.acme.example'])
      await applyAndSettle(work)
      declare(['one.acme.example', 'two.acme.example'])
      await applyAndSettle(work)
      const { text } = await verifyObject(work, 'Certificate/moving', await world.pebble.issuingRoot())
      expect(text).toContain('DNS:two.acme.example')

      work.write('b.yaml', '')
      const revocations = () => world.pebble.output().match(/Revoked certificate|revoke/gi)?.length ?? 0
      const earlier = revocations()
      await applyAndSettle(work)
      expect(revocations()).toBeGreaterThan(earlier)
    }))

  test('needs an explicit word before its account is deactivated', () =>
    inWorkspace('goodbye', async work => {
      work.write('a.yaml', world.account())
      await applyAndSettle(work)
      const refused = await work.expect(3, ['destroy', '--yes'])
      expect(refused.stderr).toContain('--allow AcmeAccount/ca')
      await work.expect(0, ['destroy', '--yes', '--allow', 'AcmeAccount/ca'])
      expect(JSON.parse((await work.expect(0, ['list', '--json'])).stdout)).toEqual([])
    }))
})

test('through BIND with TSIG, and with a CNAME that delegates the challenge into its zone', async () => {
  const bind = await startBind({ zones: [{ name: 'dyn.example' }, { name: 'challenges.example' }] })
  const resolver = await startStubResolver({
    zones: { 'dyn.example': bind.nameserver, 'challenges.example': bind.nameserver },
  })
  const world = await startAcmeWorld({ dnsServer: resolver.nameserver })
  const work = world.workspace('bind')
  try {
    resolver.route('acme.example', world.dns.nameserver)
    await world.dns.setRecords('acme.example', '_acme-challenge.www.acme.example', 'CNAME', ['www.challenges.example.'])
    work.write('tsig.key', bind.key.secret)
    work.write(
      'a.yaml',
      world.account() +
        manifest('DnsProvider', 'bind', {
          providerType: 'rfc2136',
          credentials: {
            tsig_key_name: bind.key.name,
            tsig_algorithm: bind.key.algorithm,
            tsig_secret: { file: 'tsig.key' },
          },
          config: { nameserver: '127.0.0.1', port: bind.port, zones: ['dyn.example', 'challenges.example'] },
          managedZones: ['**.dyn.example', '**.challenges.example'],
          propagation: { nameservers: [bind.nameserver], timeout: '20s' },
        }) +
        manifest('Certificate', 'direct', { account: 'ca', domains: ['api.dyn.example', '*.dyn.example'] }) +
        manifest('Certificate', 'delegated', { account: 'ca', domains: ['www.acme.example'] }),
    )
    await applyAndSettle(work, ['--resolver', resolver.nameserver])
    for (const name of ['direct', 'delegated']) {
      const { ok, output } = await verifyObject(work, `Certificate/${name}`, await world.pebble.issuingRoot())
      expect(output).toContain('OK')
      expect(ok).toBe(true)
    }
    for (const name of ['_acme-challenge.api.dyn.example', '_acme-challenge.dyn.example', 'www.challenges.example']) {
      expect(await bind.txt(name)).toEqual([])
    }
  } finally {
    work.remove()
    await world.stop()
    await resolver.stop()
    await bind.stop()
  }
})

test('with 30 % of the nonces refused and every second authorization reused', async () => {
  const world = await startAcmeWorld({ nonceReject: 30, authzReuse: 50 })
  const work = world.workspace('nonces')
  try {
    work.write('a.yaml', world.account() + world.dnsProvider())
    for (const [index, domains] of [
      ['a', 'b'],
      ['b', 'c', 'a'],
      ['a', 'c'],
    ].entries()) {
      const names = domains.map(name => `${name}.acme.example`)
      work.write(`c${index}.yaml`, manifest('Certificate', `c${index}`, { account: 'ca', domains: names }))
      await applyAndSettle(work)
    }
    for (const name of ['a', 'b', 'c']) expect(await world.dns.txt(`_acme-challenge.${name}.acme.example`)).toEqual([])
    expect(world.issued()).toBe(3)
  } finally {
    work.remove()
    await world.stop()
  }
})

test('from a CA that only takes bound accounts: refused in the plan without a binding, issued with it', async () => {
  const hmacKey = Buffer.from('0123456789abcdef0123456789abcdef').toString('base64url')
  const world = await startAcmeWorld({ eab: { 'kid-1': hmacKey } })
  const work = world.workspace('eab')
  try {
    const certificate = manifest('Certificate', 'bound', { account: 'ca', domains: ['bound.acme.example'] })
    work.write('a.yaml', world.account() + world.dnsProvider() + certificate)
    const refused = await work.expect(3, ['plan', '-f', '.', '--json'])
    expect(JSON.parse(refused.stdout).preflight).toContainEqual(expect.objectContaining({ code: 'acme_eab_required' }))

    const binding = { externalAccountBinding: { kid: 'kid-1', hmacKey: { env: 'EAB_KEY' } } }
    work.write('a.yaml', world.account('ca', binding) + world.dnsProvider() + certificate)
    await work.expect(0, ['apply', '-f', '.', '--yes'], { env: { EAB_KEY: hmacKey } })
    const { stdout } = await work.expect(0, ['plan', '-f', '.', '--json'], { env: { EAB_KEY: hmacKey } })
    expect(JSON.parse(stdout).summary).toMatchObject({ create: 0, update: 0, noop: 3 })
  } finally {
    work.remove()
    await world.stop()
  }
})
