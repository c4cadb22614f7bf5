import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Secret } from '../../engine/core/secret.ts'
import { socketTransport } from '../../engine/dns/exchange.ts'
import { descriptor } from '../../engine/dns/providers/powerdns/index.ts'
import { createHttp } from '../../engine/net/http.ts'
import { freeDnsPort } from './dns-client.ts'
import { type PowerDnsServer, startPowerDns } from './powerdns.ts'
import { recordingLog, systemClock } from './quiet.ts'

let server: PowerDnsServer
const http = createHttp()
beforeAll(async () => {
  server = await startPowerDns({ zones: ['acme.example'] })
})
afterAll(async () => {
  await http.close()
  await server?.stop()
})

function open(serverId = 'localhost', url = server.apiUrl) {
  const credentials = { api_url: new Secret(url), api_key: new Secret(server.apiKey), server_id: new Secret(serverId) }
  return descriptor.open(
    { credentials, config: {}, ttl: 60 },
    { http, dns: socketTransport, clock: systemClock, log: recordingLog() },
  )
}

const zone = { id: 'acme.example.', name: 'acme.example', nameservers: [] }

test('a disabled record is kept and stays disabled', async () => {
  const name = '_acme-challenge.parked.acme.example'
  const records = [
    { content: '"parked"', disabled: true },
    { content: '"foreign"', disabled: false },
  ]
  const rrset = { name: `${name}.`, type: 'TXT', ttl: 300, changetype: 'REPLACE', records }
  await server.api('PATCH', '/zones/acme.example.', { rrsets: [rrset] })
  await open().present(zone, name, 'mine')
  await open().cleanup(zone, name, 'mine')
  // The whole zone: the filter by name leaves disabled records out.
  const left = await server.api('GET', '/zones/acme.example.')
  const kept = expect.objectContaining({ name: `${name}.`, ttl: 300, records: expect.arrayContaining(records) })
  expect(left).toMatchObject({ rrsets: expect.arrayContaining([kept]) })
  expect(await server.txt(name)).toEqual(['foreign'])
})

test('a change of a Master zone notifies its secondaries', async () => {
  const port = await freeDnsPort()
  const secondary = createSocket('udp4').bind(port, '127.0.0.1')
  await once(secondary, 'listening')
  await server.createZone('master.example', 'Master')
  const metadata = { kind: 'ALSO-NOTIFY', metadata: [`127.0.0.1:${port}`] }
  await server.api('PUT', '/zones/master.example./metadata/ALSO-NOTIFY', metadata)
  const notified = once(secondary, 'message')
  const master = { id: 'master.example.', name: 'master.example', nameservers: [] }
  await open().present(master, '_acme-challenge.master.example', 'value')
  const [message]: Buffer[] = await notified
  // RFC 1996 §3.7: the opcode of NOTIFY is 4.
  expect(((message?.[2] ?? 0) >> 3) & 0xf).toBe(4)
  secondary.close()
})

test.each<[what: string, attempt: () => Promise<unknown>, want: object]>([
  [
    'another server id',
    () => open('nowhere').zones(),
    { code: 'dns_zone_not_found', details: { status: 404, upstream: 'Not Found' } },
  ],
  [
    'a name outside the zone',
    () => open().present(zone, '_acme-challenge.other.test', 'v'),
    { code: 'dns_provider_failed', message: expect.stringContaining('Name is out of zone') },
  ],
  [
    'a zone that is gone',
    () => open().present({ ...zone, id: 'gone.example.' }, '_acme-challenge.gone.example', 'v'),
    { code: 'dns_zone_not_found' },
  ],
  [
    'a server that is not there',
    async () => open('localhost', `http://127.0.0.1:${await freeDnsPort()}`).zones(),
    { code: 'dns_provider_failed' },
  ],
])('%s', async (_what, attempt, want) => {
  await expect(attempt()).rejects.toMatchObject({ ...want, remedy: expect.any(String) })
})

test('TXT beside a CNAME is refused in the words of PowerDNS', async () => {
  await server.setRecords('acme.example', '_acme-challenge.alias.acme.example', 'CNAME', ['elsewhere.example.'])
  await expect(open().present(zone, '_acme-challenge.alias.acme.example', 'v')).rejects.toThrow(
    'Conflicts with pre-existing RRset',
  )
})

test('an address of the API with a path or a final slash is understood', async () => {
  for (const tail of ['/', '/api', '/api/v1'])
    expect((await open('localhost', server.apiUrl + tail).zones()).length).toBeGreaterThan(0)
})
