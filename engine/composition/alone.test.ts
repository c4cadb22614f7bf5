import { describe, expect, onTestFinished, test } from 'vitest'
import type { Address } from '../core/address.ts'
import { DiagnosticsError } from '../core/errors.ts'
import type { DesiredResource } from '../core/resource.ts'
import { Secret } from '../core/secret.ts'
import { type DraftValue, declareResource, type Engine, notYetKnown, openStore } from '../index.ts'
import { actions, findings, manifest, workshop } from './fixtures/workshop.ts'
import type { AloneOptions } from './plan-alone.ts'

type Spec = { readonly [field: string]: DraftValue | undefined }

const root: Spec = { type: 'root', commonName: 'Root', keyType: 'ec', validity: '3650d' }
const role: Spec = { ca: 'root', allowedDomains: ['acme.example'], allowSubdomains: true, maxTtl: '90d' }
const leaf: Spec = { role: 'web', domains: ['www.acme.example'], ttl: '30d' }
const standing = [
  manifest('CertificateAuthority', 'root', root),
  manifest('Role', 'web', role),
  manifest('Certificate', 'www', leaf),
  manifest('Certificate', 'api', { ...leaf, domains: ['api.acme.example'] }),
].join('')

async function declare(kind: string, name: DraftValue, spec: Spec, lifecycle?: DraftValue): Promise<DesiredResource> {
  const { resource, diagnostics } = await declareResource({ kind, name, spec, ...(lifecycle && { lifecycle }) })
  if (!resource) throw new DiagnosticsError(diagnostics)
  return resource
}

async function planOf(engine: Engine, resource: DesiredResource, more: Partial<AloneOptions> = {}) {
  return (await engine.planAlone({ address: resource.address, resource, ...more })).plan
}

async function goingPlan(engine: Engine, address: Address, more: Partial<AloneOptions> = {}) {
  return (await engine.planAlone({ address, ...more })).plan
}

function apply(engine: Engine, options: AloneOptions) {
  return engine.locked('test', {}, locked => locked.applyAlone(options))
}

