import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createDnsWorld, worldResolver } from '../../test/fakes/dns-world.ts'
import { parseEndpoint } from './endpoint.ts'
import { createResolver, systemResolvers } from './resolver.ts'

const folder = mkdtempSync(join(tmpdir(), 'trustform-resolv-'))
afterAll(() => rmSync(folder, { recursive: true }))

test.each<[what: string, text: string, want: string[]]>([
  [
    'the name servers in order',
    'search x\nnameserver 192.0.2.1\n  nameserver 2001:db8::1 # two\n',
    ['192.0.2.1', '2001:db8::1'],
  ],
  ['this machine where it names none', 'search x\n#nameserver 192.0.2.1\n', ['127.0.0.1']],
])('resolv.conf gives %s', (_what, text, want) => {
  const file = join(folder, 'resolv.conf')
  writeFileSync(file, text)
  expect(systemResolvers(file)).toEqual(want.map(host => ({ host, port: 53 })))
})

test('without a resolv.conf this machine is asked', () => {
  expect(systemResolvers(join(folder, 'none'))).toEqual([{ host: '127.0.0.1', port: 53 }])
})

function resolverOver(...servers: string[]) {
  const world = createDnsWorld()
  world.serve('10.0.1.1', { 'acme.example': ['ns1 A 10.0.1.1', 'ns1 AAAA 2001:db8::1', 'alias CNAME ns1'] })
  world.serve('10.0.9.1', {}, 'servfail')
  world.serve('10.0.9.2', {}, 'silent')
  return createResolver({ transport: world.transport, servers: servers.map(parseEndpoint) })
}

test('addresses are of both families, through CNAME', async () => {
  expect(await resolverOver(worldResolver).addresses('alias.acme.example')).toEqual(['10.0.1.1', '2001:db8::1'])
})

test.each(['192.0.2.9', '2001:db8::9'])('%s is its own address', async address => {
  expect(await resolverOver(worldResolver).addresses(address)).toEqual([address])
})

test('the next server is asked when one fails', async () => {
  expect(await resolverOver('10.0.9.1', '10.0.9.2', worldResolver).addresses('ns1.acme.example')).toHaveLength(2)
})

test('every failure is told', async () => {
  await expect(resolverOver('10.0.9.1', '10.0.9.2').query('acme.example', 'SOA')).rejects.toMatchObject({
    code: 'dns_lookup_failed',
    message:
      'cannot look up SOA of acme.example: 10.0.9.1:53 answered SERVFAIL; 10.0.9.2 did not answer within 3000 ms',
  })
})
