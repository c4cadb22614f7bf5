import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Properties, SecretValue, unknown } from '../ports.ts'
import { type Declared, deployment, type Outputs, open } from './fixtures/deployment.ts'

const root: Properties = { type: 'root', commonName: 'Root', keyType: 'ec', validity: '3650d' }
const role: Properties = { allowedDomains: ['acme.example'], allowSubdomains: true, maxTtl: '90d' }
const leaf: Properties = { domains: ['www.acme.example'], ttl: '30d' }

const nameIn = (of: Outputs, key: string) => of(key).name ?? null

interface Edits {
  readonly root?: Properties
  readonly role?: Properties
  readonly leaf?: Properties
}

/** An authority, a role and a certificate, each standing on the one before by its `name` output. */
function program(edits: Edits = {}): Declared[] {
  return [
    ['CertificateAuthority', 'root', { ...root, ...edits.root }],
    ['Role', 'web', of => ({ ca: nameIn(of, 'CertificateAuthority/root'), ...role, ...edits.role })],
    ['Certificate', 'www', of => ({ role: nameIn(of, 'Role/web'), ...leaf, ...edits.leaf })],
  ]
}

const same = ['same CertificateAuthority/root', 'same Role/web', 'same Certificate/www']

describe('preview and up', () => {
  test('from nothing to nothing to do', async () => {
    const pulumi = await deployment()
    const created = ['create CertificateAuthority/root', 'create Role/web', 'create Certificate/www']
    const previewed = await pulumi.preview(program())
    expect(previewed.steps).toEqual(created)
    expect(previewed.told).toEqual([])
    expect(open(previewed.outputs('Certificate/www'))).toMatchObject({
      name: 'www',
      role: 'web',
      certificatePem: '<unknown>',
      notAfter: '<unknown>',
    })
    expect(previewed.outputs('Certificate/www')).not.toHaveProperty('privateKeyPem')
    expect(readdirSync(pulumi.folder), 'a preview writes nothing').toEqual([])
    const made = await pulumi.up(program())
    expect(made.steps).toEqual(created)
    expect(made.outputs('Certificate/www')).toMatchObject({
      certificatePem: expect.stringMatching(/^-----BEGIN CERTIFICATE-----/),
      chainPem: '',
      rootPem: made.outputs('CertificateAuthority/root').certificatePem,
      notAfter: expect.stringMatching(/^2026-12-01T/),
      renewAt: expect.stringMatching(/^2026-11-2/),
      serialNumber: expect.stringMatching(/^[0-9A-F]+$/),
      sha256Fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(made.outputs('Certificate/www')).not.toHaveProperty('privateKeyPem')
    expect((await pulumi.preview(program())).steps).toEqual(same)
    expect((await pulumi.up(program())).steps).toEqual(same)
    expect((await pulumi.refresh()).steps).toEqual(same)
  })

  const edits: [what: string, edits: Edits, want: string[]][] = [
    ['durations spelt otherwise', { role: { maxTtl: '2160h' }, leaf: { ttl: '720h' } }, same],
    ['names in another case', { leaf: { domains: ['WWW.acme.example'] } }, same],
    ['defaults that are said', { leaf: { autoRenew: true, reuseKey: false }, root: { keySize: 256 } }, same],
    ['a role in place', { role: { maxTtl: '60d' } }, [same[0] ?? '', 'update Role/web: maxTtl', same[2] ?? '']],
    [
      'another name on the certificate',
      { leaf: { domains: ['www.acme.example', 'api.acme.example'] } },
      ['same CertificateAuthority/root', 'same Role/web', 'update Certificate/www: add domains[1]'],
    ],
    [
      'labels and lifecycle',
      { leaf: { labels: { team: 'shop', 'a.b': 'c' }, lifecycle: { onDelete: 'revoke' } } },
      [
        'same CertificateAuthority/root',
        'same Role/web',
        'update Certificate/www: add labels.team, add labels["a.b"], lifecycle.onDelete',
      ],
    ],
    [
      'the lifetime of the authority, which keeps its key',
      { root: { validity: '3000d' } },
      ['update CertificateAuthority/root: validity', 'same Role/web', 'same Certificate/www'],
    ],
    [
      'another authority, which pulls the certificate along',
      { root: { commonName: 'Other', allowDestroy: true } },
      [
        'replace CertificateAuthority/root: allowDestroy, commonName',
        'same Role/web',
        'update Certificate/www: serialNumber, notAfter',
      ],
    ],
    [
      'another name of the certificate itself',
      { leaf: { name: 'web' } },
      ['same CertificateAuthority/root', 'same Role/web', 'replace Certificate/www: name'],
    ],
    [
      'a wish for the private key',
      { leaf: { exportPrivateKey: true } },
      ['same CertificateAuthority/root', 'same Role/web', 'update Certificate/www: exportPrivateKey'],
    ],
    [
      'a name that nobody knows yet',
      { leaf: { domains: ['www.acme.example', unknown] } },
      ['same CertificateAuthority/root', 'same Role/web', 'update Certificate/www: add domains[1]'],
    ],
  ]
  test.each(edits)('%s', async (_what, change, want) => {
    const pulumi = await deployment()
    await pulumi.up(program())
    const before = new Map(pulumi.stack)
    expect((await pulumi.preview(program(change))).steps).toEqual(want)
    expect([...pulumi.stack], 'a preview changes nothing').toEqual([...before])
    expect((await pulumi.preview(program())).steps).toEqual(same)
    if (JSON.stringify(open(change.leaf ?? {})).includes('<unknown>')) return
    expect((await pulumi.up(program(change))).steps, 'an update does what was previewed').toEqual(want)
    const again = await pulumi.up(program(change))
    expect(again.steps, 'and then there is nothing to do').toEqual(same)
    expect(await (await pulumi.engine()).verify()).toEqual([])
  })

  test('an update tells what stays, so that nothing on top looks changed', async () => {
    const pulumi = await deployment()
    const withAnchor = (edits: Edits): Declared[] => [
      ...program(edits),
      ['Secret', 'copy', of => ({ path: 'copy', data: { pem: of('Certificate/www').certificatePem ?? null } })],
    ]
    await pulumi.up(withAnchor({}))
    const { steps } = await pulumi.preview(withAnchor({ role: { maxTtl: '60d' }, leaf: { renewBefore: '10d' } }))
    expect(steps).toEqual([
      'same CertificateAuthority/root',
      'update Role/web: maxTtl',
      'update Certificate/www: add renewBefore',
      'same Secret/copy',
    ])
    const reissued = await pulumi.preview(withAnchor({ leaf: { ttl: '20d' } }))
    expect(reissued.steps.at(-1)).toBe('update Secret/copy: data.pem')
  })

  test('a replaced object is another one, and the old id deletes nothing', async () => {
    const pulumi = await deployment()
    await pulumi.up(program())
    const id = pulumi.stack.get('CertificateAuthority/root')?.id
    await pulumi.up(program({ root: { commonName: 'Other', allowDestroy: true } }))
    const now = pulumi.stack.get('CertificateAuthority/root')?.id
    expect(now).not.toBe(id)
    const { resource } = await (await pulumi.engine()).get('CertificateAuthority/root')
    expect([resource.id, resource.owner]).toEqual([now, 'pulumi:shop/dev'])
  })

  test('says in a preview what a change means, and what is refused', async () => {
    const pulumi = await deployment()
    await pulumi.up(program())
    const refused: [Edits, string][] = [
      [{ root: { commonName: 'Other' } }, 'set allowDestroy: true on it'],
      [{ leaf: { domains: ['evil.example'] } }, 'evil.example'],
      [{ leaf: { ttl: '100d' } }, '100d'],
      [{ leaf: { role: 'webb' } }, 'Role "webb" is neither part of this stack nor recorded'],
      [{ leaf: { domains: ['not ok'] } }, 'domains[0]: Certificate "www" has "not ok" as domains[0]'],
      [{ role: { maxTTL: '3d' } }, 'maxTTL: Role "web" has an unknown field maxTTL\n  remedy: did you mean "maxTtl"?'],
      [{ role: { allowDestroy: true } }, 'allowDestroy: a Role has no allowDestroy'],
      [{ leaf: { name: 'a b' } }, 'name: '],
    ]
    for (const [edits, words] of refused) {
      await expect(pulumi.preview(program(edits)), words).rejects.toThrow(words)
      await expect(pulumi.up(program(edits)), words).rejects.toThrow(words)
    }
    const { told } = await pulumi.preview(program({ root: { commonName: 'Other', allowDestroy: true } }))
    expect(told).toEqual([
      expect.stringContaining('warning: CertificateAuthority/root: replacing it re-issues 1 certificate below it'),
      expect.stringContaining('info: CertificateAuthority/root: is replaced: commonName cannot change in place'),
      expect.stringContaining('info: Certificate/www: is issued again: its authority root is another one now'),
    ])
  })

  test('ignored properties make no difference', async () => {
    const pulumi = await deployment()
    await pulumi.up(program())
    const changed = program({ leaf: { ttl: '20d' } })
    expect((await pulumi.preview(changed, { ignoreChanges: ['ttl'] })).steps).toEqual(same)
  })
})

describe('time and others', () => {
  test('a renewal that is due is shown and done', async () => {
    const pulumi = await deployment()
    const { outputs } = await pulumi.up(program())
    pulumi.clock.advance(25 * 86_400)
    const want = ['same CertificateAuthority/root', 'same Role/web', 'update Certificate/www: serialNumber, notAfter']
    const previewed = await pulumi.preview(program())
    expect(previewed.steps).toEqual(want)
    expect(previewed.told).toEqual([expect.stringMatching(/^info: Certificate\/www: is renewed: due since 2026-11-/)])
    expect(open(previewed.outputs('Certificate/www'))).toMatchObject({
      certificatePem: '<unknown>',
      chainPem: '',
      rootPem: outputs('Certificate/www').rootPem,
    })
    const renewed = await pulumi.up(program())
    expect(renewed.steps).toEqual(want)
    expect(renewed.outputs('Certificate/www').serialNumber).not.toBe(outputs('Certificate/www').serialNumber)
    expect((await pulumi.up(program())).steps).toEqual(same)
  })

  test('what a service renewed is taken over, from the second time on without a difference', async () => {
    const pulumi = await deployment()
    const service = await pulumi.engine('service')
    const serial = () => pulumi.stack.get('Certificate/www')?.outputs.serialNumber
    const renew = async () => {
      pulumi.clock.advance(25 * 86_400)
      const { plan, snapshot } = await service.plan({ mode: 'renew' })
      await service.locked('renew', {}, locked => locked.apply(plan, snapshot))
      return (await service.get('Certificate/www')).certificate?.row.serial
    }
    await pulumi.up(program())
    const takenOver = [...same.slice(0, 2), 'update Certificate/www: serialNumber, notAfter']
    const first = await renew()
    const foreseen = await pulumi.preview(program())
    expect(foreseen.steps).toEqual(takenOver)
    expect(foreseen.outputs('Certificate/www').serialNumber, 'what it is now is known').toBe(first)
    expect((await pulumi.up(program())).steps).toEqual(takenOver)
    expect(serial()).toBe(first)
    const second = await renew()
    expect((await pulumi.up(program())).steps).toEqual(same)
    expect(serial()).toBe(second)
  })

  test('what a service renewed is taken over by a refresh, and then makes no difference', async () => {
    const pulumi = await deployment()
    await pulumi.up(program())
    pulumi.clock.advance(25 * 86_400)
    const service = await pulumi.engine('service')
    const { plan, snapshot } = await service.plan({ mode: 'renew' })
    await service.locked('renew', {}, locked => locked.apply(plan, snapshot))
    expect((await pulumi.refresh()).steps).toEqual([...same.slice(0, 2), 'changed Certificate/www'])
    expect((await pulumi.preview(program())).steps).toEqual(same)
  })

  test('what somebody else changed is drift', async () => {
    const pulumi = await deployment()
    await pulumi.up(program())
    const cli = await pulumi.engine('cli')
    const resource = (await cli.get('Role/web')).resource
    const { declareResource } = await import('../../engine/index.ts')
    const { resource: changed } = await declareResource({
      kind: 'Role',
      name: 'web',
      spec: { ...resource.spec, maxTtl: '50d' } as never,
    })
    await cli.locked('cli', {}, locked =>
      locked.applyAlone({ address: 'Role/web', ...(changed && { resource: changed }), adopt: true }),
    )
    const back = await pulumi.preview(program({ role: { adopt: true } }))
    expect(back.steps[1]).toBe('update Role/web: maxTtl, adopt')
    await expect(pulumi.up(program()), 'and not taken back without a word').rejects.toThrow('is owned by cli')
    const refreshed = await pulumi.refresh()
    expect(refreshed.steps).toEqual(['same CertificateAuthority/root', 'changed Role/web', 'same Certificate/www'])
    expect(pulumi.stack.get('Role/web')?.inputs.maxTtl).toBe('50d')
    await pulumi.up(program({ role: { adopt: true } }))
    expect((await cli.get('Role/web')).resource).toMatchObject({ owner: 'pulumi:shop/dev', spec: { maxTtl: '90d' } })
  })

  test('what is gone is made again', async () => {
    const pulumi = await deployment()
    await pulumi.up(program())
    const cli = await pulumi.engine('pulumi:shop/dev')
    await cli.locked('cli', {}, locked => locked.applyAlone({ address: 'Certificate/www' }))
    const want = ['same CertificateAuthority/root', 'same Role/web']
    const { steps, told } = await pulumi.preview(program())
    expect(steps).toEqual([...want, 'replace Certificate/www: certificatePem'])
    expect(told[0]).toMatch(
      /^warning: Certificate\/www is not in the state sqlite:\S+, and would be made anew\n {2}remedy: /,
    )
    await cli.locked('cli', {}, locked => locked.applyAlone({ address: 'Role/web' }))
    expect((await pulumi.up(program())).steps).toEqual([
      'same CertificateAuthority/root',
      'replace Role/web: name',
      'replace Certificate/www: certificatePem',
    ])
    expect((await pulumi.up(program())).steps).toEqual(same)
  })

  test('a run that died after the commit goes on', async () => {
    const pulumi = await deployment()
    await pulumi.up(program())
    const { stack } = pulumi
    const before = stack.get('Certificate/www')
    stack.delete('Certificate/www')
    await pulumi.up(program())
    expect(stack.get('Certificate/www')).toEqual(before)
  })
})

describe('deleting', () => {
  test('everything, in the reverse order, with a word for what is guarded', async () => {
    const pulumi = await deployment()
    await pulumi.up(program())
    await expect(pulumi.destroy()).rejects.toThrow('deleting a CertificateAuthority needs an explicit word')
    await pulumi.up([...program({ root: { allowDestroy: true } })])
    expect((await pulumi.destroy()).steps).toEqual([
      'delete Certificate/www',
      'delete Role/web',
      'delete CertificateAuthority/root',
    ])
    expect(await (await pulumi.engine()).list()).toEqual([])
  })

  test('not while others stand on it, and not what is protected', async () => {
    const pulumi = await deployment()
    await pulumi.up(program({ leaf: { lifecycle: { protect: true } } }))
    const [authority, role] = program()
    const kept = [authority, role].flatMap(each => (each ? [each] : []))
    await expect(pulumi.up(kept)).rejects.toThrow('Certificate/www is protected and would be deleted')
    const provider = await pulumi.provider()
    const web = pulumi.stack.get('Role/web')
    if (!web) throw new Error('no role')
    const { nameOf, hearing } = await import('./fixtures/deployment.ts')
    await expect(
      provider.delete(nameOf('dev', 'Role', 'web'), { id: web.id, oldInputs: {}, outputs: web.outputs }, hearing()),
    ).rejects.toThrow('Role/web would be deleted while Certificate/www still needs it')
  })

  test('a resource that got another logical name keeps its object', async () => {
    const pulumi = await deployment()
    const named = (logical: string): Declared[] => [
      ...program().slice(0, 2),
      ['Certificate', logical, of => ({ name: 'www', role: nameIn(of, 'Role/web'), ...leaf })],
    ]
    await pulumi.up(named('old'))
    const id = pulumi.stack.get('Certificate/old')?.id
    expect((await pulumi.up(named('new'))).steps.slice(2)).toEqual(['create Certificate/new', 'delete Certificate/old'])
    expect(pulumi.stack.get('Certificate/new')?.id).toBe(id)
    expect((await (await pulumi.engine()).get('Certificate/www')).resource.id).toBe(id)
  })

  test('one name for two resources is refused', async () => {
    const pulumi = await deployment()
    const twice: Declared[] = [...program(), ['Role', 'other', { ca: 'root', ...role, name: 'web' }]]
    await expect(pulumi.preview(twice)).rejects.toThrow(/name: Role\/web is declared twice: also by urn:.*::web/)
  })
})

describe('owners', () => {
  test("another stack's resources are refused, until they are taken over", async () => {
    const first = await deployment('prod')
    await first.up(program())
    const second = await deployment('dev', first.folder)
    const roleOnly = (more: Properties): Declared[] => [['Role', 'web', { ca: 'root', ...role, ...more }]]
    await expect(second.preview(roleOnly({}))).rejects.toThrow('Role/web is owned by pulumi:shop/prod')
    await second.up(roleOnly({ adopt: true }))
    expect((await (await first.engine()).get('Role/web')).resource.owner).toBe('pulumi:shop/dev')
    const third = await deployment('test', first.folder)
    await third.up(roleOnly({}), { config: { adopt: 'true' } })
    expect((await (await first.engine()).get('Role/web')).resource.owner).toBe('pulumi:shop/test')
    const fourth = await deployment('other', first.folder)
    expect((await fourth.up(roleOnly({}), { config: { owner: 'pulumi:shop/test' } })).steps).toEqual([
      'create Role/web',
    ])
  })

  test('an import reads what is there, and what it answers makes no difference', async () => {
    const pulumi = await deployment()
    const cli = await pulumi.engine('cli')
    const canary = 'canary-api-key-4711'
    const { loadConfiguration, fileSystem } = await import('../../engine/index.ts')
    const { writeFileSync } = await import('node:fs')
    const file = `${pulumi.folder}/main.yaml`
    const documents = [
      { kind: 'CertificateAuthority', metadata: { name: 'root' }, spec: root },
      { kind: 'Role', metadata: { name: 'web', labels: { a: 'b' } }, spec: { ca: 'root', ...role } },
      { kind: 'Certificate', metadata: { name: 'www' }, spec: { role: 'web', ...leaf }, lifecycle: { protect: true } },
      { kind: 'Secret', metadata: { name: 'dns' }, spec: { path: 'dns', data: { key: canary } } },
    ]
    writeFileSync(file, documents.map(each => JSON.stringify({ apiVersion: 'trustform/v1', ...each })).join('\n---\n'))
    const { configuration } = await loadConfiguration([file], await fileSystem())
    if (!configuration) throw new Error('not valid')
    const { plan, snapshot } = await cli.plan({ configuration })
    await cli.locked('cli', {}, locked => locked.apply(plan, snapshot))

    const provider = await pulumi.provider()
    const { nameOf, hearing } = await import('./fixtures/deployment.ts')
    for (const { kind, metadata } of documents) {
      const { resource } = await cli.get(`${kind}/${metadata.name}`)
      for (const id of [resource.id, resource.name]) {
        const told: string[] = []
        const context = hearing(told)
        const name = nameOf('dev', kind, `imported-${metadata.name}`)
        const read = await provider.read(name, { id, inputs: {}, outputs: {} }, context)
        if (!read) throw new Error(`${kind} ${id} was not found`)
        expect(read.id).toBe(resource.id)
        expect(told).toEqual([expect.stringContaining(`warning: ${kind}/${resource.name} is owned by cli`)])
        const checked = await provider.check(name, read.inputs, read.inputs, context)
        expect(checked.failures).toEqual([])
        expect(open(checked.inputs)).toEqual(open(read.inputs))
        const { fields } = await provider.diff(
          name,
          { id: read.id, oldInputs: read.inputs, oldOutputs: read.outputs, inputs: checked.inputs, ignored: [] },
          context,
        )
        expect([...fields.keys()]).toEqual([])
        if (kind === 'Secret') expect(read.inputs.data).toEqual(new SecretValue({ key: canary }))
      }
    }
    expect(
      await provider.read(nameOf('dev', 'Role', 'x'), { id: 'nope', inputs: {}, outputs: {} }, hearing()),
    ).toBeUndefined()
    expect((await cli.get('Role/web')).resource.owner, 'an import takes nothing over').toBe('cli')
  })
})
