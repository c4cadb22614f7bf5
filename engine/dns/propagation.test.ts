import { describe, expect, test } from 'vitest'
import { createFakeClock } from '../../test/fakes/clock.ts'
import { type Behaviour, createDnsWorld } from '../../test/fakes/dns-world.ts'
import { egressRefused } from '../core/egress.ts'
import type { LogFields } from '../core/ports.ts'
import type { NameServer } from './authority.ts'
import { guardedTransport } from './guarded.ts'
import { awaitPropagation, type PropagationRequest } from './propagation.ts'

const name = '_acme-challenge.acme.example'
const has = (...values: string[]) => ({
  'acme.example': ['@ NS ns1', ...values.map(value => `_acme-challenge TXT ${value}`)],
})
const server = (host: string, label = host): NameServer => ({ name: label, endpoints: [{ host, port: 53 }] })

function setUp() {
  const world = createDnsWorld()
  const clock = createFakeClock()
  const warnings: LogFields[] = []
  const spans: string[] = []
  const context = {
    transport: world.transport,
    clock,
    log: {
      debug: () => undefined,
      info: () => undefined,
      warn: (_: string, fields?: LogFields) => void warnings.push(fields ?? {}),
    },
    trace: {
      span: <T>(span: string, attributes: LogFields, work: () => Promise<T>) => {
        spans.push(`${span} ${attributes.name}`)
        return work()
      },
    },
  }
  const wait = (request: Partial<PropagationRequest>) =>
    awaitPropagation({ name, values: ['mine'], servers: [server('10.0.1.1')], ...request }, context)
  return { world, clock, warnings, spans, context, wait }
}

