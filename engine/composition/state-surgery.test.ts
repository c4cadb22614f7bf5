import { expect, test } from 'vitest'
import { rootCa } from '../x509/fixtures/authority.ts'
import { toPem } from '../x509/pem.ts'
import { actions, manifest, workshop } from './fixtures/workshop.ts'

const root = (name = 'root') =>
  manifest('CertificateAuthority', name, { type: 'root', commonName: 'Root', keyType: 'ec', keySize: 256 })
const role = (ca = 'root', more: object = {}) =>
  manifest('Role', 'web', { ca, allowedDomains: ['corp.example'], ...more })
const leaf = manifest('Certificate', 'www', { role: 'web', domains: ['corp.example'] })

test('a moved authority keeps its identity, and its role follows', async () => {
  const shop = await workshop()
  await shop.apply(root() + role() + leaf)
  const { id } = (await shop.engine.get('CertificateAuthority/root')).resource
  await shop.engine.locked('test', {}, locked =>
    locked.move('CertificateAuthority/root', 'CertificateAuthority/corp-root'),
  )
  expect((await shop.engine.get('CertificateAuthority/corp-root')).resource.id).toBe(id)
  const { plan } = await shop.plan(root('corp-root') + role('corp-root') + leaf)
  expect(actions(plan.document)).toEqual([])
})

test('a forgotten certificate comes back by its id, with its key', async () => {
  const shop = await workshop()
  await shop.apply(root() + role() + leaf)
  const { resource, certificate } = await shop.engine.get('Certificate/www')
  await shop.engine.locked('test', {}, locked => locked.forget('Certificate/www'))
  expect(actions((await shop.plan(root() + role() + leaf)).plan.document)).toEqual(['create Certificate/www'])
  await shop.engine.locked('test', {}, locked => locked.import('Certificate/www', resource.id))
  expect(actions((await shop.plan(root() + role() + leaf)).plan.document)).toEqual([])
  const back = (await shop.engine.get('Certificate/www')).certificate
  expect(back?.row.serial).toBe(certificate?.row.serial)
  expect((await back?.key?.())?.reveal()).toContain('PRIVATE KEY')
})

const refused: [what: string, address: `${string}/${string}`, id: string, code: string][] = [
  ['an id that never was', 'Certificate/x', 'cert_nothing', 'not_found'],
  ['an address in use', 'Role/web', 'cert_nothing', 'state_conflict'],
]
test.each(refused)('importing %s is refused', async (_what, address, id, code) => {
  const shop = await workshop()
  await shop.apply(root() + role())
  await expect(shop.engine.locked('test', {}, locked => locked.import(address, id))).rejects.toMatchObject({ code })
})

test('what others stand on is not forgotten', async () => {
  const shop = await workshop()
  await shop.apply(root() + role())
  const forget = shop.engine.locked('test', {}, locked => locked.forget('CertificateAuthority/root'))
  await expect(forget).rejects.toMatchObject({ code: 'usage' })
})

test('a rollback is a new serial, and the next plan shows what it undid', async () => {
  const shop = await workshop()
  await shop.apply(root() + role())
  const { serial } = await shop.engine.snapshot()
  await shop.apply(root() + role('root', { allowSubdomains: true }) + leaf)
  await shop.engine.locked('test', {}, locked => locked.rollBack(serial))
  expect((await shop.engine.snapshot()).serial).toBeGreaterThan(serial + 1)
  const { document } = await shop.apply(root() + role('root', { allowSubdomains: true }) + leaf)
  expect(actions(document)).toEqual(['update Role/web', 'create Certificate/www'])
  await expect(shop.engine.locked('test', {}, locked => locked.rollBack(10_000))).rejects.toMatchObject({
    code: 'not_found',
  })
})

const ends: [what: string, onDelete: string, want: string[]][] = [
  ['retained', 'retain', []],
  ['revoked', 'revoke', ['reissue Certificate/www']],
  ['destroyed', 'destroy', ['reissue Certificate/www']],
]
test.each(ends)('a rollback to before a certificate was %s', async (_what, onDelete, want) => {
  const shop = await workshop()
  const lasting = manifest('Certificate', 'www', { role: 'web', domains: ['corp.example'] }, { onDelete })
  await shop.apply(root() + role() + lasting)
  const { serial } = await shop.engine.snapshot()
  await shop.apply(root() + role())
  await shop.engine.locked('test', {}, locked => locked.rollBack(serial))
  const { document } = await shop.apply(root() + role() + lasting)
  expect(actions(document)).toEqual(want)
  expect((await shop.engine.get('Certificate/www')).certificate?.row.revokedAt).toBeUndefined()
  expect(await (await shop.engine.get('Certificate/www')).certificate?.key?.()).toBeDefined()
})