describe('a plan about one resource', () => {
  const edited: [what: string, kind: string, name: string, spec: Spec][] = [
    ['nothing changed', 'Certificate', 'www', leaf],
    ['a name was added', 'Certificate', 'www', { ...leaf, domains: ['www.acme.example', 'b.acme.example'] }],
    ['a role changed in place', 'Role', 'web', { ...role, maxTtl: '60d' }],
    ['an authority is replaced', 'CertificateAuthority', 'root', { ...root, commonName: 'Other' }],
    ['another one is created', 'Certificate', 'new', { ...leaf, domains: ['new.acme.example'] }],
    ['a name is not allowed', 'Certificate', 'new', { ...leaf, domains: ['evil.example'] }],
    ['a role is not there', 'Certificate', 'new', { ...leaf, role: 'nope' }],
    ['it lives longer than its role allows', 'Certificate', 'www', { ...leaf, ttl: '100d' }],
  ]
  test.each(edited)('decides and judges as a whole plan does when %s', async (_what, kind, name, spec) => {
    const shop = await workshop()
    await shop.apply(standing)
    const changed = await declare(kind, name, spec)
    const alone = await planOf(shop.engine, changed)
    const others = await shop.load(standing)
    const configuration = {
      resources: [...others.resources.filter(({ address }) => address !== changed.address), changed],
      warnings: [],
    }
    const { plan: whole } = await shop.engine.plan({ configuration })
    const own = <T extends { readonly address: string }>(list: readonly T[]) =>
      list.filter(({ address }) => address === changed.address)
    expect(alone.document.changes).toEqual(own(whole.document.changes))
    expect(alone.document.preflight).toEqual(own(whole.document.preflight))
    expect(alone.operations.map(({ address }) => address)).toEqual(own(whole.operations).map(({ address }) => address))
  })

  test('prunes nothing, and tells how much a replacement pulls along', async () => {
    const shop = await workshop()
    await shop.apply(standing)
    const plan = await planOf(shop.engine, await declare('CertificateAuthority', 'root', { ...root, commonName: 'B' }))
    expect(actions(plan.document)).toEqual(['replace CertificateAuthority/root'])
    expect(plan.document.changes[0]?.blocked).toMatchObject({ allow: 'CertificateAuthority/root' })
    expect(findings(plan.document)).toEqual([
      'warning CertificateAuthority/root: replacing it re-issues 2 certificates below it',
    ])
  })

  test('deletes exactly one, and never what others stand on', async () => {
    const shop = await workshop()
    await shop.apply(standing)
    const used = await goingPlan(shop.engine, 'Role/web')
    expect(actions(used.document)).toEqual(['delete Role/web'])
    expect(findings(used.document)).toEqual([
      'error Role/web: Role/web would be deleted while Certificate/api, Certificate/www still needs it',
    ])
    await expect(apply(shop.engine, { address: 'Role/web' })).rejects.toThrow('still needs it')
    await apply(shop.engine, { address: 'Certificate/www' })
    const left = await shop.engine.list()
    expect(left.map(({ address }) => address)).toEqual(['Certificate/api', 'CertificateAuthority/root', 'Role/web'])
    const nobody = await apply(shop.engine, { address: 'Certificate/www' })
    expect(nobody.result.done, 'what is not there is not deleted twice').toEqual([])
  })

  test('replaces what could stay where somebody asks for it, and only that very object', async () => {
    const shop = await workshop()
    await shop.apply(standing)
    const { id } = (await shop.engine.get('Certificate/www')).resource
    const resource = await declare('Certificate', 'www', leaf)
    const planned = async (anew: string) => actions((await planOf(shop.engine, resource, { anew })).document)
    expect(await planned(id)).toEqual(['replace Certificate/www'])
    expect(await planned('cert_another')).toEqual([])
    await apply(shop.engine, { address: resource.address, resource, anew: id })
    expect((await shop.engine.get('Certificate/www')).resource.id).not.toBe(id)
    expect(await planned(id)).toEqual([])
  })

  test('refuses another owner on both ways, until it is taken over', async () => {
    const shop = await workshop()
    await shop.apply(standing)
    const engine = await shop.reopen({ owner: 'pulumi:dev' })
    const changed = await declare('Role', 'web', { ...role, maxTtl: '60d' })
    const refused = (plan: Awaited<ReturnType<typeof planOf>>) => plan.document.changes[0]?.blocked?.code
    expect(refused(await planOf(engine, changed))).toBe('owned_by')
    expect(refused(await goingPlan(engine, 'Certificate/www'))).toBe('owned_by')
    await apply(engine, { address: changed.address, resource: changed, adopt: true })
    expect((await engine.get('Role/web')).resource.owner).toBe('pulumi:dev')
    expect(refused(await goingPlan(engine, 'Role/web'))).toBeUndefined()
  })

  test('judges on top of what is declared beside it', async () => {
    const { engine } = await workshop()
    const all = await Promise.all([
      declare('CertificateAuthority', 'root', root),
      declare('Role', 'web', role),
      declare('Role', 'other', { ...role, ca: 'nowhere' }),
    ])
    const beside = new Map(all.map(resource => [resource.address, resource]))
    const resource = await declare('Certificate', 'www', leaf)
    const alone = await planOf(engine, resource)
    expect(findings(alone.document)).toEqual(['error Certificate/www: Role "web" is neither declared nor recorded'])
    const { document } = await planOf(engine, resource, { beside })
    expect(actions(document).toSorted()).toEqual([
      'create Certificate/www',
      'create CertificateAuthority/root',
      'create Role/web',
    ])
    expect(findings(document)).toEqual([])
  })

  test('stands on the stored secret that it names by its path', async () => {
    const { engine } = await workshop()
    const secret = await declare('Secret', 'dns', { path: 'infra/dns', data: { key: new Secret('s3cret') } })
    const credentials = { api_url: 'http://127.0.0.1:1', api_key: { secret: 'infra/dns#key' } }
    const provider = await declare('DnsProvider', 'pdns', { providerType: 'powerdns', verify: false, credentials })
    await expect(planOf(engine, provider)).rejects.toThrow('infra/dns')
    const { document } = await planOf(engine, provider, { beside: new Map([[secret.address, secret]]) })
    expect(document.changes.map(({ dependsOn }) => dependsOn)).toEqual([[], ['Secret/dns']])
    await apply(engine, { address: secret.address, resource: secret })
    await apply(engine, { address: provider.address, resource: provider })
    expect(actions((await planOf(engine, provider)).document)).toEqual([])
    expect(findings((await goingPlan(engine, secret.address)).document)).toEqual([
      'error Secret/dns: Secret/dns would be deleted while DnsProvider/pdns still needs it',
    ])
  })

  test('says what is not known yet, and does not judge it', async () => {
    const shop = await workshop()
    await shop.apply(standing)
    const names = (domains: readonly DraftValue[]) => declare('Certificate', 'www', { ...leaf, domains })
    const { document } = await planOf(shop.engine, await names(['www.acme.example', notYetKnown, notYetKnown]))
    expect(document.changes[0]).toMatchObject({
      action: 'reissue',
      diffs: [
        { path: '/spec/domains/1', before: null, after: '(unknown)' },
        { path: '/spec/domains/2', before: null, after: '(unknown)' },
      ],
    })
    expect(document.preflight).toEqual([])
    const authority = await declare('CertificateAuthority', 'root', { ...root, commonName: notYetKnown })
    const { changes } = (await planOf(shop.engine, authority)).document
    expect(changes[0]).toMatchObject({
      action: 'replace',
      diffs: [{ path: '/spec/commonName', before: 'Root', after: '(unknown)', forcesReplacement: true }],
    })
    const fresh = await planOf(
      shop.engine,
      await declare('Certificate', 'new', { role: notYetKnown, domains: notYetKnown }),
    )
    expect(fresh.document.changes[0]).toMatchObject({ action: 'create' })
  })
})

