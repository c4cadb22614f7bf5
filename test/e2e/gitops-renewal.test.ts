import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type AcmeWorld, startAcmeWorld } from './acme-world.ts'
import { until } from './gitops-service.ts'
import { createMovedClock, type ServiceInProcess, startInProcess } from './service-in-process.ts'
import { createWorkspace, manifest, type Workspace } from './workspace.ts'

const minute = 60_000
const day = 24 * 60 * minute

let world: AcmeWorld
beforeAll(async () => {
  world = await startAcmeWorld({ nonceReject: 0, authzReuse: 0 })
})
afterAll(() => world.stop())

let work: Workspace
let service: ServiceInProcess | undefined
beforeEach(() => {
  work = world.workspace('renewal')
})
afterEach(async () => {
  await service?.stop()
  service = undefined
  work.remove()
})

const start = async (ahead: number) => {
  service = await startInProcess(work, { clock: createMovedClock(ahead) })
  return service
}
const apply = (text: string) => {
  work.write('pki.yaml', text)
  return work.expect(0, ['apply', '-f', '.', '--yes', '--state', 'sqlite:state.db'])
}
const acme = (name: string) =>
  manifest('Certificate', name, { account: 'ca', domains: [`${name}.acme.example`], challengeType: 'dns-01' })
/** How often something was written: once when it was made, once for each renewal. */
const writesOf = async (address: string) => {
  const args = ['state', 'history', '--json', '--limit', '5000', '--state', 'sqlite:state.db']
  const entries = JSON.parse((await work.expect(0, args)).stdout) as { address: string }[]
  return entries.filter(each => each.address === address).length
}

/** One more minute, again and again, as long as it takes; each lets a look at what is due begin and end. */
async function minutes(running: ServiceInProcess, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    running.clock.ahead(minute)
    await new Promise(resolve => setTimeout(resolve, 60))
  }
}

test('while the CA is down: expiring is told with the reason, once a day; attempts grow rare', async () => {
  const lonely = await startAcmeWorld({ nonceReject: 0 })
  try {
    const mine = lonely.account('ca') + lonely.dnsProvider()
    work.remove()
    work = lonely.workspace('renewal')
    await apply(mine + acme('web'))
    await lonely.pebble.stop()
    const running = await start(85 * day)
    const told = () => running.events('certificate.expiring')
    const [first] = await until(told, events => events.length > 0, 60)
    expect(first).toMatchObject({
      subject: 'Certificate/web',
      data: { reason: expect.stringMatching(/^acme_unreachable: /) },
    })

    const failures = async () =>
      Number(/^trustform_renewal_failures\{.*Certificate\/web.*\} (\d+)$/m.exec(await running.text('/metrics'))?.[1])
    expect(await failures()).toBe(1)
    expect(await running.text('/')).toMatch(/Certificate\/web.*renewal fails: acme_unreachable/s)

    running.clock.ahead(10 * minute)
    await until(failures, count => count === 2, 60)
    expect(await told(), 'the same day says nothing new').toHaveLength(1)
    running.clock.ahead(day)
    await until(told, events => events.length === 2, 60)
  } finally {
    await service?.stop()
    service = undefined
    await lonely.dns.stop()
  }
})

test('a failing renewal leaves the CA in peace, and is made up for when it can be', async () => {
  await apply(world.account('ca') + world.dnsProvider() + acme('edge'))
  const issued = world.issued()
  // The zone is served, and nobody may write to it: orders begin and cannot be fulfilled.
  await world.dns.changeApiKey('another key')
  const orders = () => world.pebble.output().match(/POST \/order-plz/g)?.length ?? 0
  const before = orders()
  expect(before).toBeGreaterThan(0)
  try {
    const running = await start(65 * day)
    const failed = () => running.events('certificate.renewal_failed')
    const failures = async () =>
      Number(/^trustform_renewal_failures\{.*Certificate\/edge.*\} (\d+)$/m.exec(await running.text('/metrics'))?.[1])
    await until(failures, count => count >= 1, 60)
    await minutes(running, 60)
    // Every five minutes, doubled: at once, and then after 5, 15, 35 and 75 minutes.
    expect(await failures()).toBeGreaterThanOrEqual(3)
    expect(await failures()).toBeLessThanOrEqual(4)
    expect((await failed()).length).toBeLessThanOrEqual(4)
    expect(orders() - before).toBeLessThanOrEqual(4)
    expect(await running.events('certificate.expiring'), 'a third of its life is left').toEqual([])
    expect(await writesOf('Certificate/edge')).toBe(1)

    await world.dns.changeApiKey(world.dns.apiKey)
    running.clock.ahead(2 * 60 * minute)
    await until(
      () => running.events('certificate.renewed'),
      events => events.length === 1,
      60,
    )
    expect(world.issued()).toBe(issued + 1)
    await until(failures, Number.isNaN, 20)
  } finally {
    await world.dns.changeApiKey(world.dns.apiKey)
  }
})

test('many that are due are renewed once each, in batches; one that cannot be keeps no other from it', async () => {
  work.remove()
  work = createWorkspace('renewal')
  const authority = manifest('CertificateAuthority', 'root', {
    ...{ type: 'root', commonName: 'Root', keyType: 'ec', validity: '10y' },
  })
  const role = (domains: string[]) =>
    manifest('Role', 'web', {
      ca: 'root',
      allowedDomains: domains,
      allowSubdomains: true,
      maxTtl: '30d',
      defaultTtl: '30d',
    })
  const leaf = (n: number) => manifest('Certificate', `c${n}`, { role: 'web', domains: [`c${n}.corp.example`] })
  const leaves = Array.from({ length: 60 }, (_, n) => leaf(n)).join('')
  const odd = manifest('Certificate', 'odd', { role: 'web', domains: ['odd.former.example'] })
  await apply(authority + role(['corp.example', 'former.example']) + leaves + odd)
  await apply(authority + role(['corp.example']) + leaves + odd)

  const running = await start(28 * day)
  await until(
    () => running.events('certificate.renewed'),
    events => events.length === 60,
    90,
  )
  const [told] = await until(
    () => running.events('certificate.expiring'),
    events => events.length > 0,
    30,
  )
  expect(told).toMatchObject({
    subject: 'Certificate/odd',
    data: { reason: expect.stringContaining('odd.former.example') },
  })
  await minutes(running, 5)
  expect(await running.events('certificate.renewed'), 'nothing is renewed twice').toHaveLength(60)
  expect(await writesOf('Certificate/c0')).toBe(2)
  expect(await writesOf('Certificate/odd')).toBe(1)
})
