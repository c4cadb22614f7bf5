import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../servers/process.ts'
import { type AcmeWorld, startAcmeWorld } from './acme-world.ts'
import { manifest, type Workspace } from './workspace.ts'

let world: AcmeWorld
beforeAll(async () => {
  world = await startAcmeWorld()
})
afterAll(() => world.stop())

async function inWorkspace<T>(name: string, run: (work: Workspace) => Promise<T>): Promise<T> {
  const work = world.workspace(name)
  try {
    return await run(work)
  } finally {
    work.remove()
  }
}

/** A server that only has faults, over plain HTTP on loopback. */
async function withServer(listener: RequestListener, use: (url: string) => Promise<void>): Promise<void> {
  const server: Server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on a port
  try {
    await use(`http://127.0.0.1:${port}`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

const certificate = manifest('Certificate', 'edge', { account: 'ca', domains: ['edge.acme.example'] })

describe('an ACME server', () => {
  test('that is down is a finding of the plan, and nothing is applied', () =>
    inWorkspace('down', async work => {
      const directoryUrl = `https://127.0.0.1:${await freePort()}/dir`
      work.write('a.yaml', world.account('ca', { directoryUrl }) + world.dnsProvider() + certificate)
      for (const command of [
        ['plan', '-f', '.'],
        ['apply', '-f', '.', '--yes'],
      ]) {
        const result = await work.expect(3, command)
        expect(result.stdout + result.stderr).toContain('acme_unreachable')
      }
      expect(JSON.parse((await work.expect(0, ['list', '--json'])).stdout)).toEqual([])
    }))

  test('whose TLS root is not trusted', () =>
    inWorkspace('untrusted', async work => {
      const other = (await world.pebble.issuingRoot()).trim()
      work.write('a.yaml', world.account('ca', { trustedRoots: other }))
      const result = await work.expect(3, ['plan', '-f', '.', '--json'])
      expect(JSON.parse(result.stdout).preflight).toContainEqual(
        expect.objectContaining({ address: 'AcmeAccount/ca', code: 'acme_untrusted', level: 'error' }),
      )
    }))
})

describe('a DNS provider', () => {
  test('that refuses its credentials is a finding with its own words', () =>
    inWorkspace('dns401', async work => {
      work.write('a.yaml', world.account() + world.dnsProvider() + certificate)
      const result = await work.run(['apply', '-f', '.', '--yes'], { env: { PDNS_API_KEY: 'not-the-key' } })
      expect(result.code).toBe(3)
      expect(result.stderr).toContain('dns_unauthorized')
      expect(result.stderr).toContain('Unauthorized')
      expect(result.stdout + result.stderr).not.toContain('not-the-key')
    }))

  test('that is broken answers 500', () =>
    withServer(
      (_request, response) => response.writeHead(500).end('it is broken'),
      url =>
        inWorkspace('dns500', async work => {
          const credentials = { api_url: url, api_key: { env: 'PDNS_API_KEY' } }
          work.write('a.yaml', world.dnsProvider('pdns', { credentials }))
          const result = await work.expect(3, ['plan', '-f', '.'])
          expect(result.stdout + result.stderr).toContain('dns_provider_failed')
        }),
    ))

  test('whose record never becomes visible: the order fails in time, and the record is removed', () =>
    inWorkspace('propagation', async work => {
      const propagation = { nameservers: [`127.0.0.1:${await freePort()}`], timeout: '2s' }
      work.write('a.yaml', world.account() + world.dnsProvider('pdns', { propagation }) + certificate)
      const result = await work.expect(1, ['apply', '-f', '.', '--yes'])
      expect(result.stderr).toContain('propagation_timeout')
      expect(await world.dns.txt('_acme-challenge.edge.acme.example')).toEqual([])

      work.write('a.yaml', world.account() + world.dnsProvider() + certificate)
      await work.expect(0, ['apply', '-f', '.', '--yes'])
    }))

  test('is missing for a name', () =>
    inWorkspace('noprovider', async work => {
      const only = world.dnsProvider('pdns', { managedZones: ['*.acme.example'] })
      const wildcard = manifest('Certificate', 'wild', { account: 'ca', domains: ['*.acme.example'] })
      work.write('a.yaml', world.account() + only + wildcard)
      const result = await work.expect(3, ['plan', '-f', '.', '--json', '--resolver', world.dns.nameserver])
      expect(JSON.parse(result.stdout).preflight).toContainEqual(
        expect.objectContaining({ address: 'Certificate/wild', code: 'no_dns_provider' }),
      )
    }))
})

test('a name that the CA blocks fails with its words, and the rest is applied', () =>
  inWorkspace('blocked', async work => {
    await world.dns.createZone('blocked-domain.example')
    work.write(
      'a.yaml',
      world.account() +
        world.dnsProvider('pdns', { managedZones: ['**.acme.example', '**.blocked-domain.example'] }) +
        certificate +
        manifest('Certificate', 'blocked', { account: 'ca', domains: ['blocked-domain.example'] }),
    )
    const result = await work.expect(1, ['apply', '-f', '.', '--yes', '--json'])
    const { done, failed } = JSON.parse(result.stdout)
    expect(done).toContain('Certificate/edge')
    expect(failed).toHaveLength(1)
    expect(JSON.stringify(failed)).toMatch(/rejectedIdentifier|blocked|policy/i)
  }))

test('an unknown secret reference names what was looked for', () =>
  inWorkspace('secret', async work => {
    const credentials = { api_url: world.dns.apiUrl, api_key: { env: 'NOT_SET_ANYWHERE' } }
    work.write('a.yaml', world.dnsProvider('pdns', { credentials }))
    const result = await work.expect(1, ['plan', '-f', '.'])
    expect(result.stderr).toContain('secret_unresolved')
    expect(result.stderr).toContain('NOT_SET_ANYWHERE')
    expect(result.stderr).toMatch(/a\.yaml:\d+:\d+/)
  }))