describe('awaitPropagation', () => {
  test('asks every address over UDP and over TCP, without recursion, once', async () => {
    const { world, clock, wait, spans } = setUp()
    world.serve('10.0.1.1', has('mine', 'foreign'))
    world.serve('10.0.1.2', has('mine'))
    await wait({ servers: [server('10.0.1.1'), server('10.0.1.2')] })
    expect(world.queries.map(query => [query.server, query.protocol, query.recursion]).toSorted()).toEqual([
      ['10.0.1.1', 'tcp', false],
      ['10.0.1.1', 'udp', false],
      ['10.0.1.2', 'tcp', false],
      ['10.0.1.2', 'udp', false],
    ])
    expect(clock.elapsed()).toBe(0)
    expect(spans).toEqual([`dns.await_propagation ${name}`])
  })

  test('a server that the guard refuses is left out where another shows the values', async () => {
    const { world, context, warnings } = setUp()
    world.serve('10.0.1.1', has('mine'))
    const transport = guardedTransport(world.transport, target => {
      if (target.address !== '10.0.1.1') throw egressRefused(target, 'it is a private address')
    })
    const servers = [server('10.0.1.1'), server('10.0.1.2')]
    await awaitPropagation({ name, values: ['mine'], servers }, { ...context, transport })
    expect(warnings.map(({ server: left, protocol }) => [left, protocol])).toEqual([
      ['10.0.1.2 (10.0.1.2:53)', 'udp'],
      ['10.0.1.2 (10.0.1.2:53)', 'tcp'],
    ])
    expect(world.queries.map(query => query.server)).toEqual(['10.0.1.1', '10.0.1.1'])
  })

  test('waits for the last server, and backs off to ten seconds', async () => {
    const { world, clock, wait, warnings } = setUp()
    world.serve('10.0.1.1', has('mine'))
    world.serve('10.0.1.2', has())
    clock.at(40, () => world.serve('10.0.1.2', has('mine')))
    await wait({ servers: [server('10.0.1.1'), server('10.0.1.2')] })
    // 1 + 2 + 4 + 8 + 10 + 10 + 10
    expect(clock.elapsed()).toBe(45)
    expect(world.queries.filter(query => query.server === '10.0.1.2')).toHaveLength(16)
    expect(world.queries.filter(query => query.server === '10.0.1.1')).toHaveLength(2)
    expect(warnings).toEqual([])
  })

  test('wants all values of a name', async () => {
    const { world, clock, wait } = setUp()
    world.serve('10.0.1.1', has('mine'))
    clock.at(1, () => world.serve('10.0.1.1', has('mine', 'second')))
    await wait({ values: ['mine', 'second'] })
    expect(clock.elapsed()).toBe(1)
  })

  test('asks again over TCP where UDP is truncated', async () => {
    const { world, wait } = setUp()
    world.serve('10.0.1.1', has('mine'), 'truncates')
    await wait({})
    expect(world.queries.filter(query => query.protocol === 'tcp')).toHaveLength(2)
  })

  test.each<[Behaviour, string]>([
    ['silent', 'did not answer'],
    ['refuses', 'REFUSED'],
    ['servfail', 'SERVFAIL'],
    ['not-authoritative', 'NOERROR, but not authoritative'],
  ])('leaves a server out that %s three times, and says so', async (behaviour, words) => {
    const { world, clock, wait, warnings } = setUp()
    world.serve('10.0.1.1', has('mine'))
    world.serve('10.0.1.2', has('mine'), behaviour)
    await wait({ servers: [server('10.0.1.1'), server('10.0.1.2', 'ns2.acme.example')] })
    expect(clock.elapsed()).toBe(3)
    expect(warnings.map(({ server: label, answer }) => `${label}: ${answer}`)).toEqual([
      expect.stringContaining(`ns2.acme.example (10.0.1.2:53): `),
      expect.stringContaining(words),
    ])
  })

  test('leaves TCP out where only UDP answers', async () => {
    const { world, wait, warnings } = setUp()
    world.serve('10.0.1.1', has('mine'), 'udp-only')
    await wait({})
    expect(warnings).toMatchObject([{ protocol: 'tcp' }])
  })

  test('a server that comes back is waited for again', async () => {
    const { world, clock, wait } = setUp()
    world.serve('10.0.1.1', has('mine'))
    world.serve('10.0.1.2', has(), 'silent')
    clock.at(2, () => world.behave('10.0.1.2', 'answers'))
    clock.at(20, () => world.serve('10.0.1.2', has('mine')))
    await wait({ servers: [server('10.0.1.1'), server('10.0.1.2')] })
    expect(clock.elapsed()).toBe(25)
  })

  test('at least one server must show the value', async () => {
    const { world, wait } = setUp()
    world.serve('10.0.1.1', has('mine'), 'silent')
    await expect(wait({ timeout: 30 })).rejects.toMatchObject({ code: 'propagation_timeout' })
  })

  test('the failure lists the last answer of each server that is waited for, and how long absence is remembered', async () => {
    const { world, clock, wait } = setUp()
    world.serve('10.0.1.1', has('mine'))
    world.serve('10.0.1.2', has())
    world.serve('10.0.1.3', has('foreign'))
    const servers = [
      server('10.0.1.1'),
      server('10.0.1.2', 'ns2.acme.example'),
      server('10.0.1.3'),
      { name: 'ns4.acme.example', endpoints: [] },
    ]
    const failure = await wait({ servers, timeout: 60 }).catch(error => error)
    expect(clock.elapsed()).toBe(60)
    expect(failure).toMatchObject({ code: 'propagation_timeout', details: { negativeCacheSeconds: 30 } })
    expect(failure.message).toBe(
      `not every authoritative server shows the TXT value of ${name} after 60 s: ` +
        'ns2.acme.example (10.0.1.2:53) over UDP: NXDOMAIN without a TXT value; ' +
        'ns2.acme.example (10.0.1.2:53) over TCP: NXDOMAIN without a TXT value; ' +
        '10.0.1.3 (10.0.1.3:53) over UDP: other values: foreign; 10.0.1.3 (10.0.1.3:53) over TCP: other values: foreign; ' +
        'ns4.acme.example over UDP: it has no address; ' +
        'a resolver that asked too early may remember the absence for up to 30 s',
    )
  })

  test('without any server it fails after its time and says why', async () => {
    const { wait } = setUp()
    await expect(wait({ servers: [], timeout: 1 })).rejects.toThrow('no authoritative server is known')
  })

  test('stops with the signal', async () => {
    const { world, clock, context } = setUp()
    world.serve('10.0.1.1', has())
    const stop = new AbortController()
    clock.at(3, () => stop.abort(new Error('stopped')))
    const request = { name, values: ['mine'], servers: [server('10.0.1.1')] }
    await expect(awaitPropagation(request, { ...context, signal: stop.signal })).rejects.toThrow('stopped')
  })
})
