import { afterAll, beforeAll, expect, test } from 'vitest'
import { pulumiBuildTimeout } from '../servers/pulumi-install.ts'
import { certificate, pki, ref, role, rootCa, secret } from './pulumi-program.ts'
import {
  type Declaration,
  type Declarations,
  type PulumiProject,
  type PulumiWorld,
  startPulumiWorld,
} from './pulumi-world.ts'

let world: PulumiWorld
beforeAll(async () => {
  world = await startPulumiWorld('pulumi-life')
}, pulumiBuildTimeout)
afterAll(() => world?.stop())

/** Stands on outputs of the certificate: shows whether a preview takes them for changed. */
const user = secret({ root: ref('web', 'rootPem'), name: ref('web') })
const everything = { ...pki, user }
const allSame = { root: 'same', servers: 'same', web: 'same', user: 'same' }

/** What is previewed is what is done, and after it there is nothing to do. */
async function change(project: PulumiProject, resources: Declarations, steps: object) {
  project.declare(resources)
  const previewed = await project.do('preview')
  expect(previewed.steps, previewed.text).toEqual(steps)
  const done = await project.do('up')
  expect(done.steps, done.text).toEqual(steps)
  await project.do('preview', '--expect-no-changes')
  return { previewed, done }
}

test('a program is previewed, made, left alone, updated in place, and destroyed', async () => {
  const project = await world.project('life')
  project.declare(everything)
  const created = { root: 'create', servers: 'create', web: 'create', user: 'create' }
  expect((await project.do('preview')).steps).toEqual(created)
  // A preview makes no state.
  expect((await project.work.expect(1, ['list'])).stderr).toContain('there is no state')
  expect((await project.do('up')).steps).toEqual(created)
  for (const args of [[], ['--refresh'], ['--expect-no-changes']]) {
    expect((await project.do('up', ...args)).steps, args.join()).toEqual(allSame)
  }
  await project.do('preview', '--expect-no-changes')

  // Nothing that stands on something that is updated in place looks changed.
  const labels = { labels: { team: 'pki' } }
  const inPlace: [changed: string, to: Declaration, properties: string[]][] = [
    ['servers', role({ maxTtl: '80d', ...labels }), ['labels.team', 'maxTtl']],
    ['root', rootCa({ ...labels, crl: { interval: '12h' } }), ['crl.interval', 'labels.team']],
    ['web', certificate({ renewBefore: '5d', lifecycle: { protect: true } }), ['lifecycle.protect', 'renewBefore']],
    ['web', certificate({ renewBefore: '5d' }), ['lifecycle.protect']],
  ]
  let resources: Declarations = everything
  for (const [changed, to, properties] of inPlace) {
    const before = await project.recorded(changed)
    resources = { ...resources, [changed]: to }
    const { previewed } = await change(project, resources, { ...allSame, [changed]: 'update' })
    expect(previewed.differing[changed]).toEqual(properties)
    const after = await project.recorded(changed)
    expect(after.id).toBe(before.id)
    expect(after.outputs.serialNumber).toBe(before.outputs.serialNumber)
  }

  const guarded = await project.refused('destroy')
  expect(guarded.text).toMatch(/CertificateAuthority\/root: deleting a CertificateAuthority needs an explicit word/)
  expect(guarded.text).toMatch(/remedy: .*allowDestroy: true.*pulumi up/)
  await change(project, { root: rootCa({ allowDestroy: true }) }, { root: 'update' })
  expect((await project.do('destroy')).steps).toEqual({ root: 'delete' })
  expect(JSON.parse((await project.work.expect(0, ['list', '--json'])).stdout)).toEqual([])
  await project.work.expect(0, ['state', 'verify'])
}, 240_000)

test('other names are a new certificate of the same object; what needs its root does not look changed', async () => {
  const project = await world.project('reissue')
  project.declare(everything)
  await project.do('up')
  const before = await project.recorded('web')
  const web = certificate({ domains: ['web.acme.example', 'www.acme.example'] })
  const { previewed } = await change(project, { ...everything, web }, { ...allSame, web: 'update' })
  expect(previewed.text).toContain('Certificate/web: is issued again: domains changed')
  const after = await project.recorded('web')
  expect(after.id).toBe(before.id)
  expect(after.outputs.serialNumber).not.toBe(before.outputs.serialNumber)
  expect(after.outputs.rootPem).toBe(before.outputs.rootPem)
})

