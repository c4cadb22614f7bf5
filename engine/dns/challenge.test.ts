import { describe, expect, test } from 'vitest'
import { createFakeClock } from '../../test/fakes/clock.ts'
import { createDnsWorld, worldResolver } from '../../test/fakes/dns-world.ts'
import type { Address } from '../core/address.ts'
import { egressRefused } from '../core/egress.ts'
import { createChallengeDns } from './challenge.ts'
import type { OpenedProvider } from './portfolio.ts'
import type { DnsProvider } from './provider.ts'

/** A provider in memory that notes what is written and refuses to be used twice at once for one name. */
function memoryProvider(...zones: string[]) {
  const values = new Set<string>()
  const busy = new Set<string>()
  let listed = 0
  async function write(name: string, change: () => void) {
    if (busy.has(name)) throw new Error(`two writers at ${name}`)
    busy.add(name)
    await new Promise(resolve => setImmediate(resolve))
    change()
    busy.delete(name)
  }
  const provider: DnsProvider = {
    async zones() {
      listed++
      return zones.map(zone => ({ id: `id-${zone}`, name: zone, nameservers: [] }))
    },
    present: (zone, name, value) => write(name, () => values.add(`${zone.id} ${name} ${value}`)),
    cleanup: (zone, name, value) => write(name, () => values.delete(`${zone.id} ${name} ${value}`)),
  }
  return { provider, values, listed: () => listed }
}

const opened = (
  name: string,
  managedZones: string[],
  zones: string[],
  more: Partial<OpenedProvider> = {},
): OpenedProvider => ({
  address: `DnsProvider/${name}` as Address,
  managedZones,
  provider: memoryProvider(...zones).provider,
  propagation: {},
  ...more,
})

function challenges(
  providers: readonly OpenedProvider[],
  override?: string,
  acme: string[] = [],
  refused: readonly string[] = [],
) {
  const world = createDnsWorld()
  world.serve('10.0.1.1', {
    'acme.example': ['@ NS ns1', 'ns1 A 10.0.1.1', 'hidden NS ns1.hidden', 'ns1.hidden A 10.0.3.1', ...acme],
  })
  world.serve('10.0.3.1', { 'hidden.acme.example': ['@ NS ns1', 'ns1 A 10.0.3.1'] })
  world.serve('10.0.2.1', { 'validation.test': ['@ NS ns1', 'ns1 A 10.0.2.1'] })
  const clock = createFakeClock()
  const dns = createChallengeDns({
    providers,
    clock,
    transport: world.transport,
    resolver: worldResolver,
    guard: target => {
      if (refused.includes(target.address)) throw egressRefused(target, 'it is a private address')
    },
    trace: { span: (_name, _attributes, work) => work() },
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined },
    ...(override !== undefined && { override: override as Address }),
  })
  return { dns, world, clock }
}

describe('locate', () => {
  const acme = opened('acme', ['**.acme.example'], ['acme.example'])
  const validation = opened('validation', ['validation.test'], ['validation.test', 'test'])
  const anything = opened('anything', [], ['acme.example', 'other.example'])
  const delegated = ['_acme-challenge.www CNAME _acme-challenge.acme.validation.test.']

  test.each<[what: string, providers: OpenedProvider[], name: string, records: string[], want: string]>([
    [
      'a challenge name',
      [acme],
      '_acme-challenge.www.acme.example',
      [],
      'DnsProvider/acme acme.example _acme-challenge.www.acme.example',
    ],
    ['an identifier', [acme], 'www.acme.example', [], 'DnsProvider/acme acme.example _acme-challenge.www.acme.example'],
    ['a wildcard', [acme], '*.acme.example', [], 'DnsProvider/acme acme.example _acme-challenge.acme.example'],
    [
      'the first of two that match',
      [anything, acme],
      'acme.example',
      [],
      'DnsProvider/anything acme.example _acme-challenge.acme.example',
    ],
    [
      'a delegated name at the provider of its target',
      [acme, validation],
      'www.acme.example',
      delegated,
      'DnsProvider/validation validation.test _acme-challenge.acme.validation.test',
    ],
  ])('%s', async (_what, providers, name, records, want) => {
    const place = await challenges(providers, undefined, records).dns.locate(name)
    expect(`${place.provider} ${place.zone} ${place.name}`).toBe(want)
    expect(place.zoneId).toBe(`id-${place.zone}`)
  })

  test('the certificate may name the provider', async () => {
    const place = await challenges(
      [acme, opened('other', ['other.test'], ['acme.example'])],
      'DnsProvider/other',
    ).dns.locate('acme.example')
    expect(place.provider).toBe('DnsProvider/other')
  })

  test.each<
    [what: string, providers: OpenedProvider[], override: string | undefined, name: string, code: string, words: RegExp]
  >([
    [
      'nobody manages the name',
      [acme, anything],
      undefined,
      'www.elsewhere.test',
      'no_dns_provider',
      /acme manages only .*anything discovered only/,
    ],
    [
      'nobody manages the target',
      [acme],
      undefined,
      'www.acme.example',
      'no_dns_provider',
      /delegated by CNAME: _acme-challenge.www.acme.example -> /,
    ],
    [
      'the provider does not have the zone',
      [opened('bare', ['**.acme.example'], ['beta.example'])],
      undefined,
      'acme.example',
      'dns_zone_not_found',
      /it serves beta.example/,
    ],
    [
      'the name lies in a zone that is delegated away',
      [acme],
      undefined,
      'www.hidden.acme.example',
      'dns_zone_not_found',
      /lies in the delegated zone hidden.acme.example/,
    ],
    [
      'the zone is not delegated',
      [opened('deep', ['**.acme.example'], ['deep.acme.example'])],
      undefined,
      'deep.acme.example',
      'dns_zone_not_found',
      /not delegated/,
    ],
    ['the named provider does not exist', [acme], 'DnsProvider/nobody', 'acme.example', 'reference_unknown', /nobody/],
  ])('fails where %s', async (_what, providers, override, name, code, words) => {
    const failure = await challenges(providers, override, delegated)
      .dns.locate(name)
      .catch(error => error)
    expect(failure).toMatchObject({ code, message: expect.stringMatching(words) })
    expect(failure.remedy).toBeTruthy()
  })

  test('zones are listed once for many names', async () => {
    const memory = memoryProvider('acme.example')
    const { dns } = challenges([opened('acme', [], [], { provider: memory.provider })])
    for (const name of ['a.acme.example', 'b.acme.example', 'c.acme.example']) await dns.locate(name)
    expect(memory.listed()).toBe(1)
  })

  test('a service that cannot list zones is asked for the zone of the name', async () => {
    const provider: DnsProvider = {
      ...memoryProvider().provider,
      findZone: async name =>
        name.endsWith('.acme.example') ? { id: 'found', name: 'acme.example', nameservers: [] } : undefined,
    }
    const { dns } = challenges([opened('unlisted', [], [], { provider })])
    expect(await dns.locate('www.acme.example')).toMatchObject({ zoneId: 'found' })
    await expect(dns.locate('www.beta.example')).rejects.toMatchObject({ code: 'no_dns_provider' })
  })

  test('configured name servers take the place of every look-up', async () => {
    const split = opened('split', ['**.acme.example'], ['acme.example'], {
      propagation: { nameservers: ['10.0.7.7:53'] },
    })
    const { dns, world } = challenges([split])
    world.serve('10.0.7.7', { 'acme.example': ['@ NS ns1', '_acme-challenge.www CNAME here'] })
    expect(await dns.locate('www.acme.example')).toMatchObject({ name: 'here.acme.example' })
    expect(new Set(world.queries.map(({ server }) => server))).toEqual(new Set(['10.0.7.7']))
  })
})

