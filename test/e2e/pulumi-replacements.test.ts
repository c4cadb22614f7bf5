import { afterAll, beforeAll, expect, test } from 'vitest'
import { dnsProviderCatalogue, kindCatalogue, kinds } from '../../schemas/generated/catalogue.ts'
import { type BindServer, startBind } from '../servers/bind.ts'
import { type RunningPebble, startPebble } from '../servers/pebble.ts'
import { pulumiBuildTimeout } from '../servers/pulumi-install.ts'
import { type AcmeWorld, startAcmeWorld } from './acme-world.ts'
import { acmeAccount, certificate, dnsProvider, ref, role, rootCa, secret, the, trustAnchor } from './pulumi-program.ts'
import { type Declarations, type PulumiProject, type PulumiWorld, startPulumiWorld } from './pulumi-world.ts'
import type { Workspace } from './workspace.ts'

let pulumi: PulumiWorld
let acme: AcmeWorld
let other: RunningPebble
let bind: BindServer
beforeAll(async () => {
  pulumi = await startPulumiWorld('pulumi-replacements')
  acme = await startAcmeWorld({ nonceReject: 0 })
  other = await startPebble({ nonceReject: 0, dnsServer: acme.dns.nameserver })
  bind = await startBind({ zones: [{ name: 'acme.example' }] })
}, pulumiBuildTimeout)
afterAll(async () => {
  await bind?.stop()
  await other?.stop()
  await acme?.stop()
  pulumi?.stop()
})

/** A change of one property that makes another object, on top of the rows before it. */
interface Replacement {
  readonly what: string
  /** `Kind.property`. */
  readonly by: string
  /** The resource that is replaced, first, and whatever else is declared anew with it. */
  readonly to: Declarations
  /** What is done to others beside it; the rest stays as it is. */
  readonly steps?: Readonly<Record<string, string>>
  /** Properties that have to change with it. */
  readonly also?: readonly string[]
}

const word = { allowDestroy: true }
const issuing = (more: object) =>
  rootCa({ type: 'intermediate', commonName: 'Acme Issuing', parent: ref('root'), ...word, ...more })
const below = { web: 'update', user: 'update' }
const organization = { subject: { organization: 'Acme' } }
const moved = { commonName: 'Acme Issuing 2', ...organization }

const reader = (more: object = {}) => secret({ chain: ref('web', 'fullchainPem'), root: ref('web', 'rootPem') }, more)

/** A chain of authorities with a certificate below, and a secret that stands on all of it. */
const internal: Declarations = {
  root: rootCa(word),
  elsewhere: rootCa({ commonName: 'Other Root', keyType: 'ed25519' }),
  issuing: issuing({}),
  servers: role({ ca: ref('issuing') }),
  web: certificate(),
  user: reader(),
  anchor: trustAnchor({ certificatePem: ref('root', 'certificatePem'), ...word }),
}
const internalTable: readonly Replacement[] = [
  {
    what: 'an authority by another name in its certificate',
    by: 'CertificateAuthority.commonName',
    to: { issuing: issuing({ commonName: 'Acme Issuing 2' }) },
    steps: below,
  },
  {
    what: 'an authority by further words of its subject',
    by: 'CertificateAuthority.subject',
    to: { issuing: issuing(moved) },
    steps: below,
  },
  {
    what: 'an authority by a longer key',
    by: 'CertificateAuthority.keySize',
    to: { issuing: issuing({ ...moved, keySize: 384 }) },
    steps: below,
  },
  {
    what: 'an authority by another algorithm',
    by: 'CertificateAuthority.keyType',
    to: { issuing: issuing({ ...moved, keyType: 'ed25519' }) },
    steps: below,
    also: ['keySize'],
  },
  {
    what: 'an authority by another parent',
    by: 'CertificateAuthority.parent',
    to: { issuing: issuing({ ...moved, keyType: 'ed25519', parent: ref('elsewhere') }) },
    steps: below,
  },
  {
    what: 'an authority that becomes a root',
    by: 'CertificateAuthority.type',
    to: { issuing: rootCa({ ...moved, ...word, keyType: 'ed25519' }) },
    steps: below,
    // Its default is another one for a root.
    also: ['parent', 'validity'],
  },
  {
    what: 'an authority by its name',
    by: 'CertificateAuthority.name',
    to: { issuing: rootCa({ ...moved, ...word, keyType: 'ed25519', name: 'signing' }) },
    steps: { servers: 'update', ...below },
  },
  {
    what: 'a role by its name',
    by: 'Role.name',
    to: { servers: role({ ca: ref('issuing'), name: 'machines' }) },
    steps: below,
  },
  {
    what: 'a certificate by its name',
    by: 'Certificate.name',
    to: { web: certificate({ name: 'edge' }) },
    steps: { user: 'update' },
  },
  {
    what: 'a secret by its name',
    by: 'Secret.name',
    to: { user: reader({ name: 'reader', path: 'app/reader' }) },
    also: ['path'],
  },
  {
    what: 'a trust anchor by another certificate',
    by: 'TrustAnchor.certificatePem',
    to: { anchor: trustAnchor({ certificatePem: ref('elsewhere', 'certificatePem'), ...word }) },
  },
  {
    what: 'a trust anchor by its name',
    by: 'TrustAnchor.name',
    to: { anchor: trustAnchor({ certificatePem: ref('elsewhere', 'certificatePem'), name: 'trusted', ...word }) },
  },
]