test('another authority needs a word, and takes what stands on it along', async () => {
  const project = await world.project('replace')
  project.declare(everything)
  await project.do('up')
  const before = await project.recorded('root')
  project.declare({ ...everything, root: rootCa({ commonName: 'Acme Root 2' }) })
  for (const command of ['preview', 'up'] as const) {
    const { text } = await project.refused(command)
    expect(text).toMatch(/replacing a CertificateAuthority needs an explicit word\s+remedy: .*allowDestroy: true on it/)
  }
  expect((await project.recorded('root')).id).toBe(before.id)

  const root = rootCa({ commonName: 'Acme Root 2', allowDestroy: true })
  const steps = { root: 'replace', servers: 'same', web: 'update', user: 'update' }
  const { previewed } = await change(project, { ...everything, root }, steps)
  expect(previewed.text).toMatch(/warning: .*replacing it re-issues 1 certificate below it\s+remedy: /)
  const after = await project.recorded('root')
  expect(after.id).not.toBe(before.id)
  expect(await project.recorded('web')).toMatchObject({ outputs: { rootPem: after.outputs.certificatePem } })
})

test('another name is another address, and the former one is gone', async () => {
  const project = await world.project('rename')
  project.declare(pki)
  await project.do('up')
  const before = await project.recorded('servers')
  const servers = role({ name: 'machines' })
  await change(project, { ...pki, servers }, { root: 'same', servers: 'replace', web: 'update' })
  expect((await project.recorded('servers')).id).not.toBe(before.id)
  const { stdout } = await project.work.expect(0, ['list', '--json'])
  // Its own format.
  const addresses = (JSON.parse(stdout) as { address: string }[]).map(({ address }) => address)
  expect(addresses.toSorted()).toEqual(['Certificate/web', 'CertificateAuthority/root', 'Role/machines'])
  // The logical name alone is Pulumi's own affair: the object goes on.
  const web = await project.recorded('web')
  const edge = certificate({ name: 'web' }, { aliases: [{ name: 'web' }] })
  await change(project, { root: pki.root, servers, edge }, { root: 'same', servers: 'same', edge: 'same' })
  expect(await project.recorded('edge')).toMatchObject({ id: web.id })
})

test('a secret is rotated in place, its name is not, and its values are in nothing that is printed', async () => {
  const project = await world.project('secrets')
  const values = ['first-value-7d41', 'second-value-0c9e']
  const declare = (value: string, more: object = {}) => ({ tokens: secret({ value: { 'fn::secret': value } }, more) })
  project.declare(declare(values[0] ?? ''))
  let text = (await project.do('up')).text
  const before = await project.recorded('tokens')
  const { previewed, done } = await change(project, declare(values[1] ?? ''), { tokens: 'update' })
  text += previewed.text + done.text
  expect((await project.recorded('tokens')).id).toBe(before.id)
  for (const value of values) expect(text).not.toContain(value)
  expect(text).toContain('[secret]')
})

test('what is protected, by Pulumi or by its lifecycle, stays', async () => {
  const project = await world.project('protect')
  const protectedByUs = certificate({ lifecycle: { protect: true } })
  const protectedByPulumi = certificate({ domains: ['api.acme.example'] }, { protect: true })
  project.declare({ ...pki, web: protectedByUs, api: protectedByPulumi })
  await project.do('up')
  const { text } = await project.refused('destroy', '--target', project.urn('Certificate', 'web'))
  expect(text).toMatch(/Certificate\/web .*protect/)
  expect(text).toMatch(/remedy: .*lifecycle\.protect.*pulumi up/)
  expect((await project.refused('destroy', '--target', project.urn('Certificate', 'api'))).text).toMatch(/protect/)
  project.declare({ root: pki.root, servers: pki.servers, api: protectedByPulumi })
  expect((await project.refused('up')).text).toMatch(/remedy: .*lifecycle\.protect/)
  const { stdout } = await project.work.expect(0, ['list', '--json'])
  expect(stdout).toContain('Certificate/web')
  expect(stdout).toContain('Certificate/api')
})