describe('writing', () => {
  const place = {
    provider: 'DnsProvider/acme',
    zoneId: 'id',
    zone: 'acme.example',
    name: '_acme-challenge.acme.example',
  }

  test('is one at a time per name, also between two orders', async () => {
    const memory = memoryProvider('acme.example')
    const provider = opened('acme', ['**.acme.example'], [], { provider: memory.provider })
    const [one, two] = [challenges([provider]).dns, challenges([provider]).dns]
    await Promise.all([
      one.present(place, 'a'),
      two.present(place, 'b'),
      one.present(place, 'c'),
      two.cleanup(place, 'a'),
    ])
    expect([...memory.values].map(value => value.at(-1)).toSorted()).toEqual(['b', 'c'])
  })

  test('needs nothing but the place: no look-up, no listing', async () => {
    const memory = memoryProvider('acme.example')
    const { dns, world } = challenges([opened('acme', [], [], { provider: memory.provider })])
    await dns.present(place, 'a')
    await dns.cleanup(place, 'a')
    expect([world.queries.length, memory.listed()]).toEqual([0, 0])
  })
})

test("awaitVisible asks the zone's own servers for all values, with the provider's timeout", async () => {
  const provider = opened('acme', ['**.acme.example'], ['acme.example'], { propagation: { timeout: 7 } })
  const { dns, world, clock } = challenges([provider])
  const place = await dns.locate('acme.example')
  await expect(dns.awaitVisible(place, ['a'])).rejects.toMatchObject({ code: 'propagation_timeout' })
  expect(clock.elapsed()).toBe(7)
  world.serve('10.0.1.1', {
    'acme.example': ['@ NS ns1', 'ns1 A 10.0.1.1', '_acme-challenge TXT a', '_acme-challenge TXT b'],
  })
  await dns.awaitVisible(place, ['a', 'b'])
})

describe('behind an egress guard', () => {
  const own = '10.0.7.7'
  const here = opened('here', ['**.acme.example'], ['acme.example'], { propagation: { nameservers: [own] } })
  const named = opened('named', ['**.acme.example'], ['acme.example'], {
    propagation: { nameservers: ['localhost'] },
  })
  const found = opened('found', ['**.acme.example'], ['acme.example'])
  const asked = (world: ReturnType<typeof createDnsWorld>) => new Set(world.queries.map(({ server }) => server))

  test.each<[what: string, provider: OpenedProvider, refused: string]>([
    ['name servers of the manifest', here, own],
    ['name servers of the manifest that are this machine', named, '127.0.0.1'],
    ['name servers that the zone leads to', found, '10.0.1.1'],
  ])('%s are not asked, neither before writing nor after', async (_what, provider, refused) => {
    const { dns, world, clock } = challenges([provider], undefined, [], [refused])
    await expect(dns.locate('www.acme.example')).rejects.toMatchObject({ code: 'egress_refused' })
    const place = {
      provider: provider.address,
      zoneId: 'id',
      zone: 'acme.example',
      name: '_acme-challenge.acme.example',
    }
    await expect(dns.awaitVisible(place, ['a'])).rejects.toMatchObject({ code: 'egress_refused' })
    expect(asked(world)).not.toContain(refused)
    expect(clock.elapsed()).toBe(0)
  })

  test('the resolver of the operator is asked whatever the guard says', async () => {
    const { dns, world } = challenges([found], undefined, [], ['10.0.0.53'])
    expect(await dns.locate('www.acme.example')).toMatchObject({ zone: 'acme.example' })
    expect(asked(world)).toContain('10.0.0.53')
  })
})
