import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Dns01Target } from '../../engine/acme/solvers/dns-01.ts'
import type { Address } from '../../engine/core/address.ts'
import { Secret } from '../../engine/core/secret.ts'
import { type ChallengeDns, createChallengeDns } from '../../engine/dns/challenge.ts'
import { type DnsTransport, socketTransport } from '../../engine/dns/exchange.ts'
import type { OpenedProvider } from '../../engine/dns/portfolio.ts'
import { loadProvider } from '../../engine/dns/registry.ts'
import { createHttp } from '../../engine/net/http.ts'
import { type BindServer, startBind } from './bind.ts'
import { ensureDnsServers } from './install.ts'
import { type PowerDnsServer, startPowerDns } from './powerdns.ts'
import { quietTrace, recordingLog, systemClock } from './quiet.ts'
import { type StubResolver, startStubResolver } from './stub-resolver.ts'

/** PowerDNS serves acme.example and delegates sub.acme.example to BIND, which also serves validation.test. */
let pdns: PowerDnsServer
let bind: BindServer
let resolver: StubResolver
const http = createHttp()

beforeAll(async () => {
  pdns = await startPowerDns({ zones: ['acme.example'] })
  bind = await startBind({
    zones: [{ name: 'validation.test' }, { name: 'sub.acme.example', records: ['www A 192.0.2.1'] }],
  })
  resolver = await startStubResolver({
    zones: { 'acme.example': pdns.nameserver, 'validation.test': bind.nameserver, 'sub.acme.example': bind.nameserver },
  })
  await pdns.setRecords('acme.example', 'sub.acme.example', 'NS', ['ns1.sub.acme.example.'])
  await pdns.setRecords('acme.example', 'ns1.sub.acme.example', 'A', ['127.0.0.2'])
  const alias = (label: string, target: string) =>
    pdns.setRecords('acme.example', `${label}.acme.example`, 'CNAME', [`${target}.`])
  await alias('_acme-challenge.shop', 'shop.validation.test')
  await alias('_acme-challenge.loop', 'loop.acme.example')
  await alias('loop', '_acme-challenge.loop.acme.example')
  await alias('*.cdn', 'edge.validation.test')
})
afterAll(async () => {
  await http.close()
  await resolver?.stop()
  await bind?.stop()
  await pdns?.stop()
})

/** Discovery finds addresses with port 53: 127.0.0.1 stands for PowerDNS, 127.0.0.2 for BIND. */
const mapped: DnsTransport = {
  exchange(endpoint, request, options) {
    if (endpoint.port !== 53) return socketTransport.exchange(endpoint, request, options)
    const port = endpoint.host === '127.0.0.2' ? bind.port : pdns.port
    return socketTransport.exchange({ host: '127.0.0.1', port }, request, options)
  },
}

async function providers(nameservers: boolean): Promise<OpenedProvider[]> {
  const context = { http, dns: socketTransport, clock: systemClock, log: recordingLog() }
  const powerdns = (await loadProvider('powerdns')).open(
    { credentials: { api_url: new Secret(pdns.apiUrl), api_key: new Secret(pdns.apiKey) }, config: {}, ttl: 60 },
    context,
  )
  const rfc2136 = (await loadProvider('rfc2136')).open(
    {
      credentials: { tsig_key_name: new Secret(bind.key.name), tsig_secret: new Secret(bind.key.secret) },
      config: { nameserver: '127.0.0.1', port: bind.port, zones: ['validation.test'] },
      ttl: 60,
    },
    context,
  )
  const asking = (server: string) => ({ timeout: 20, ...(nameservers && { nameservers: [server] }) })
  return [
    {
      address: 'DnsProvider/pdns' as Address,
      managedZones: ['**.acme.example'],
      provider: powerdns,
      propagation: asking(pdns.nameserver),
    },
    {
      address: 'DnsProvider/bind' as Address,
      managedZones: [],
      provider: rfc2136,
      propagation: asking(bind.nameserver),
    },
  ]
}

async function challenges({
  nameservers = true,
  transport = socketTransport,
  override,
}: {
  nameservers?: boolean
  transport?: DnsTransport
  override?: Address
} = {}) {
  // What the ACME side wants is what this side gives; neither imports the other.
  const target: ChallengeDns & Dns01Target = createChallengeDns({
    providers: await providers(nameservers),
    clock: systemClock,
    trace: quietTrace,
    log: recordingLog(),
    resolver: resolver.nameserver,
    transport,
    firstPause: 100,
    override,
  })
  return target
}

