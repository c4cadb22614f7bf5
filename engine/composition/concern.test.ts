import { beforeAll, expect, test } from 'vitest'
import { loadDrivers } from '../kinds/registry.ts'
import { plan } from '../planner/planner.ts'
import type { PlanMode, PlanRequest } from '../planner/request.ts'
import type { Snapshot } from '../state/store.ts'
import { concernOf } from './concern.ts'
import { fieldFacts } from './field-facts.ts'
import { findings, manifest, type Workshop, workshop } from './fixtures/workshop.ts'

/** A name, or what it takes to refer to another owner's resource. */
type Target = string | { readonly external: string }

const authority = (name: string) => manifest('CertificateAuthority', name, { type: 'root', commonName: name })
const role = (name: string, ca: Target) =>
  manifest('Role', name, { ca, allowedDomains: ['acme.example'], allowSubdomains: true })
const leaf = (name: string, of: Target) =>
  manifest('Certificate', name, { role: of, domains: [`${name}.acme.example`], ttl: '30d' })
const secret = (path: string) => manifest('Secret', path, { path: `app/${path}`, data: { value: { env: 'VALUE' } } })
const external = (address: string) => ({
  external: snapshot.resources.find(each => each.address === address)?.id ?? 'ca_none',
})

/** `mine` has a root and what stands on it; `theirs` stands on that root, too, and has one of its own; `apart` is alone. */
const mine = [authority('root'), role('web', 'root'), leaf('www', 'web'), leaf('api', 'web')]
const theirs = () => [
  ...[role('guest', external('CertificateAuthority/root')), leaf('guest', 'guest')],
  ...[authority('other'), role('far', 'other'), leaf('far', 'far')],
]

let shop: Workshop
let snapshot: Snapshot
beforeAll(async () => {
  shop = await workshop()
  shop.env.VALUE = 'a value'
  await applyAs('mine', mine)
  await applyAs('theirs', theirs())
  await applyAs('apart', [authority('apart')])
  expect(snapshot.resources).toHaveLength(mine.length + theirs().length + 1)
})

async function applyAs(owner: string, manifests: readonly string[]): Promise<void> {
  const engine = await shop.reopen({ owner })
  const made = await engine.plan({ configuration: await shop.load(manifests.join('')) })
  const { failed } = await engine.locked('test', {}, locked => locked.apply(made.plan, made.snapshot))
  expect(failed).toEqual([])
  snapshot = await engine.snapshot()
}

async function requestOf(owner: string, yaml: string, more: Partial<PlanRequest> = {}): Promise<PlanRequest> {
  const { resources } = yaml === '' ? { resources: [] } : await shop.load(yaml)
  return {
    ...{ mode: 'apply' as PlanMode, owner, live: new Map(), recorded: snapshot.resources, now: shop.clock.now() },
    desired: resources.map(resource => ({ resource, spec: resource.spec, secrets: new Map() })),
    drivers: await loadDrivers([...resources, ...snapshot.resources].map(({ kind }) => kind)),
    ...{ lineage: snapshot.lineage, serial: snapshot.serial, configDigest: 'sha256:0' },
    ...{ adopt: false, offline: true, targets: [], excludes: [], allow: [], force: new Set<string>() },
    fields: fieldFacts,
    ...more,
  }
}

const without = (name: string) => mine.filter(each => !each.includes(`"name":"${name}"`)).join('')
const all = mine.join('')

const cases: [what: string, owner: string, yaml: () => string, more?: Partial<PlanRequest>][] = [
  ['nothing changed', 'mine', () => all],
  ['a certificate goes', 'mine', () => without('api')],
  ['all goes but an authority on which somebody else stands', 'mine', () => authority('root')],
  ['it goes, too', 'mine', () => authority('new'), { allow: ['all-deletes'] }],
  ['everything goes', 'mine', () => '', { mode: 'destroy', allow: ['all-deletes'] }],
  ['an authority is replaced', 'mine', () => all.replace('"commonName":"root"', '"commonName":"b"')],
  ['a certificate stands on what another owns', 'mine', () => all + leaf('new', external('Role/far'))],
  ['a certificate stands on what nobody has', 'mine', () => all + leaf('new', { external: 'role_none' })],
  ['what another owns is declared', 'mine', () => all + leaf('far', 'web')],
  ['what another owns is taken over', 'mine', () => all + leaf('far', 'web'), { adopt: true }],
  ['a role of another is re-pointed', 'mine', () => all + role('far', 'root'), { adopt: true }],
  ['it names its certificate anew', 'mine', () => all.replaceAll('"api"', '"renamed"')],
  ['a secret joins', 'mine', () => all + secret('one')],
  ['somebody comes who owns nothing yet', 'new', () => authority('third') + role('third', 'third')],
  ['somebody comes and stands on another', 'new', () => leaf('x', external('Role/guest'))],
]
test.each(
  cases,
)('a plan over what concerns an owner is the plan over everything: %s', async (_what, owner, yaml, more) => {
  const whole = await requestOf(owner, yaml(), more)
  const part = { ...whole, recorded: concernOf(snapshot, whole) }
  expect(part.recorded.length).toBeLessThan(whole.recorded.length)
  expect(outcome(part)).toEqual(outcome(whole))
})

function outcome(request: PlanRequest) {
  const { document, operations, revisions } = plan(request)
  return { document, findings: findings(document), operations, revisions }
}

test('what does not concern an owner is left out', async () => {
  const part = async (owner: string, yaml: string, more?: Partial<PlanRequest>) =>
    concernOf(snapshot, await requestOf(owner, yaml, more)).map(({ address }) => address)
  const others = ['Certificate/far', 'CertificateAuthority/apart', 'CertificateAuthority/other', 'Role/far']
  expect(await part('mine', all)).toEqual(
    snapshot.resources.map(({ address }) => address).filter(address => !others.includes(address)),
  )
  expect(await part('new', authority('third'))).toEqual([])
  expect(await part('mine', all, { targets: ['Role/far'] })).toHaveLength(snapshot.resources.length)
  expect(await part('mine', '', { mode: 'renew' })).toHaveLength(snapshot.resources.length)
})