const authorityEnds: [what: string, onDelete: string, want: string[]][] = [
  ['revoked', 'revoke', ['reissue CertificateAuthority/issuing']],
  ['destroyed', 'destroy', ['replace CertificateAuthority/issuing']],
]
test.each(authorityEnds)('a rollback to before an authority was %s', async (_what, onDelete, want) => {
  const shop = await workshop()
  const spec = { type: 'intermediate', commonName: 'Issuing', parent: 'root', keyType: 'ec', keySize: 256 }
  const issuing = manifest('CertificateAuthority', 'issuing', spec, { onDelete })
  const allow = ['CertificateAuthority/issuing']
  await shop.apply(root() + issuing)
  const { serial } = await shop.engine.snapshot()
  await shop.apply(root(), { allow })
  await shop.engine.locked('test', {}, locked => locked.rollBack(serial))
  const { document } = await shop.apply(root() + issuing, { allow })
  expect(actions(document)).toEqual(want)
  expect((await shop.engine.get('CertificateAuthority/issuing')).certificate?.row.revokedAt).toBeUndefined()
})

test('a plan under another master key is refused, unless it is offline', async () => {
  const shop = await workshop()
  await shop.apply(root() + role() + leaf)
  shop.env.TRUSTFORM_MASTER_KEY = Buffer.alloc(32, 7).toString('base64')
  await shop.reopen()
  await expect(shop.plan(root() + role() + leaf)).rejects.toMatchObject({ code: 'master_key_wrong' })
  expect(actions((await shop.plan(root() + role() + leaf, { offline: true })).plan.document)).toEqual([])
})

test('list and get say what exists', async () => {
  const shop = await workshop()
  await shop.apply(root() + role() + leaf)
  expect((await shop.engine.list()).map(({ address }) => address)).toEqual([
    'Certificate/www',
    'CertificateAuthority/root',
    'Role/web',
  ])
  expect((await shop.engine.list({ kind: 'Role' })).map(({ name }) => name)).toEqual(['web'])
  const within = async (days: number) => (await shop.engine.list({ expiringWithin: days * 86_400 })).length
  expect([await within(89), await within(90)]).toEqual([0, 1])
  await expect(shop.engine.get('Role/none')).rejects.toMatchObject({ code: 'not_found' })
})

test('a trust anchor is read from its file, kept, and warned about when it has expired', async () => {
  const shop = await workshop()
  const [notBefore, notAfter] = [new Date('2026-01-01T00:00:00Z'), new Date('2027-01-01T00:00:00Z')]
  const { certificate } = await rootCa({ commonName: 'Foreign Root', notBefore, notAfter })
  shop.file('ta.pem', toPem('CERTIFICATE', certificate.der))
  const yaml = manifest('TrustAnchor', 'foreign', { file: 'ta.pem' })
  await shop.apply(yaml)
  expect((await shop.engine.get('TrustAnchor/foreign')).certificate?.facts).toMatchObject({ isCa: true })
  shop.clock.advance(70 * 86_400)
  const { preflight } = (await shop.plan(yaml)).plan.document
  expect(preflight.map(({ level, message }) => `${level}: ${message}`)).toEqual([
    'warning: the certificate expired on 2027-01-01T00:00:00.000Z',
  ])
  const { plan } = await shop.engine.plan({ mode: 'destroy' })
  expect(plan.document.summary.blocked).toBe(1)
})

test('everything that was applied is destroyed in reverse, with a word for the authority', async () => {
  const shop = await workshop()
  await shop.apply(root() + role() + leaf)
  const made = await shop.engine.plan({ mode: 'destroy', allow: ['CertificateAuthority/root'] })
  const { result } = await shop.run(made)
  expect(result.done).toEqual(['Certificate/www', 'Role/web', 'CertificateAuthority/root'])
  expect(await shop.engine.list()).toEqual([])
  expect(await shop.engine.verify()).toEqual([])
})

test('a destroyed certificate leaves no key behind, a retained one does', async () => {
  const keys = async (onDelete: string) => {
    const shop = await workshop()
    const yaml = root() + role()
    await shop.apply(yaml + manifest('Certificate', 'www', { role: 'web', domains: ['corp.example'] }, { onDelete }))
    await shop.apply(yaml)
    const { sealed }: { sealed: { id: string }[] } = JSON.parse(await shop.engine.exportState())
    return sealed.filter(({ id }) => id.endsWith('/key')).length
  }
  // One is the authority's.
  expect([await keys('retain'), await keys('destroy')]).toEqual([2, 1])
})