describe('a resource that a program declares', () => {
  const mistakes: [what: string, kind: string, name: DraftValue, spec: Spec, want: string[]][] = [
    ['a wrong item', 'Certificate', 'a', { ...leaf, domains: ['ok.example', 'not ok'] }, ['/spec/domains/1']],
    ['a field that does not exist', 'Role', 'a', { ...role, maxTTL: '1d' }, ['/spec/maxTTL']],
    ['a bad name', 'Role', 'a b', role, ['/metadata/name']],
    ['a rule over two fields', 'Certificate', 'a', { domains: ['a.example'] }, ['/spec']],
    ['a missing field', 'Role', 'a', {}, ['/spec']],
    ['an unknown kind', 'Rolle', 'a', {}, ['']],
    ['a required field that is not known yet', 'Role', 'a', { ca: notYetKnown }, []],
    [
      'a rule over a field that is not known yet',
      'AcmeAccount',
      'a',
      { provider: notYetKnown, directoryUrl: 'https://a.example/' },
      [],
    ],
    [
      'an issuer that is not known yet',
      'Certificate',
      'a',
      { account: notYetKnown, domains: [notYetKnown, notYetKnown] },
      [],
    ],
    ['a duration that is not known yet', 'Certificate', 'a', { ...leaf, ttl: notYetKnown }, []],
    ['a mistake beside an unknown', 'Certificate', 'a', { ...leaf, role: notYetKnown, ttl: 'soon' }, ['/spec/ttl']],
  ]
  test.each(mistakes)('tells where it is wrong: %s', async (_what, kind, name, spec, want) => {
    const { diagnostics, resource } = await declareResource({ kind, name, spec })
    expect(diagnostics.map(({ pointer }) => pointer)).toEqual(want)
    expect(resource === undefined).toBe(want.length > 0)
  })

  test('prints no value that was given as a secret', async () => {
    const canary = 'canary-4711'
    const given: Spec[] = [
      { ...leaf, keySize: new Secret(canary) },
      { ...leaf, domains: [new Secret(`${canary} x`)] },
      { ...leaf, ttl: new Secret(canary) },
      { ...leaf, nope: new Secret(canary) },
    ]
    for (const spec of given) {
      const { diagnostics } = await declareResource({ kind: 'Certificate', name: 'a', spec })
      expect(diagnostics).not.toHaveLength(0)
      expect(JSON.stringify(diagnostics)).not.toContain(canary)
    }
  })

  test('is the same as in a manifest', async () => {
    const shop = await workshop()
    const documents: [kind: string, name: string, spec: object][] = [
      ['CertificateAuthority', 'root', root],
      ['Role', 'web', role],
      ['Certificate', 'www', leaf],
      ['Secret', 'dns', { path: 'infra/dns', data: { key: { env: 'DNS_KEY' } } }],
      ['AcmeAccount', 'le', { provider: 'letsencrypt', email: 'certs@acme.example' }],
      [
        'DnsProvider',
        'pdns',
        {
          providerType: 'powerdns',
          credentials: { api_url: 'http://pdns.example', api_key: { secret: 'infra/dns#key' } },
        },
      ],
    ]
    const { resources } = await shop.load(documents.map(([kind, name, spec]) => manifest(kind, name, spec)).join(''))
    for (const [index, [kind, name, spec]] of documents.entries()) {
      const fromYaml = resources[index]
      const declared = await declare(kind, name, spec as Spec)
      for (const part of ['address', 'spec', 'labels', 'lifecycle', 'secrets'] as const) {
        expect(declared[part], `${kind} ${part}`).toEqual(fromYaml?.[part])
      }
    }
  })
})

