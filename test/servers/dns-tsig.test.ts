import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../engine/core/secret.ts'
import { socketTransport } from '../../engine/dns/exchange.ts'
import type { ProviderContext } from '../../engine/dns/provider.ts'
import { descriptor } from '../../engine/dns/providers/rfc2136/index.ts'
import { createHttp } from '../../engine/net/http.ts'
import { type BindServer, startBind } from './bind.ts'
import { freeDnsPort } from './dns-client.ts'
import { recordingLog, systemClock } from './quiet.ts'

let server: BindServer
beforeAll(async () => {
  server = await startBind({
    zones: [
      { name: 'dyn.example' },
      { name: 'sub.dyn.example' },
      { name: 'narrow.example', updatePolicy: ['grant acme-key name _acme-challenge.www.narrow.example TXT;'] },
      { name: 'closed.example', updatePolicy: ['grant acme-key-512 zonesub TXT;'] },
    ],
  })
})
afterAll(() => server?.stop())

interface Given {
  readonly name?: string
  readonly algorithm?: string
  readonly secret?: string
  readonly zones?: readonly string[]
  readonly port?: number
  /** Seconds by which our clock is ahead. */
  readonly ahead?: number
}

function open(given: Given = {}) {
  const log = recordingLog()
  const clock = { ...systemClock, now: () => new Date(Date.now() + (given.ahead ?? 0) * 1000) }
  const context: ProviderContext = { http: createHttp(), dns: socketTransport, clock, log }
  const credentials = {
    tsig_key_name: new Secret(given.name ?? server.key.name),
    tsig_algorithm: new Secret(given.algorithm ?? 'hmac-sha256'),
    tsig_secret: new Secret(given.secret ?? server.key.secret),
  }
  const config = { nameserver: '127.0.0.1', port: given.port ?? server.port, zones: given.zones ?? ['dyn.example'] }
  return { provider: descriptor.open({ credentials, config, ttl: 60 }, context), log }
}

describe('TSIG against BIND', () => {
  const other = Buffer.alloc(32, 1).toString('base64')

  test.each<[what: string, given: Given, want: object]>([
    [
      'a wrong secret',
      { secret: other },
      { code: 'dns_unauthorized', message: expect.stringContaining('BADSIG'), details: { tsig: 'BADSIG' } },
    ],
    [
      'an unknown key',
      { name: 'nobody-key' },
      { code: 'dns_unauthorized', message: expect.stringContaining('BADKEY') },
    ],
    [
      'the wrong algorithm',
      { algorithm: 'hmac-sha512' },
      { code: 'dns_unauthorized', message: expect.stringContaining('BADKEY') },
    ],
    [
      'a clock ten minutes ahead',
      { ahead: 600 },
      {
        code: 'dns_unauthorized',
        message: expect.stringMatching(/BADTIME, the server's clock is (599|600) s behind ours/),
      },
    ],
    [
      'a clock ten minutes behind',
      { ahead: -600 },
      {
        code: 'dns_unauthorized',
        message: expect.stringMatching(/BADTIME, the server's clock is (600|601) s ahead of ours/),
      },
    ],
    [
      'a zone that is not served',
      { zones: ['elsewhere.example'] },
      { code: 'dns_zone_not_found', message: expect.stringContaining('does not serve') },
    ],
    [
      'a wrong secret without zones to try it on',
      { secret: other, zones: [] },
      { code: 'dns_unauthorized', message: expect.stringContaining('BADSIG') },
    ],
  ])('%s', async (_what, given, want) => {
    const error = await open(given)
      .provider.zones()
      .catch(failure => failure)
    expect(error).toMatchObject({ ...want, remedy: expect.any(String) })
    expect(JSON.stringify(error.toDiagnostic())).not.toContain(given.secret ?? server.key.secret)
  })

  test('the key works in any spelling of its name', async () => {
    const zones = await open({ name: 'ACME-Key.' }).provider.zones()
    expect(zones.map(zone => zone.name)).toEqual(['dyn.example'])
  })

  test('a grant for deeper names only is a warning, not a failure', async () => {
    const { provider, log } = open({ zones: ['narrow.example'] })
    const [zone] = await provider.zones()
    expect(log.warnings).toEqual([expect.stringContaining('narrow.example')])
    if (zone === undefined) throw new Error('no zone')
    await provider.present(zone, '_acme-challenge.www.narrow.example', 'value')
    expect(await server.txt('_acme-challenge.www.narrow.example')).toEqual(['value'])
    const refused = provider.present(zone, '_acme-challenge.narrow.example', 'value')
    await expect(refused).rejects.toMatchObject({
      code: 'dns_unauthorized',
      message: expect.stringContaining('REFUSED'),
    })
  })

  test('a zone that grants the key nothing', async () => {
    const { provider } = open()
    const closed = { id: 'closed.example', name: 'closed.example', nameservers: [] }
    await expect(provider.present(closed, '_acme-challenge.closed.example', 'v')).rejects.toThrow('REFUSED')
  })

  test('a name outside the zone', async () => {
    const { provider } = open()
    const zone = { id: 'dyn.example', name: 'dyn.example', nameservers: [] }
    await expect(provider.present(zone, '_acme-challenge.other.test', 'v')).rejects.toMatchObject({
      code: 'dns_zone_not_found',
      message: expect.stringContaining('NOTZONE'),
    })
  })

  test('without configured zones the server is asked for the zone of a name', async () => {
    const { provider } = open({ zones: [] })
    expect(await provider.zones()).toEqual([])
    expect((await provider.findZone?.('_acme-challenge.www.sub.dyn.example'))?.name).toBe('sub.dyn.example')
    expect((await provider.findZone?.('_acme-challenge.www.dyn.example'))?.name).toBe('dyn.example')
    expect(await provider.findZone?.('_acme-challenge.other.test')).toBeUndefined()
  })

  test('a server that is not there', async () => {
    const error = await open({ port: await freeDnsPort() })
      .provider.zones()
      .catch(failure => failure)
    expect(error).toMatchObject({ code: 'dns_provider_failed', message: expect.stringContaining('ECONNREFUSED') })
  })

  test('a secret that is not base64 is refused before anything is sent', () => {
    expect(() => open({ secret: 'not base64!' })).toThrow('tsig_secret is not base64')
  })
})