const account = (server: () => RunningPebble, more: object = {}) => ({
  get ca() {
    const { directoryUrl, trustedRoots } = server()
    return acmeAccount({ provider: 'custom', directoryUrl, trustedRoots: trustedRoots.join('\n'), ...word, ...more })
  },
})
const first = () => acme.pebble
const second = () => other
const zones = { managedZones: ['**.acme.example'] }
const powerDns = {
  get pdns() {
    const credentials = { api_url: acme.dns.apiUrl, api_key: { env: 'PDNS_API_KEY' } }
    const propagation = { nameservers: [acme.dns.nameserver], timeout: '20s' }
    return dnsProvider({ providerType: 'powerdns', credentials, propagation, ...zones })
  },
}
const dynamicUpdate = (more: object = {}) => ({
  get pdns() {
    const { name, algorithm, secret } = bind.key
    const credentials = { tsig_key_name: name, tsig_algorithm: algorithm, tsig_secret: { 'fn::secret': secret } }
    const config = { nameserver: '127.0.0.1', port: bind.port, zones: ['acme.example'] }
    return dnsProvider({ providerType: 'rfc2136', credentials, config, ...zones, ...more })
  },
})
/** With a certificate that stands on both; which provider answers for it, it leaves to the engine. */
const outside = (): Declarations => ({
  ...account(first),
  ...powerDns,
  web: certificate({ role: undefined, ttl: undefined, account: ref('ca') }, { dependsOn: [the('pdns')] }),
})
const changed = { environment: 'staging', keyType: 'rsa' }
const outsideTable: readonly Replacement[] = [
  {
    what: 'an account by its environment',
    by: 'AcmeAccount.environment',
    to: account(first, { environment: 'staging' }),
  },
  { what: 'an account by the algorithm of its key', by: 'AcmeAccount.keyType', to: account(first, changed) },
  {
    what: 'an account by its server',
    by: 'AcmeAccount.directoryUrl',
    to: account(second, changed),
    steps: { web: 'update' },
    also: ['trustedRoots'],
  },
  {
    what: 'an account by its name',
    by: 'AcmeAccount.name',
    to: account(second, { ...changed, name: 'other' }),
    steps: { web: 'update' },
  },
  {
    what: 'a DNS provider by its service',
    by: 'DnsProvider.providerType',
    to: dynamicUpdate(),
    also: ['config', 'credentials', 'propagation'],
  },
  {
    what: 'a DNS provider by its name',
    by: 'DnsProvider.name',
    to: dynamicUpdate({ name: 'bind' }),
  },
]

/** The CAs that have a name of their own are not to be asked by tests: a row of its own looks at one that is retired. */
const refused = ['AcmeAccount.provider']

test('every property that the schemas say replaces has its row', () => {
  const catalogues = [
    ...Object.entries(kindCatalogue),
    ...Object.values(dnsProviderCatalogue).map(each => ['DnsProvider', each] as const),
  ]
  const replacing = catalogues.flatMap(([kind, { replace }]) =>
    replace.map(pointer => `${kind}.${pointer.slice(1).replaceAll('/', '.')}`),
  )
  const expected = new Set([...kinds.map(kind => `${kind}.name`), ...replacing])
  const rows = [...internalTable, ...outsideTable].map(({ by }) => by)
  expect([...rows, ...refused].toSorted()).toEqual([...expected].toSorted())
})

/** What is listed, by address. */
async function listed(work: Workspace): Promise<Readonly<Record<string, string>>> {
  const all = JSON.parse((await work.expect(0, ['list', '--json'])).stdout) as { address: string; id: string }[] // its own format
  return Object.fromEntries(all.map(({ address, id }) => [address, id]))
}

