import { createServer } from 'node:http'
import { type AddressInfo, isIPv6, type LookupFunction } from 'node:net'
import { expect, test } from 'vitest'
import { createHttp, EngineError } from '../../engine/index.ts'
import { createEgress } from './egress.ts'

const cases: [what: string, address: string, allow: string[], reached: boolean][] = [
  ['a public IPv4 address', '93.184.215.14', [], true],
  ['a public IPv6 address', '2606:2800:21f:cb07:6820:80da:af6b:8b2c', [], true],
  ['loopback', '127.0.0.1', [], false],
  ['all of loopback', '127.255.1.2', [], false],
  ['IPv6 loopback', '::1', [], false],
  ['link-local, where clouds keep credentials', '169.254.169.254', [], false],
  ['IPv6 link-local with a zone', 'fe80::1%eth0', [], false],
  ['RFC 1918, 10/8', '10.1.2.3', [], false],
  ['RFC 1918, 172.16/12', '172.31.0.1', [], false],
  ['next to RFC 1918', '172.32.0.1', [], true],
  ['RFC 1918, 192.168/16', '192.168.1.1', [], false],
  ['unique-local', 'fd00:ec2::254', [], false],
  ['carrier-grade NAT', '100.64.0.1', [], false],
  ['multicast', '224.0.0.251', [], false],
  ['IPv6 multicast', 'ff02::fb', [], false],
  ['broadcast', '255.255.255.255', [], false],
  ['this host', '0.0.0.0', [], false],
  ['IPv6 unspecified', '::', [], false],
  ['documentation', '192.0.2.1', [], false],
  ['IPv4-mapped loopback', '::ffff:127.0.0.1', [], false],
  ['IPv4-mapped private, in hexadecimal', '::ffff:a01:203', [], false],
  ['IPv4-mapped public', '::ffff:93.184.215.14', [], true],
  ['IPv4-compatible loopback (deprecated)', '::127.0.0.1', [], false],
  ['NAT64 to the metadata address', '64:ff9b::a9fe:a9fe', [], false],
  ['NAT64 to a public address', '64:ff9b::5db8:d70e', [], true],
  ['local-use NAT64', '64:ff9b:1::7f00:1', [], false],
  ['6to4 around loopback', '2002:7f00:1::1', [], false],
  ['Teredo', '2001:0:4136:e378:8000:63bf:3fff:fdd2', [], false],
  ['site-local (deprecated)', 'fec0::1', [], false],
  ['not an address', 'localhost', [], false],
  ['a listed range', '10.20.3.4', ['10.20.0.0/16'], true],
  ['beside a listed range', '10.21.3.4', ['10.20.0.0/16'], false],
  ['a listed range, mapped', '::ffff:10.20.3.4', ['10.20.0.0/16'], true],
  ['a listed IPv6 range', 'fd12::7', ['fd12::/16'], true],
  ['an IPv4 range says nothing of IPv6', 'fd12::7', ['0.0.0.0/0'], false],
  ['one listed address', '127.0.0.1', ['127.0.0.1/32'], true],
]
test.each(cases)('%s', (_what, address, allow, reached) => {
  const check = () => createEgress(allow).guard({ hostname: 'dns.tenant.example', address })
  if (reached) expect(check).not.toThrow()
  else expect(check).toThrow(expect.objectContaining({ code: 'egress_refused' }))
})

const own = ['198.18.0.1', '127.0.0.1', '8.8.8.8', 'fe80::1', '2606:2800:21f:cb07:6820:80da:af6b:8b2c']
test.each<[what: string, address: string, allow: string[], reached: boolean]>([
  ['a public address of this machine', '8.8.8.8', [], false],
  ['the same, mapped', '::ffff:8.8.8.8', [], false],
  ['an IPv6 address of this machine, spelt otherwise', '2606:2800:021f:cb07:6820:80da:af6b:8b2c', [], false],
  ['beside it', '8.8.4.4', [], true],
  ['one that the operator listed', '8.8.8.8', ['8.8.8.8/32'], true],
])('%s', (_what, address, allow, reached) => {
  const check = () => createEgress(allow, () => own).guard({ hostname: 'a.example', address })
  if (reached) expect(check).not.toThrow()
  else expect(check).toThrow('it is an address of this machine')
})

test('the refusal names host, address and what to do', () => {
  expect(() => createEgress([]).guard({ hostname: 'a.example', address: '10.0.0.1' })).toThrow(
    expect.objectContaining({
      message: 'a connection to a.example (10.0.0.1) is refused: it is a private address',
      remedy: expect.stringContaining('egress.allow'),
    }),
  )
})

test('a program that connects by itself gets one address, checked', async () => {
  const egress = createEgress([])
  expect(await egress.addressOf('a.example', async () => ['93.184.215.14'])).toBe('93.184.215.14')
  await expect(egress.addressOf('a.example', async () => ['93.184.215.14', '10.0.0.1'])).rejects.toThrow('10.0.0.1')
  await expect(egress.addressOf('[::1]')).rejects.toThrow(EngineError)
})

/** Answers every look-up of a name with the next address of a list. */
function rebinding(...addresses: string[]): { lookup: LookupFunction; asked: () => number } {
  let asked = 0
  return {
    asked: () => asked,
    lookup: (_hostname, options, done) => {
      const address = addresses[Math.min(asked++, addresses.length - 1)] ?? ''
      const family = isIPv6(address) ? 6 : 4
      if (options.all) done(null, [{ address, family }])
      else done(null, address, family)
    },
  }
}

test('a name that turns to loopback after its check gains nothing', async () => {
  let reached = 0
  const server = createServer((_request, response) => {
    reached++
    response.end()
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo // listening on TCP
  try {
    const url = `http://tenant.example:${port}/`
    // The second answer is the hostile one; a guard that looked up for itself would have seen only the first.
    const first = rebinding('127.0.0.1', '93.184.215.14')
    const guarded = await createHttp({ guard: createEgress([]).guard, lookup: first.lookup })
    await expect(guarded.request({ method: 'GET', url })).rejects.toThrow('is refused: it is a loopback address')
    await expect(guarded.request({ method: 'GET', url: `http://127.0.0.1:${port}/` })).rejects.toThrow('is refused')
    await expect(guarded.request({ method: 'GET', url: `http://[::ffff:127.0.0.1]:${port}/` })).rejects.toThrow(
      'is refused',
    )
    await guarded.close()
    expect(reached).toBe(0)

    const listed = rebinding('127.0.0.1')
    const open = await createHttp({ guard: createEgress(['127.0.0.0/8']).guard, lookup: listed.lookup })
    expect((await open.request({ method: 'GET', url })).status).toBe(200)
    await open.close()
    expect({ reached, asked: listed.asked() }).toEqual({ reached: 1, asked: 1 })
  } finally {
    await new Promise(done => server.close(done))
  }
})
