import { describe, expect, test } from 'vitest'
import { createFakeClock } from '../../../../test/fakes/clock.ts'
import { createPowerDnsApi, type FakeZone } from '../../../../test/fakes/powerdns-api.ts'
import { egressRefused } from '../../../core/egress.ts'
import { HttpFailure } from '../../../core/ports.ts'
import { Secret } from '../../../core/secret.ts'
import { socketTransport } from '../../exchange.ts'
import { descriptor } from './index.ts'

const name = '_acme-challenge.acme.example'
const key = `${name}. TXT`
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined }

function setUp({ valueChanges = true, kind = 'Native', contents = [] as string[], ttl = 60 } = {}) {
  const zone: FakeZone = { name: 'acme.example', kind, rrsets: contents.length > 0 ? { [key]: { ttl, contents } } : {} }
  const zones = [
    zone,
    { name: 'copied.example', kind: 'Slave', rrsets: {} },
    { name: 'Odd.example', kind: 'Primary', rrsets: {} },
  ]
  const api = createPowerDnsApi({ zones, valueChanges })
  const credentials = { api_url: new Secret('http://127.0.0.1:8081/'), api_key: new Secret('canary-key') }
  const provider = descriptor.open(
    { credentials, config: {}, ttl: 60 },
    { http: api.http, dns: socketTransport, clock: createFakeClock(), log },
  )
  return {
    provider,
    api,
    served: () => zone.rrsets[key],
    at: { id: 'acme.example.', name: 'acme.example', nameservers: [] },
  }
}

describe('a change', () => {
  test('uses EXTEND and PRUNE where the server has them', async () => {
    const { provider, api, served, at } = setUp({ contents: ['"foreign"'] })
    await provider.present(at, name, 'mine')
    expect(served()?.contents).toEqual(['"foreign"', '"mine"'])
    await provider.cleanup(at, name, 'mine')
    expect(served()?.contents).toEqual(['"foreign"'])
    expect(api.requests.filter(line => line.startsWith('PATCH'))).toEqual([
      'PATCH /zones/acme.example. EXTEND',
      'PATCH /zones/acme.example. PRUNE',
    ])
  })

  test('tries EXTEND once and then reads, merges and replaces', async () => {
    const { provider, api, served, at } = setUp({ valueChanges: false, contents: ['"foreign"'] })
    await provider.present(at, name, 'mine')
    await provider.present(at, name, 'second')
    await provider.cleanup(at, name, 'mine')
    expect(served()?.contents).toEqual(['"foreign"', '"second"'])
    expect(api.requests.filter(line => line.startsWith('PATCH'))).toEqual([
      'PATCH /zones/acme.example. EXTEND',
      'PATCH /zones/acme.example. REPLACE',
      'PATCH /zones/acme.example. REPLACE',
      'PATCH /zones/acme.example. REPLACE',
    ])
  })

  test.each([true, false])('keeps disabled records (EXTEND known: %s)', async valueChanges => {
    const { provider, served, at } = setUp({ valueChanges, contents: ['!"parked"', '"foreign"'] })
    await provider.present(at, name, 'mine')
    expect(served()?.contents).toEqual(['!"parked"', '"foreign"', '"mine"'])
    await provider.cleanup(at, name, 'mine')
    expect(served()?.contents).toEqual(['!"parked"', '"foreign"'])
  })

  test('enables our value where it stands disabled', async () => {
    const { provider, served, at } = setUp({ contents: ['!"mine"'] })
    await provider.present(at, name, 'mine')
    expect(served()?.contents).toEqual(['"mine"'])
  })

  test.each([true, false])('keeps the TTL of a foreign RRset (EXTEND known: %s)', async valueChanges => {
    const { provider, served, at } = setUp({ valueChanges, contents: ['"foreign"'], ttl: 3600 })
    await provider.present(at, name, 'mine')
    expect(served()).toEqual({ ttl: 3600, contents: ['"foreign"', '"mine"'] })
  })

  test('writes nothing when there is nothing to change', async () => {
    const { provider, api, at } = setUp({ contents: ['"mine"'] })
    await provider.present(at, name, 'mine')
    await provider.cleanup(at, name, 'other')
    expect(api.requests.filter(line => !line.startsWith('GET'))).toEqual([])
  })

  test.each([
    ['Native', false],
    ['Master', true],
    ['Primary', true],
  ])('of a %s zone notifies the secondaries: %s', async (kind, notified) => {
    const { provider, api, at } = setUp({ kind })
    await provider.present(at, name, 'mine')
    expect(api.requests.includes('PUT /zones/acme.example./notify')).toBe(notified)
  })

  test('stands even when the secondaries cannot be told', async () => {
    const { provider, api, served, at } = setUp({ kind: 'Master' })
    await provider.zones()
    const { request } = api.http
    const http = {
      request: (asked: Parameters<typeof request>[0]) =>
        asked.url.endsWith('/notify') ? Promise.reject(new HttpFailure('timeout', 'slow')) : request(asked),
    }
    const credentials = { api_url: new Secret('http://127.0.0.1:8081'), api_key: new Secret('k') }
    const again = descriptor.open(
      { credentials, config: {}, ttl: 60 },
      { http, dns: socketTransport, clock: createFakeClock(), log },
    )
    await again.present(at, name, 'mine')
    expect(served()?.contents).toEqual(['"mine"'])
  })
})

