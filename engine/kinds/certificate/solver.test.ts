import { expect, test } from 'vitest'
import { createFakeClock } from '../../../test/fakes/clock.ts'
import type { Dns01Target } from '../../acme/solvers/dns-01.ts'
import type { Address } from '../../core/address.ts'
import { egressRefused } from '../../core/egress.ts'
import { Secret } from '../../core/secret.ts'
import type { OpenResource, OperationContext } from '../driver.ts'
import { dns01Options } from './solver.ts'

const quiet = { debug: () => {}, info: () => {}, warn: () => {} }

/** A recorded rfc2136 provider as a tenant may declare one. */
const provider: OpenResource = {
  address: 'DnsProvider/bind' as Address,
  kind: 'DnsProvider',
  name: 'bind',
  id: 'dnsp_1',
  owner: 'git:infra',
  revision: 1,
  labels: {},
  lifecycle: {},
  status: {},
  dependsOn: [],
  createdAt: '2026-11-01T00:00:00.000Z',
  updatedAt: '2026-11-01T00:00:00.000Z',
  spec: {
    providerType: 'rfc2136',
    credentials: { tsig_key_name: 'acme-key', tsig_secret: { $secret: 'hmac' } },
    config: { nameserver: '127.0.0.1', port: 1, zones: ['dyn.example'] },
    managedZones: ['**.dyn.example'],
    propagation: { timeout: '1m', ttl: '1m', nameservers: ['127.0.0.1:1'] },
    verify: true,
  },
  secret: async () => new Secret(Buffer.alloc(32, 1).toString('base64')),
  held: async () => undefined,
}

const context: Partial<OperationContext> = {
  clock: createFakeClock(),
  log: quiet,
  trace: { span: (_name, _attributes, work) => work() },
  http: { request: () => Promise.reject(new Error('nothing is asked over HTTP here')) },
  network: {
    http01Listen: ':0',
    guard: target => {
      throw egressRefused(target, 'it is a loopback address')
    },
  },
  openAll: async () => [provider],
  shared: (_key, make) => make(),
}

const steps: [what: string, step: (dns: Dns01Target) => Promise<unknown>][] = [
  ['looking for the place', dns => dns.locate('www.dyn.example')],
  ['writing the record', dns => dns.present(place, 'value')],
  ['waiting for it', dns => dns.awaitVisible(place, ['value'], 'www.dyn.example')],
  ['removing it', dns => dns.cleanup(place, 'value')],
]
const place = {
  provider: provider.address,
  zoneId: 'dyn.example',
  zone: 'dyn.example',
  name: '_acme-challenge.www.dyn.example',
}

test.each(steps)('%s asks the egress guard', async (_what, step) => {
  // What opening providers needs of an operation's context is all above.
  const { open } = await dns01Options({}, context as OperationContext)
  await expect(step(await open(undefined))).rejects.toMatchObject({ code: 'egress_refused' })
})