describe('several at a time under one lease', () => {
  test('are all made, and none undoes what another has begun', async () => {
    const shop = await workshop()
    await shop.apply(standing)
    const names = Array.from({ length: 40 }, (_each, index) => `leaf-${index}`)
    const declared = await Promise.all(
      names.map(name => declare('Certificate', name, { ...leaf, domains: [`${name}.acme.example`] })),
    )
    const results = await shop.engine.locked('test', {}, locked =>
      Promise.all(declared.map(resource => locked.applyAlone({ address: resource.address, resource }))),
    )
    expect(results.flatMap(({ result }) => result.failed)).toEqual([])
    expect((await shop.engine.list({ kind: 'Certificate' })).length).toBe(42)
    for (const resource of declared) expect(actions((await planOf(shop.engine, resource)).document)).toEqual([])
    expect(await shop.engine.verify()).toEqual([])
  })

  test('what one is in the middle of is not undone by another', async () => {
    const shop = await workshop()
    await shop.apply(standing)
    const store = await openStore(`sqlite:${shop.folder}/state.db`)
    onTestFinished(() => store.close())
    const operation = {
      ...({ id: 'op_neighbour', address: 'Certificate/slow', action: 'create', inputHash: 'h' } as const),
      ...{ attempt: 1, epoch: 1, startedAt: '2026-11-01T12:00:00.000Z' },
    }
    await store.commit('default', {
      mutations: [{ type: 'begin-operation', operation }],
      actor: 'test',
      at: operation.startedAt,
    })
    const fast = await declare('Certificate', 'fast', { ...leaf, domains: ['fast.acme.example'] })
    await apply(shop.engine, { address: fast.address, resource: fast })
    await apply(shop.engine, { address: fast.address, resource: fast })
    await apply(shop.engine, { address: fast.address })
    expect((await store.operations('default')).map(({ id }) => id)).toEqual(['op_neighbour'])
  })
})