test('zones that are copied from elsewhere are not offered, names are lowered', async () => {
  const { provider } = setUp()
  expect(await provider.zones()).toEqual([
    { id: 'acme.example.', name: 'acme.example', nameservers: [] },
    { id: 'Odd.example.', name: 'odd.example', nameservers: [] },
  ])
})

describe('a failure', () => {
  test.each<[what: string, status: number, body: string, want: object]>([
    [
      '401 in plain text',
      401,
      'Unauthorized',
      { code: 'dns_unauthorized', message: 'PowerDNS answered 401: Unauthorized' },
    ],
    [
      '404 in plain text',
      404,
      'Not Found',
      { code: 'dns_zone_not_found', message: 'PowerDNS answered 404: Not Found' },
    ],
    [
      '422 in JSON',
      422,
      '{"error":"Name is out of zone"}',
      { code: 'dns_provider_failed', message: 'PowerDNS answered 422: Name is out of zone' },
    ],
    ['a redirect', 302, '', { code: 'dns_provider_failed', message: 'PowerDNS answered 302: nothing' }],
    [
      '500 in HTML',
      500,
      '<h1>oops</h1>',
      { code: 'dns_provider_failed', details: { status: 500, upstream: '<h1>oops</h1>' } },
    ],
    [
      'a page instead of JSON',
      200,
      '<html>',
      { code: 'dns_provider_failed', message: expect.stringContaining('not JSON') },
    ],
    [
      'an object instead of zones',
      200,
      '{}',
      { code: 'dns_provider_failed', message: expect.stringContaining('list of zones') },
    ],
  ])('%s', async (_what, status, body, want) => {
    const { provider, api } = setUp()
    api.next(status, body)
    const error = await provider.zones().catch(failure => failure)
    expect(error).toMatchObject({ ...want, remedy: expect.any(String) })
    expect(JSON.stringify(error.toDiagnostic())).not.toContain('canary-key')
  })

  test.each([
    ['17', 17],
    ['Sun, 01 Nov 2026 00:01:30 GMT', 90],
    [undefined, undefined],
  ])('429 with Retry-After %s', async (header, retryAfter) => {
    const { provider, api } = setUp()
    api.next(429, 'slow down', header === undefined ? {} : { 'retry-after': header })
    const error = await provider.zones().catch(failure => failure)
    expect([error.code, error.retryAfter]).toEqual(['backend_rate_limited', retryAfter])
  })

  test('a 422 that is not about the change type is told in its own words', async () => {
    const { provider, api, at } = setUp()
    api.next(200, '{"rrsets":[]}')
    for (let times = 0; times < 2; times++) api.next(422, '{"error":"Conflicts with pre-existing RRset"}')
    await expect(provider.present(at, name, 'mine')).rejects.toThrow('Conflicts with pre-existing RRset')
  })

  test('an API that does not answer', async () => {
    const http = { request: () => Promise.reject(new HttpFailure('unreachable', 'connection refused')) }
    const credentials = { api_url: new Secret('http://user:pw@127.0.0.1:1/x'), api_key: new Secret('k') }
    const provider = descriptor.open(
      { credentials, config: {}, ttl: 60 },
      { http, dns: socketTransport, clock: createFakeClock(), log },
    )
    const error = await provider.zones().catch(failure => failure)
    expect(error).toMatchObject({
      code: 'dns_provider_failed',
      message: 'the PowerDNS API at http://127.0.0.1:1 failed: connection refused',
    })
  })

  test('an API that the guard does not let us reach is told as that, and not tried again', async () => {
    let asked = 0
    const refusal = egressRefused({ hostname: 'pdns.example', address: '10.0.0.1' }, 'it is a private address')
    const http = {
      request: () => {
        asked++
        return Promise.reject(new HttpFailure('refused', refusal.message, refusal))
      },
    }
    const credentials = { api_url: new Secret('http://pdns.example'), api_key: new Secret('k') }
    const context = { http, dns: socketTransport, clock: createFakeClock(), log }
    await expect(descriptor.open({ credentials, config: {}, ttl: 60 }, context).zones()).rejects.toBe(refusal)
    expect(asked).toBe(1)
  })

  test('missing credentials', () => {
    const open = () =>
      descriptor.open(
        { credentials: {}, config: {}, ttl: 60 },
        { http: setUp().api.http, dns: socketTransport, clock: createFakeClock(), log },
      )
    expect(open).toThrow(expect.objectContaining({ code: 'schema_violation' }))
  })
})
