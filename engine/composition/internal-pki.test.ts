import { X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { CertificateView } from '../index.ts'
import { createCsr } from '../x509/csr.ts'
import { openssl } from '../x509/fixtures/openssl.ts'
import { generateKeySync } from '../x509/keys.ts'
import { toPem } from '../x509/pem.ts'
import { actions, findings, manifest, type Workshop, workshop } from './fixtures/workshop.ts'

const ssl = openssl()
const ec = { keyType: 'ec', keySize: 256 }

interface House {
  readonly root?: object
  readonly intermediate?: object
  readonly role?: object
  readonly leaf?: object
  readonly leafLifecycle?: object
}

/** A root, an intermediate, a role and a certificate; each part can be widened. */
const house = ({ root, intermediate, role, leaf, leafLifecycle }: House = {}) =>
  manifest('CertificateAuthority', 'root', { type: 'root', commonName: 'Root', ...ec, ...root }) +
  manifest('CertificateAuthority', 'issuing', {
    type: 'intermediate',
    commonName: 'Issuing',
    parent: 'root',
    ...ec,
    ...intermediate,
  }) +
  manifest('Role', 'web', { ca: 'issuing', allowedDomains: ['corp.example'], allowSubdomains: true, ...role }) +
  manifest('Certificate', 'www', { role: 'web', domains: ['www.corp.example'], ...leaf }, leafLifecycle)

async function view(shop: Workshop, address: `${string}/${string}`): Promise<CertificateView> {
  const { certificate } = await shop.engine.get(address)
  if (!certificate) throw new Error(`${address} has no certificate`)
  return certificate
}

/** OpenSSL accepts the chain that `get` gives, at the time of the test's clock. */
async function verify(shop: Workshop, address: `${string}/${string}`): Promise<string> {
  const { pem, chainPem, rootPem = '' } = await view(shop, address)
  const at = String(Math.floor(shop.clock.now().getTime() / 1000))
  const root = ssl.file('root.pem', rootPem)
  const untrusted = chainPem === '' ? [] : ['-untrusted', ssl.file('chain.pem', chainPem)]
  const strict = ['-x509_strict', '-attime', at, '-CAfile', root]
  return ssl(['verify', ...strict, ...untrusted, ssl.file('leaf.pem', pem)])
}

const keyTypes: [type: string, key: object][] = [
  ['rsa', { keyType: 'rsa', keySize: 2048 }],
  ['P-256', { keyType: 'ec', keySize: 256 }],
  ['P-384', { keyType: 'ec', keySize: 384 }],
  ['Ed25519', { keyType: 'ed25519', keySize: undefined }],
]
const pairs = keyTypes.flatMap(([ca, caKey]) => keyTypes.map(([leaf, leafKey]) => ({ ca, caKey, leaf, leafKey })))

describe('every pair of key types makes a chain that OpenSSL accepts', () => {
  test.each(pairs)('$ca signs $leaf', async ({ caKey, leafKey }) => {
    const shop = await workshop()
    const { document } = await shop.apply(house({ root: caKey, intermediate: caKey, leaf: leafKey }))
    expect(actions(document)).toEqual([
      'create CertificateAuthority/root',
      'create CertificateAuthority/issuing',
      'create Role/web',
      'create Certificate/www',
    ])
    expect(await verify(shop, 'Certificate/www')).toContain('OK')
    const { pem, key } = await view(shop, 'Certificate/www')
    const pkcs8 = (await key?.())?.reveal() ?? ''
    expect(ssl(['pkey', '-pubout'], pkcs8)).toBe(ssl(['x509', '-noout', '-pubkey'], pem))
  })
})

describe('a certificate', () => {
  test('from a request keeps its key outside', async () => {
    const shop = await workshop()
    const key = generateKeySync({ type: 'ec', size: 256 })
    const csr = toPem('CERTIFICATE REQUEST', createCsr({ privateKey: key, names: { dns: ['csr.corp.example'] } }))
    await shop.apply(house({ leaf: { domains: undefined, csr } }))
    const certificate = await view(shop, 'Certificate/www')
    expect(certificate.key).toBeUndefined()
    expect(certificate.facts.names).toMatchObject({ dns: ['csr.corp.example'] })
    expect(new X509Certificate(certificate.row.der).checkPrivateKey(key)).toBe(true)
    expect(await verify(shop, 'Certificate/www')).toContain('OK')
  })

  const renewals: [what: string, leaf: object, sameKey: boolean][] = [
    ['makes a new key', {}, false],
    ['keeps the key with reuseKey', { reuseKey: true }, true],
  ]
  test.each(renewals)('that is renewed %s', async (_what, leaf, sameKey) => {
    const shop = await workshop()
    const yaml = house({ leaf })
    await shop.apply(yaml)
    const before = new X509Certificate((await view(shop, 'Certificate/www')).row.der)
    shop.clock.advance(61 * 86_400)
    const { document } = await shop.apply(yaml)
    expect(document.changes.find(({ action }) => action === 'renew')).toMatchObject({ reason: 'renewal' })
    const after = new X509Certificate((await view(shop, 'Certificate/www')).row.der)
    expect(after.serialNumber).not.toBe(before.serialNumber)
    expect(after.publicKey.equals(before.publicKey)).toBe(sameKey)
    expect(await verify(shop, 'Certificate/www')).toContain('OK')
  })

  test('is issued anew when its names change', async () => {
    const shop = await workshop()
    await shop.apply(house())
    const { id } = (await shop.engine.get('Certificate/www')).resource
    const { document } = await shop.apply(house({ leaf: { domains: ['www.corp.example', 'api.corp.example'] } }))
    expect(actions(document)).toEqual(['reissue Certificate/www'])
    expect((await shop.engine.get('Certificate/www')).resource.id).toBe(id)
    expect((await view(shop, 'Certificate/www')).facts.names).toMatchObject({
      dns: ['www.corp.example', 'api.corp.example'],
    })
  })

  test('that leaves with onDelete: revoke is on the list of its authority', async () => {
    const shop = await workshop()
    const yaml = house({ leafLifecycle: { onDelete: 'revoke' } })
    await shop.apply(yaml)
    const { serial } = (await view(shop, 'Certificate/www')).row
    const withoutLeaf = yaml.slice(0, yaml.indexOf('{"apiVersion":"trustform/v1","kind":"Certificate",'))
    const { document } = await shop.apply(withoutLeaf)
    expect(document.changes.find(({ action }) => action === 'delete')?.because).toBe(
      'no longer declared; its certificates are revoked, its keys stay',
    )
    const crl = ssl.file('issuing.crl', await shop.engine.crl('CertificateAuthority/issuing'))
    const text = ssl(['crl', '-inform', 'DER', '-in', crl, '-noout', '-text'])
    expect(text).toContain(`Serial Number: ${serial}`)
    expect(text).toContain('Cessation Of Operation')
  })
})

describe('an authority', () => {
  test('that is renewed keeps its key, so that what is below it verifies with both', async () => {
    const shop = await workshop()
    const yaml = house({ intermediate: { validity: '300d' } })
    await shop.apply(yaml)
    const old = await view(shop, 'CertificateAuthority/issuing')
    shop.clock.advance(201 * 86_400)
    const { document } = await shop.apply(yaml)
    expect(actions(document)).toEqual(['renew CertificateAuthority/issuing', 'renew Certificate/www'])
    const renewed = await view(shop, 'CertificateAuthority/issuing')
    expect(renewed.row.keyId).toBe(old.row.keyId)
    expect(renewed.row.serial).not.toBe(old.row.serial)
    expect(await verify(shop, 'Certificate/www')).toContain('OK')
    const leaf = new X509Certificate((await view(shop, 'Certificate/www')).row.der)
    for (const issuer of [old, renewed]) {
      expect(leaf.verify(new X509Certificate(issuer.row.der).publicKey)).toBe(true)
    }
  })

  test('that is replaced re-issues what is below it, in this order', async () => {
    const shop = await workshop()
    await shop.apply(house())
    const yaml = house({ intermediate: { commonName: 'Issuing 2' } })
    const blocked = await shop.plan(yaml)
    expect(blocked.plan.document.summary.blocked).toBe(1)
    await expect(shop.run(blocked)).rejects.toMatchObject({ code: 'plan_blocked' })
    const { document, events } = await shop.apply(yaml, { allow: ['CertificateAuthority/issuing'] })
    expect(actions(document)).toEqual(['replace CertificateAuthority/issuing', 'reissue Certificate/www'])
    expect(findings(document)).toEqual([
      'warning CertificateAuthority/issuing: replacing it re-issues 1 certificate below it',
    ])
    expect(events.map(({ type, address }) => `${type} ${address}`)).toEqual([
      'started CertificateAuthority/issuing',
      'progress CertificateAuthority/issuing',
      'progress CertificateAuthority/issuing',
      'done CertificateAuthority/issuing',
      'started Certificate/www',
      'done Certificate/www',
    ])
    expect(await verify(shop, 'Certificate/www')).toContain('OK')
  })

  test('below a replaced root gets a new certificate over its key, and its leaves stay', async () => {
    const shop = await workshop()
    await shop.apply(house())
    const leaf = (await view(shop, 'Certificate/www')).row.id
    const { document } = await shop.apply(house({ root: { commonName: 'Root 2' } }), {
      allow: ['CertificateAuthority/root'],
    })
    expect(actions(document)).toEqual(['replace CertificateAuthority/root', 'reissue CertificateAuthority/issuing'])
    expect((await view(shop, 'Certificate/www')).row.id).toBe(leaf)
    expect(await verify(shop, 'Certificate/www')).toContain('OK')
  })

  test('may be declared as long as its parent of the same apply', async () => {
    const shop = await workshop()
    await shop.apply(house({ root: { validity: '365d' }, intermediate: { validity: '365d' } }))
    const [root, issuing] = [
      await view(shop, 'CertificateAuthority/root'),
      await view(shop, 'CertificateAuthority/issuing'),
    ]
    expect(issuing.row.notAfter <= root.row.notAfter).toBe(true)
    expect(await verify(shop, 'Certificate/www')).toContain('OK')
    shop.clock.advance(30 * 86_400)
    expect(
      findings(
        (await shop.plan(house({ root: { validity: '365d' }, intermediate: { validity: '365d' } }))).plan.document,
      ),
    ).toEqual([])
  })

  test('writes its path length and constraints, which OpenSSL enforces as we do', async () => {
    const shop = await workshop()
    await shop.apply(
      house({
        root: { maxPathLength: 1 },
        intermediate: { maxPathLength: 0, nameConstraints: { permitted: { dns: ['corp.example'] } } },
      }),
    )
    const text = ssl(['x509', '-noout', '-text'], (await view(shop, 'CertificateAuthority/issuing')).pem)
    expect(text).toContain('CA:TRUE, pathlen:0')
    expect(text).toContain('DNS:corp.example')
    expect(await verify(shop, 'Certificate/www')).toContain('OK')
  })
})

const refusals: [what: string, given: House, want: string][] = [
  [
    'a name that the role does not allow',
    { leaf: { domains: ['www.corp.example', 'www.other.example'] } },
    '/spec/domains/1 role_violation',
  ],
  ['a lifetime above maxTtl', { leaf: { ttl: '100d' } }, '/spec role_violation'],
  [
    'a lifetime beyond the authority',
    { intermediate: { validity: '20d' }, leaf: { ttl: '30d' } },
    '/spec/ttl validity_exceeds_issuer',
  ],
  [
    'an intermediate that outlives its root',
    { root: { validity: '100d' }, intermediate: { validity: '200d' } },
    '/spec/validity validity_exceeds_issuer',
  ],
  [
    'an authority with the subject of the one above',
    { intermediate: { commonName: 'Root' } },
    '/spec/commonName ca_constraint_violation',
  ],
  ['an authority too deep', { root: { maxPathLength: 0 } }, '/spec/parent ca_constraint_violation'],
  [
    'a name outside the name constraints',
    { root: { nameConstraints: { permitted: { dns: ['other.example'] } } } },
    '/spec/domains/0 name_constraint_violation',
  ],
  [
    'a renewal before the beginning',
    { leaf: { ttl: '10d', renewBefore: '10d' } },
    '/spec/renewBefore schema_violation',
  ],
]
test.each(refusals)('the plan refuses %s', async (_what, given, want) => {
  const shop = await workshop()
  const made = await shop.plan(house(given))
  const errors = made.plan.document.preflight.filter(({ level }) => level === 'error')
  expect(errors.map(({ pointer, code }) => `${pointer} ${code}`)).toContain(want)
  expect(errors.every(({ remedy }) => remedy !== '')).toBe(true)
  await expect(shop.run(made)).rejects.toMatchObject({ code: 'preflight_failed' })
  expect(await shop.engine.list()).toEqual([])
})

test('an expired chain is renewed from the root down', async () => {
  const shop = await workshop()
  await shop.apply(house({ root: { validity: '100d' }, intermediate: { validity: '50d' }, leaf: { ttl: '20d' } }))
  shop.clock.advance(200 * 86_400)
  const yaml = house({ root: { validity: '100d' }, intermediate: { validity: '50d' }, leaf: { ttl: '20d' } })
  const { document } = await shop.apply(yaml)
  expect(actions(document)).toEqual([
    'renew CertificateAuthority/root',
    'renew CertificateAuthority/issuing',
    'renew Certificate/www',
  ])
  expect(await verify(shop, 'Certificate/www')).toContain('OK')
})
