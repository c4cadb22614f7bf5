import { describe, expect, test } from 'vitest'
import { createDnsWorld, worldResolver, type Zones } from '../../test/fakes/dns-world.ts'
import { followAliases, longestChain } from './alias.ts'
import { findAuthority } from './authority.ts'
import { parseEndpoint } from './endpoint.ts'
import { createResolver } from './resolver.ts'

/** Two servers: `acme.example` with a delegated `sub`, and another party's `other.test`. */
function worldWith(acme: readonly string[] = [], other: readonly string[] = [], more: Zones = {}) {
  const world = createDnsWorld()
  world.serve('10.0.1.1', {
    'acme.example': ['@ NS ns1', 'ns1 A 10.0.1.1', 'sub NS ns1.sub', 'ns1.sub A 10.0.1.2', 'www A 192.0.2.1', ...acme],
  })
  world.serve('10.0.1.2', { 'sub.acme.example': ['@ NS ns1', 'ns1 A 10.0.1.2'] })
  world.serve('10.0.2.1', { 'other.test': ['@ NS ns1', 'ns1 A 10.0.2.1', ...other], ...more })
  const { transport } = world
  return {
    world,
    context: { transport, resolver: createResolver({ transport, servers: [parseEndpoint(worldResolver)] }) },
  }
}

describe('the zone of a name', () => {
  test.each([
    ['a name that does not exist', '_acme-challenge.acme.example', 'acme.example', ['10.0.1.1']],
    ['a deep name that does not exist', '_acme-challenge.x.y.acme.example', 'acme.example', ['10.0.1.1']],
    ['a name below a delegation', '_acme-challenge.www.sub.acme.example', 'sub.acme.example', ['10.0.1.2']],
    [
      'a zone on a server that holds its parent too',
      '_acme-challenge.deep.other.test',
      'deep.other.test',
      ['10.0.2.1'],
    ],
  ])('%s', async (_what, name, zone, addresses) => {
    const deep = { 'deep.other.test': ['@ NS ns1.other.test.'] }
    const authority = await findAuthority(name, worldWith([], [], deep).context)
    expect(authority.zone).toBe(zone)
    expect(authority.servers.flatMap(server => server.endpoints.map(({ host }) => host))).toEqual(addresses)
  })

  test('no resolver is asked for a name that may not exist yet', async () => {
    const { world, context } = worldWith()
    await followAliases('_acme-challenge.new.sub.acme.example', context)
    const recursive = world.queries.filter(({ recursion }) => recursion).map(({ name }) => name)
    expect(recursive).toContain('acme.example')
    expect(recursive.filter(name => name.includes('new'))).toEqual([])
  })

  test('a zone of one label is found without asking for the name itself', async () => {
    const { world, context } = worldWith()
    world.serve('10.0.4.1', { corp: ['@ NS ns1', 'ns1 A 10.0.4.1'] })
    expect((await findAuthority('_acme-challenge.corp', context)).zone).toBe('corp')
    const asked = world.queries.filter(({ recursion }) => recursion).map(({ name }) => name)
    expect(asked).not.toContain('_acme-challenge.corp')
  })

  test('a resolver that fails is not asked for the name itself', async () => {
    const { world, context } = worldWith()
    const resolver = createResolver({ transport: world.transport, servers: [parseEndpoint('10.0.9.9:53')] })
    world.serve('10.0.9.9', {}, 'servfail')
    await expect(findAuthority('_acme-challenge.www.acme.example', { ...context, resolver })).rejects.toMatchObject({
      code: 'dns_lookup_failed',
      message: expect.stringContaining('10.0.9.9:53 answered SERVFAIL'),
    })
    expect(world.queries.map(({ name }) => name)).toEqual(['acme.example', 'www.acme.example'])
  })

  test('a zone that nobody knows is told', async () => {
    await expect(findAuthority('_acme-challenge.nowhere.invalid', worldWith().context)).rejects.toMatchObject({
      code: 'dns_lookup_failed',
      message: 'cannot find the zone of _acme-challenge.nowhere.invalid',
    })
  })
})

describe('a challenge name', () => {
  const www = '_acme-challenge.www.acme.example'

  test.each<[what: string, acme: string[], other: string[], want: string]>([
    ['without CNAME stays', [], [], www],
    ['is followed to another party', ['_acme-challenge.www CNAME abc.other.test.'], [], 'abc.other.test'],
    [
      'is followed to a name that exists',
      ['_acme-challenge.www CNAME abc.other.test.'],
      ['abc TXT x'],
      'abc.other.test',
    ],
    [
      'is followed several times',
      ['_acme-challenge.www CNAME a', 'a CNAME b.other.test.'],
      ['b CNAME c'],
      'c.other.test',
    ],
    ['is not led away by a wildcard', ['*.www CNAME lb.other.test.'], [], www],
    [
      'with a CNAME of its own beside a wildcard is followed',
      ['*.www CNAME lb', '_acme-challenge.www CNAME own'],
      [],
      'own.acme.example',
    ],
  ])('%s', async (_what, acme, other, want) => {
    const target = await followAliases(www, worldWith(acme, other).context)
    expect(target.fqdn).toBe(want)
    expect(target.authority?.zone).toBe(want.endsWith('other.test') ? 'other.test' : 'acme.example')
  })

  test('a loop is told with its way', async () => {
    const { context } = worldWith(
      ['_acme-challenge.www CNAME a.other.test.'],
      ['a CNAME _acme-challenge.www.acme.example.'],
    )
    await expect(followAliases(www, context)).rejects.toMatchObject({
      code: 'dns_lookup_failed',
      message: expect.stringContaining(`form a loop: ${www} -> a.other.test -> ${www}`),
    })
  })

  test.each([
    [longestChain, 'followed'],
    [longestChain + 1, 'refused'],
  ])('a chain of %i is %s', async (length, verdict) => {
    const chain = Array.from(
      { length },
      (_, hop) => `${hop === 0 ? '_acme-challenge.www' : `h${hop}`} CNAME h${hop + 1}`,
    )
    const outcome = await followAliases(www, worldWith(chain).context).then(
      ({ fqdn }) => (fqdn === `h${length}.acme.example` ? 'followed' : fqdn),
      ({ code }) => (code === 'dns_lookup_failed' ? 'refused' : code),
    )
    expect(outcome).toBe(verdict)
  })

  test('is looked up by the resolver where no authoritative server can be reached', async () => {
    const { world, context } = worldWith(['_acme-challenge.www CNAME abc.other.test.'])
    world.behave('10.0.1.1', 'silent')
    expect((await followAliases(www, context)).fqdn).toBe('abc.other.test')
  })
})
