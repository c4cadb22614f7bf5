import { expect, test } from 'vitest'
import { type ConnectGuard, egressRefused } from '../core/egress.ts'
import type { Endpoint } from './endpoint.ts'
import type { DnsTransport } from './exchange.ts'
import { guardedTransport } from './guarded.ts'

/** Public is what begins with 203.; everything else is the service's own network. */
const guard: ConnectGuard = target => {
  if (!target.address.startsWith('203.')) throw egressRefused(target, 'it is a private address')
}

const octets = Uint8Array.of(1)
const options = { protocol: 'tcp', timeout: 1, answers: () => true } as const

/** Notes where messages went. */
function noting() {
  const reached: Endpoint[] = []
  const transport: DnsTransport = {
    async exchange(endpoint) {
      reached.push(endpoint)
      return octets
    },
  }
  return { transport, reached }
}

const cases: [what: string, host: string, addresses: string[], reached: string | undefined][] = [
  ['a public address', '203.0.113.1', [], '203.0.113.1'],
  ['a private address', '10.0.0.1', [], undefined],
  ['the address where clouds keep credentials', '169.254.169.254', [], undefined],
  ['IPv6 loopback', '::1', [], undefined],
  ['a name that leads to a public address', 'ns.example', ['203.0.113.2', '203.0.113.3'], '203.0.113.2'],
  ['a name that leads to loopback', 'ns.example', ['127.0.0.1'], undefined],
  ['a name that leads to both', 'ns.example', ['203.0.113.2', '127.0.0.1'], undefined],
]
test.each(cases)('%s', async (_what, host, addresses, reached) => {
  const world = noting()
  const transport = guardedTransport(world.transport, guard, async () => addresses)
  const exchange = transport.exchange({ host, port: 5353 }, octets, options)
  if (reached !== undefined) await exchange
  else await expect(exchange).rejects.toMatchObject({ reason: 'refused', cause: { code: 'egress_refused' } })
  expect(world.reached).toEqual(reached === undefined ? [] : [{ host: reached, port: 5353 }])
})

test('a name is resolved once, and the address that was checked is the one that is used', async () => {
  const world = noting()
  const answers = [['203.0.113.2'], ['127.0.0.1']]
  let asked = 0
  const lookUp = async () => answers[Math.min(asked++, 1)] ?? []
  await guardedTransport(world.transport, guard, lookUp).exchange({ host: 'ns.example', port: 53 }, octets, options)
  expect({ asked, reached: world.reached }).toEqual({ asked: 1, reached: [{ host: '203.0.113.2', port: 53 }] })
})

const unusable: [what: string, lookUp: () => Promise<string[]>][] = [
  ['a name that does not resolve', () => Promise.reject(new Error('getaddrinfo ENOTFOUND ns.example'))],
  ['a name without address', async () => []],
]
test.each(unusable)('%s is unreachable, not refused', async (_what, lookUp) => {
  const world = noting()
  const exchange = guardedTransport(world.transport, guard, lookUp).exchange(
    { host: 'ns.example', port: 53 },
    octets,
    options,
  )
  await expect(exchange).rejects.toMatchObject({ name: 'ExchangeFailure', reason: 'unreachable' })
  expect(world.reached).toEqual([])
})

test('without a guard nothing stands between', () => {
  const { transport } = noting()
  expect(guardedTransport(transport, undefined)).toBe(transport)
})