/** Whatever is below one belongs to it. */
function properties(paths: readonly string[] = []): readonly string[] {
  return [...new Set(paths.map(path => path.split(/[.[]/)[0] ?? ''))].toSorted()
}

/** Makes the base, and then replaces by one row after the other. */
async function replaceEach(project: PulumiProject, base: Declarations, table: readonly Replacement[]): Promise<void> {
  let resources = base
  project.declare(resources)
  await project.do('up')
  await project.do('preview', '--expect-no-changes')
  const count = Object.keys(await listed(project.work)).length
  const ids = new Map<string, string>()
  for (const { what, by, to, steps = {}, also = [] } of table) {
    const [kind = '', property = ''] = by.split('.')
    const [name = ''] = Object.keys(to)
    const same = Object.fromEntries(Object.keys(resources).map(each => [each, 'same'] as const))
    const expected = { ...same, ...steps, [name]: 'replace' }
    const before = ids.get(name) ?? (await project.recorded(name)).id
    resources = { ...resources, ...to }
    project.declare(resources)

    const previewed = await project.do('preview')
    expect(previewed.steps, `${what}: ${previewed.text}`).toEqual(expected)
    expect(properties(previewed.replacing[name]), `${what}: ${previewed.text}`).toContain(property)
    expect(properties(previewed.differing[name]), `${what}: ${previewed.text}`).toEqual([property, ...also].toSorted())
    const done = await project.do('up')
    expect(done.steps, `${what}: ${done.text}`).toEqual(expected)
    await project.do('up', '--expect-no-changes')

    const after = await project.recorded(name)
    ids.set(name, after.id)
    expect(after.id, what).not.toBe(before)
    const now = await listed(project.work)
    expect(now[`${kind}/${after.inputs.name}`], what).toBe(after.id)
    expect(Object.values(now), what).not.toContain(before)
    expect(Object.keys(now), what).toHaveLength(count)
  }
  await project.work.expect(0, ['state', 'verify'])
}

test('what is ours is replaced by each of its properties, and what stands on it follows', async () => {
  const project = await pulumi.project('internal')
  await replaceEach(project, internal, internalTable)
})

test('what is outside is replaced by each of its properties', async () => {
  const work = acme.workspace('pulumi-replacements')
  const project = await pulumi.project('outside', work)
  try {
    await replaceEach(project, outside(), outsideTable)

    const before = await listed(work)
    project.declare({
      ...outside(),
      ...dynamicUpdate({ name: 'bind' }),
      ca: acmeAccount({ provider: 'buypass', name: 'other', environment: 'staging', keyType: 'rsa', ...word }),
    })
    const previewed = await project.refused('preview')
    expect(previewed.steps.ca, previewed.text).toBe('replace')
    expect(properties(previewed.replacing.ca)).toEqual(['directoryUrl', 'provider'])
    expect(properties(previewed.differing.ca)).toEqual(['directoryUrl', 'provider', 'trustedRoots'])
    for (const { text } of [previewed, await project.refused('up')]) {
      expect(text).toMatch(/AcmeAccount\/other: Buypass ended its ACME service.*\s+remedy: use letsencrypt/)
    }
    expect(await listed(work)).toEqual(before)
  } finally {
    work.remove()
  }
})

test('a trust anchor is made, labelled in place, replaced with what it shows and only with a word, and destroyed', async () => {
  const project = await pulumi.project('anchor')
  const anchor = (more: object = {}) => trustAnchor({ certificatePem: ref('root', 'certificatePem'), ...more })
  const root = (more: object = {}) => rootCa({ ...word, ...more })
  project.declare({ root: root(), anchor: anchor() })
  expect((await project.do('preview')).steps).toEqual({ root: 'create', anchor: 'create' })
  await project.do('up')
  const made = await project.recorded('anchor')
  expect(made.outputs.sha256Fingerprint).toBe((await project.recorded('root')).outputs.sha256Fingerprint)

  const labelled = anchor({ labels: { team: 'pki' } })
  project.declare({ root: root(), anchor: labelled })
  for (const command of ['preview', 'up'] as const) {
    expect((await project.do(command)).steps).toEqual({ root: 'same', anchor: 'update' })
  }
  await project.do('up', '--expect-no-changes')
  expect((await project.recorded('anchor')).id).toBe(made.id)

  // What the root's certificate will be, a preview cannot know: it warns. Another one is refused.
  project.declare({ root: root({ commonName: 'Acme Root 2' }), anchor: labelled })
  const needsWord = /TrustAnchor\/anchor: replacing a TrustAnchor needs an explicit word\s+remedy: .*allowDestroy: true/
  const previewed = await project.do('preview')
  expect(previewed.steps).toEqual({ root: 'replace', anchor: 'replace' })
  expect(previewed.text).toMatch(needsWord)
  expect((await project.refused('up')).text).toMatch(needsWord)
  expect((await project.recorded('anchor')).id).toBe(made.id)

  const allowed = anchor({ labels: { team: 'pki' }, ...word })
  // Of the root, the former one is still to go at first.
  for (const name of ['Acme Root 2', 'Acme Root 3']) {
    const before = await project.recorded('anchor')
    project.declare({ root: root({ commonName: name }), anchor: allowed })
    for (const command of ['preview', 'up'] as const) {
      const outcome = await project.do(command)
      expect(outcome.steps, outcome.text).toEqual({ root: 'replace', anchor: 'replace' })
      expect(outcome.replacing.anchor).toEqual(['certificatePem'])
    }
    await project.do('up', '--expect-no-changes')
    const after = await project.recorded('anchor')
    expect(after.id).not.toBe(before.id)
    expect(after.outputs.sha256Fingerprint).toBe((await project.recorded('root')).outputs.sha256Fingerprint)
  }

  expect((await project.do('destroy')).steps).toEqual({ root: 'delete', anchor: 'delete' })
  expect(await listed(project.work)).toEqual({})
})