test('one resource of many can be updated and destroyed alone', async () => {
  const project = await world.project('targets')
  const api = certificate({ domains: ['api.acme.example'] })
  project.declare({ ...pki, api })
  await project.do('up')
  const domains = ['www.acme.example']
  project.declare({ ...pki, web: certificate({ domains }), api: certificate({ domains }) })
  const target = ['--target', project.urn('Certificate', 'web')]
  expect((await project.do('up', ...target)).steps).toMatchObject({ web: 'update', api: 'same' })
  expect((await project.do('destroy', ...target)).steps).toMatchObject({ web: 'delete', api: 'same', root: 'same' })
  const { stdout } = await project.work.expect(0, ['list', '--json'])
  expect(stdout).not.toContain('Certificate/web')
  // The certificate of the one that was not targeted is still the former one.
  expect((await project.recorded('api')).inputs.domains).toEqual(['api.acme.example'])
  expect((await project.do('up')).steps).toEqual({ root: 'same', servers: 'same', web: 'create', api: 'update' })
})

test('deleting first, ignoring changes and replacing on changes are obeyed', async () => {
  const project = await world.project('options')
  const api = (more: object, options?: object) => certificate({ domains: ['api.acme.example'], ...more }, options)
  project.declare({ ...pki, api: api({}) })
  await project.do('up')
  const before = await project.recorded('api')
  const ignoring = api({ domains: ['ignored.acme.example'] }, { ignoreChanges: ['domains'] })
  const same = { root: 'same', servers: 'same', web: 'same' }
  await change(project, { ...pki, api: ignoring }, { ...same, api: 'same' })
  const replacing = api({ ttl: '20d' }, { replaceOnChanges: ['ttl'], deleteBeforeReplace: true })
  await change(project, { ...pki, api: replacing }, { ...same, api: 'replace' })
  const after = await project.recorded('api')
  expect(after.outputs.serialNumber).not.toBe(before.outputs.serialNumber)
  expect(after.id).not.toBe(before.id)
  await project.work.expect(0, ['state', 'verify'])
})

test('what the CLI replaces although it could stay is another object where that can be told, and never lost', async () => {
  const project = await world.project('asked')
  const first = { deleteBeforeReplace: true }
  const make = (value: string, options?: object) => ({
    root: rootCa({ allowDestroy: true }, options),
    servers: role(),
    web: certificate({}, options),
    user: secret({ token: value }, {}, { ...options, replaceOnChanges: ['data'] }),
  })
  const names = Object.keys(make(''))
  const ids = async () => {
    const all = await Promise.all(names.map(async name => [name, (await project.recorded(name)).id] as const))
    return Object.fromEntries(all)
  }
  project.declare(make('one-one-one'))
  await project.do('up')
  const replace = (kind: string, name: string) => ['--replace', project.urn(kind, name)]
  const asked: [name: string, program: ReturnType<typeof make>, flags: readonly string[], isAnother: boolean][] = [
    ['web', make('one-one-one'), replace('Certificate', 'web'), false],
    ['web', make('one-one-one', first), replace('Certificate', 'web'), true],
    ['root', make('one-one-one', first), replace('CertificateAuthority', 'root'), true],
    ['user', make('two-two-two'), [], true],
  ]
  for (const [name, program, flags, isAnother] of asked) {
    const before = await ids()
    project.declare(program)
    const { steps, text } = await project.do('up', ...flags)
    expect(steps).toMatchObject({ [name]: 'replace' })
    if (!isAnother) expect(text).toContain('was not replaced, and stays as it is')
    const after = await ids()
    const others = names.filter(each => after[each] !== before[each])
    if (isAnother) expect(others).toContain(name)
    else expect(others).toEqual([])
    const { stdout } = await project.work.expect(0, ['list', '--json'])
    const recorded = (JSON.parse(stdout) as { readonly id: string }[]).map(({ id }) => id) // its own format
    expect(recorded.toSorted()).toEqual(Object.values(after).toSorted())
    expect(Object.values((await project.do('up', '--expect-no-changes')).steps)).toEqual(names.map(() => 'same'))
  }
  await project.work.expect(0, ['state', 'verify'])
})