/** What BIND's own client is told by the stub resolver, over UDP and over TCP alike. */
async function dig(name: string, type: string): Promise<string[]> {
  const { dig: command } = await ensureDnsServers()
  const ask = async (...how: string[]) => {
    const { stdout } = await promisify(execFile)(command, [
      '@127.0.0.1',
      '-p',
      String(resolver.port),
      name,
      type,
      '+short',
      ...how,
    ])
    return stdout.trim().split('\n')
  }
  const [udp, tcp] = [await ask('+notcp'), await ask('+tcp')]
  expect(udp).toEqual(tcp)
  return tcp
}

describe('challenges on real servers', () => {
  test('a wildcard and its apex share one name', async () => {
    const dns = await challenges()
    const [apex, wildcard] = [await dns.locate('acme.example'), await dns.locate('*.acme.example')]
    expect(wildcard).toEqual(apex)
    await Promise.all([dns.present(apex, 'apex'), dns.present(wildcard, 'wildcard')])
    await dns.awaitVisible(apex, ['apex', 'wildcard'])
    expect(await pdns.txt('_acme-challenge.acme.example')).toEqual(['apex', 'wildcard'])
    await dns.cleanup(apex, 'apex')
    expect(await pdns.txt('_acme-challenge.acme.example')).toEqual(['wildcard'])
    await dns.cleanup(wildcard, 'wildcard')
  })

  test('ten orders at once for one name lose no value', async () => {
    const dns = await challenges()
    const place = await dns.locate('busy.acme.example')
    const values = Array.from({ length: 10 }, (_, number) => `value-${number}`)
    await Promise.all(values.map(value => dns.present(place, value)))
    expect(await pdns.txt(place.name)).toEqual(values)
    await Promise.all(values.map(value => dns.cleanup(place, value)))
    expect(await pdns.txt(place.name)).toEqual([])
  })

  test.each([
    true,
    false,
  ])('a CNAME leads to the provider of its target (configured name servers: %s)', async nameservers => {
    const dns = await challenges({ nameservers, transport: nameservers ? socketTransport : mapped })
    if (!nameservers) await bind.nsupdate('validation.test', ['update add x.validation.test. 60 TXT "x"'])
    const place = await dns.locate('shop.acme.example')
    expect(place).toMatchObject({ provider: 'DnsProvider/bind', zone: 'validation.test', name: 'shop.validation.test' })
    await dns.present(place, 'value')
    expect(await bind.txt('shop.validation.test')).toEqual(['value'])
    expect(await dig('_acme-challenge.shop.acme.example', 'TXT')).toEqual(['shop.validation.test.', '"value"'])
    if (nameservers) await dns.awaitVisible(place, ['value'])
    await dns.cleanup(place, 'value')
    expect(await bind.txt('shop.validation.test')).toEqual([])
  })

  test('a CNAME loop is told', async () => {
    await expect((await challenges()).locate('loop.acme.example')).rejects.toMatchObject({
      code: 'dns_lookup_failed',
      message: expect.stringContaining('form a loop'),
    })
  })

  test('a wildcard CNAME does not lead the challenge away, and the record ends it', async () => {
    const dns = await challenges()
    const place = await dns.locate('a.cdn.acme.example')
    expect(place).toMatchObject({ provider: 'DnsProvider/pdns', name: '_acme-challenge.a.cdn.acme.example' })
    await dns.present(place, 'value')
    await dns.awaitVisible(place, ['value'])
    await dns.cleanup(place, 'value')
  })

  test('discovery finds the servers and asks no resolver for the challenge name', async () => {
    const dns = await challenges({ nameservers: false, transport: mapped })
    const before = resolver.asked.length
    const place = await dns.locate('new.acme.example')
    await dns.present(place, 'value')
    await dns.awaitVisible(place, ['value'])
    await dns.cleanup(place, 'value')
    const asked = resolver.asked.slice(before)
    expect(asked).toContain('acme.example SOA')
    expect(asked.filter(question => question.includes('new.acme.example'))).toEqual([])
  })

  test('a record in a zone that is delegated elsewhere is refused before it is written', async () => {
    const dns = await challenges({ nameservers: false, transport: mapped })
    await expect(dns.locate('www.sub.acme.example')).rejects.toMatchObject({
      code: 'dns_zone_not_found',
      message: expect.stringContaining(
        'lies in the delegated zone sub.acme.example, which DnsProvider/pdns does not serve',
      ),
    })
  })

  test('a provider named by the certificate is used whatever it manages', async () => {
    const dns = await challenges({ override: 'DnsProvider/bind' })
    await expect(dns.locate('www.acme.example')).rejects.toMatchObject({
      code: 'dns_zone_not_found',
      message: 'DnsProvider/bind has no zone for _acme-challenge.www.acme.example; it serves validation.test',
    })
  })
})
