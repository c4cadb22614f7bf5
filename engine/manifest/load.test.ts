import { describe, expect, test } from 'vitest'
import { EngineError } from '../core/errors.ts'
import type { SourceFiles } from './files.ts'
import { formatText } from './format/text.ts'
import { loadConfiguration } from './load.ts'

/** A tree of files in memory; a `-f` argument is a folder or a file of it. */
function tree(contents: Readonly<Record<string, string | Uint8Array>>): SourceFiles {
  const notFound = (path: string) =>
    new EngineError('input_unreadable', `"${path}" does not exist`, { remedy: 'check the path' })
  return {
    async list(path) {
      const files = Object.keys(contents).filter(
        file => (file === path || file.startsWith(`${path}/`)) && file.endsWith('.yaml'),
      )
      return { files, failures: files.length === 0 ? [notFound(path)] : [], links: [] }
    },
    async read(path) {
      const content = contents[path]
      if (content === undefined) throw notFound(path)
      return typeof content === 'string' ? Buffer.from(content) : content
    },
  }
}

const head = (kind: string, name: string) => `apiVersion: trustform/v1\nkind: ${kind}\nmetadata: {name: ${name}}\n`
const root = `${head('CertificateAuthority', 'root')}spec: {type: root, commonName: Root}\n`
const web = `${head('Role', 'web')}spec: {ca: root}\n`

async function load(text: string | Readonly<Record<string, string>>, paths: readonly string[] = ['.']) {
  const files = typeof text === 'string' ? { 'a.yaml': text } : text
  return loadConfiguration(
    paths[0] === '.' ? Object.keys(files).filter(name => name.endsWith('.yaml')) : paths,
    tree(files),
  )
}

/** Each diagnostic as `line:column code message | remedy`. */
async function told(text: string | Readonly<Record<string, string>>, paths?: readonly string[]) {
  const { diagnostics } = await load(text, paths)
  return diagnostics.map(({ position, code, message, remedy }) => {
    const place = position ? `${position.line}:${position.column} ` : ''
    return `${place}${code} ${message}${remedy === undefined ? '' : ` | ${remedy}`}`
  })
}

describe('an error as a person meets it', () => {
  test('a reference to a name that is nearly right', async () => {
    const text = `${root}---\n${head('Role', 'api')}spec: {ca: root}\n---\n${web}`
    const certificate =
      'apiVersion: trustform/v1\nkind: Certificate\nmetadata:\n  name: web\nspec:\n  domains: [a.example]\n  role: webb\n'
    const { diagnostics } = await load({ 'pki.yaml': text, 'certificates/web.yaml': certificate })
    expect(formatText(diagnostics)).toBe(
      [
        'error: Certificate "web" does not name a known role: "webb"',
        '  certificates/web.yaml:7:9',
        '   7 |   role: webb',
        '     |         ^^^^',
        'hint:  did you mean "web"? Roles in this configuration: api, web',
        '       reference_unknown',
        '',
      ].join('\n'),
    )
  })

  test('every error of every file at once', async () => {
    const problems = await told({
      'a.yaml': `${web}---\n${head('Certificate', 'c')}spec: {role: web, domains: [a.example], ttl: 10x}\n`,
      'b.yaml': 'a: [1\n',
      'c.yaml': `${head('Rolle', 'x')}spec: {}\n---\n${head('CertificateAuthority', 'root')}spec: {type: root, commonNam: R}\n`,
    })
    expect(problems.map(problem => problem.split(' ')[1])).toEqual([
      'schema_violation',
      'yaml_syntax',
      'kind_unknown',
      'field_unknown',
    ])
  })
})

const spec = (kind: string, fields: string) => `${root}---\n${web}---\n${head(kind, 'x')}spec: ${fields}\n`
const le = '{provider: letsencrypt}'

const refused: [what: string, text: string, told: string[]][] = [
  [
    'broken YAML',
    'a: [1, 2\n',
    ['2:1 yaml_syntax not valid YAML: deficient indentation | close the quote or bracket that was opened before'],
  ],
  [
    'a tab in the indentation',
    'a:\n\tb: 1\n',
    [
      '2:1 yaml_syntax not valid YAML: tab characters must not be used in indentation | indent with spaces instead of tabs',
    ],
  ],
  [
    'an empty file',
    '',
    ['input_empty no document found in "a.yaml" | name files or folders that hold *.yaml or *.yml manifests'],
  ],
  [
    'only comments',
    '# nothing\n---\n',
    ['input_empty no document found in "a.yaml" | name files or folders that hold *.yaml or *.yml manifests'],
  ],
  [
    'a list of documents',
    '- a\n',
    [
      '1:1 schema_violation the document is a list, expected a map | write apiVersion: trustform/v1, kind, metadata and spec',
    ],
  ],
  [
    'a list and a text behind a document',
    `${root}---\n# a note\n- a\n--- text\n`,
    [
      '7:1 schema_violation the document is a list, expected a map | write apiVersion: trustform/v1, kind, metadata and spec',
      '8:5 schema_violation the document is a single value, expected a map | write apiVersion: trustform/v1, kind, metadata and spec',
    ],
  ],
  [
    'foreign YAML',
    'on: push\n',
    [
      '1:1 schema_violation the document has neither apiVersion nor kind | write apiVersion: trustform/v1, kind, metadata and spec',
    ],
  ],
  [
    'another apiVersion',
    root.replace('v1', 'v2'),
    ['1:13 schema_violation the apiVersion is "trustform/v2" | write apiVersion: trustform/v1'],
  ],
  [
    'no name',
    'apiVersion: trustform/v1\nkind: Role\nmetadata: {}\nspec: {ca: a}\n',
    ['3:1 schema_violation the document has no metadata.name | add metadata: {name: …}'],
  ],
  [
    'a name that is a number',
    'apiVersion: trustform/v1\nkind: Role\nmetadata: {name: 7}\nspec: {ca: a}\n',
    ['3:18 schema_violation metadata.name is 7, expected text | put the name in quotes'],
  ],
  [
    'a name with a slash',
    root.replace('name: root', 'name: a/b'),
    [
      "3:18 schema_violation CertificateAuthority \"a/b\" has \"a/b\" as metadata.name, expected a name of letters, digits, '.', '_' and '-', beginning and ending with a letter or digit, at most 128 characters | rewrite it; the field means: unique per kind and tenant; the address is Kind/name",
    ],
  ],
  [
    'an unknown kind',
    root.replace('CertificateAuthority', 'CertificateAutority'),
    [
      '2:7 kind_unknown there is no kind "CertificateAutority" | did you mean "CertificateAuthority"? Known kinds: AcmeAccount, CertificateAuthority, Certificate, DnsProvider, Role, Secret, TrustAnchor',
    ],
  ],
  [
    'an unknown field',
    spec('Role', '{ca: root, allowSubdomain: true}'),
    ['14:18 field_unknown Role "x" has an unknown field spec.allowSubdomain | did you mean "allowSubdomains"?'],
  ],
  [
    'a field of a later version',
    spec('Certificate', '{role: web, domains: [a.example], deliver: []}'),
    [
      expect.stringMatching(
        /^14:41 field_unknown Certificate "x" has an unknown field spec.deliver \| remove it; fields here: role, /,
      ) as unknown as string,
    ],
  ],
  [
    'a misspelt field that was required',
    spec('Role', '{cc: root}'),
    ['14:8 field_unknown Role "x" has an unknown field spec.cc | did you mean "ca"?'],
  ],
  [
    'a missing field',
    spec('Role', '{}'),
    ['14:1 schema_violation Role "x" lacks spec.ca | add ca: the authority that signs for this role'],
  ],
  [
    'a wrong type',
    spec('Role', '{ca: root, allowIpSans: "yes"}'),
    [
      '14:31 schema_violation Role "x" has "yes" as spec.allowIpSans, expected true or false | rewrite it; the field means: IP addresses are allowed',
    ],
  ],
  [
    'a list instead of a text',
    spec('Certificate', '{role: [web], domains: [a.example]}'),
    [
      '14:14 schema_violation Certificate "x" has a list as spec.role, expected a name, or {external: ID} for an object that this configuration does not manage | rewrite it; the field means: issue from this role',
    ],
  ],
  [
    'a bare number where text belongs',
    `${root.replace('{name: root}', '{name: root, labels: {year: 2026}}')}`,
    [
      '3:39 schema_violation CertificateAuthority "root" has 2026 as metadata.labels.year, expected a short text; put numbers and booleans in quotes | put it in quotes',
    ],
  ],
  [
    'nothing as a value',
    spec('Role', '{ca: root, maxTtl: }'),
    [
      '14:18 schema_violation Role "x" has nothing as spec.maxTtl, expected a duration above zero such as 30d, 720h, 90m or a number of seconds | give it a value, or remove the field',
    ],
  ],
  [
    'a number of a list in quotes',
    spec('CertificateAuthority', '{type: root, commonName: X, keyType: rsa, keySize: "2048"}').replace(
      /^.*\n---\n/s,
      '',
    ),
    [
      '4:58 schema_violation CertificateAuthority "x" has "2048" as spec.keySize, expected one of 2048, 3072, 4096, 256, 384 | remove the quotes',
    ],
  ],
  [
    'a word outside the list',
    spec('Role', '{ca: root, keyType: rsaa}'),
    [
      '14:27 schema_violation Role "x" has "rsaa" as spec.keyType, expected one of any, rsa, ec, ed25519 | did you mean "rsa"?',
    ],
  ],
  [
    'a bad duration',
    spec('Role', '{ca: root, maxTtl: 3 months}'),
    [
      '14:26 schema_violation Role "x" has "3 months" as spec.maxTtl, expected a duration above zero such as 30d, 720h, 90m or a number of seconds | rewrite it; the field means: longest lifetime; a longer one is refused, never shortened',
    ],
  ],
  [
    'a duration of centuries',
    spec('Role', '{ca: root, maxTtl: 500y}'),
    ['14:26 schema_violation Role "x" has a spec.maxTtl that is longer than 100 years | correct it'],
  ],
  [
    'an impossible address',
    spec('Certificate', '{role: web, ipAddresses: [10.0.0.256]}'),
    ['14:33 schema_violation Certificate "x" has a spec.ipAddresses[0] that is not an IP address | correct it'],
  ],
  [
    'the same name twice',
    spec('Certificate', '{role: web, domains: [a.example, b.example, a.example]}'),
    ['14:51 schema_violation Certificate "x" has "a.example" twice in spec.domains | remove one of them'],
  ],
  [
    'a key of a label',
    root.replace('{name: root}', '{name: root, labels: {"a b": c}}'),
    [
      "3:33 schema_violation CertificateAuthority \"root\" has a key \"a b\" in metadata.labels, expected a label name of letters, digits, '.', '_', '/' and '-' | rename the key",
    ],
  ],
  [
    'neither role nor account',
    spec('Certificate', '{domains: [a.example]}'),
    [
      '14:7 schema_violation Certificate "x" needs exactly one of role or account | name the role of an internal authority, or the ACME account to order from',
    ],
  ],
  [
    'no name to certify',
    spec('Certificate', '{role: web}'),
    ['14:7 schema_violation Certificate "x" has no name | add domains, ipAddresses, emails, uris or a csr'],
  ],
  [
    'an intermediate without parent',
    spec('CertificateAuthority', '{type: intermediate, commonName: I}'),
    [
      '14:7 schema_violation CertificateAuthority "x" is an intermediate without a parent | add parent: with the name of the authority that signs it',
    ],
  ],
  [
    'a root with a parent',
    spec('CertificateAuthority', '{type: root, commonName: I, parent: root}'),
    [
      '14:35 schema_violation CertificateAuthority "x" is a root, which has no parent | remove parent, or set type: intermediate',
    ],
  ],
  [
    'a key size of another algorithm',
    spec('CertificateAuthority', '{type: root, commonName: I, keySize: 256}'),
    [
      '14:44 schema_violation CertificateAuthority "x" has a keySize that an rsa key cannot have | use 2048, 3072 or 4096, or set keyType: ec',
    ],
  ],
  [
    'a wildcard by http-01',
    `${head('AcmeAccount', 'le')}spec: ${le}\n---\n${head('Certificate', 'x')}spec: {account: le, challengeType: http-01, domains: [a.example, "*.a.example"]}\n`,
    ['9:66 schema_violation Certificate "x" has a wildcard, which http-01 cannot prove | set challengeType: dns-01'],
  ],
  [
    'an unknown provider type',
    spec('DnsProvider', '{providerType: powerdnss, credentials: {}}'),
    [
      '14:22 schema_violation DnsProvider "x" has "powerdnss" as spec.providerType, expected one of powerdns, rfc2136 | did you mean "powerdns"?',
    ],
  ],
  [
    'an unknown reference',
    spec('Role', '{ca: rot}'),
    [
      '14:12 reference_unknown Role "x" does not name a known certificate authority: "rot" | did you mean "root"? Certificate authorities in this configuration: root',
    ],
  ],
  [
    'a reference with its kind',
    spec('Role', '{ca: CertificateAuthority/root}'),
    [
      '14:12 reference_unknown Role "x" does not name a known certificate authority: "CertificateAuthority/root" | write the name alone: "root"',
    ],
  ],
  [
    'a reference where there is none',
    spec('Certificate', '{account: le, domains: [a.example]}'),
    [
      '14:17 reference_unknown Certificate "x" does not name a known ACME account: "le" | declare it, or write {external: ID} for one that this configuration does not manage',
    ],
  ],
  [
    'a circle',
    `${head('CertificateAuthority', 'a')}spec: {type: intermediate, commonName: A, parent: b}\n---\n${head('CertificateAuthority', 'b')}spec: {type: intermediate, commonName: B, parent: a}\n`,
    [
      '4:51 reference_cycle resources refer to each other in a circle: CertificateAuthority/a (a.yaml:4:51) -> CertificateAuthority/b (a.yaml:9:51) -> CertificateAuthority/a | remove one of these references',
    ],
  ],
  [
    'a circle of one',
    `${head('CertificateAuthority', 'a')}spec: {type: intermediate, commonName: A, parent: a}\n`,
    [
      '4:51 reference_cycle resources refer to each other in a circle: CertificateAuthority/a (a.yaml:4:51) -> CertificateAuthority/a | remove one of these references',
    ],
  ],
  [
    'a duplicate, and a reference to it',
    `${root}---\n${root}---\n${web}`,
    [
      '8:18 duplicate_resource CertificateAuthority "root" is already declared at a.yaml:3:18 | remove or rename one of them; to change it for an environment, put the change in a folder of its own and add -f',
      '14:12 reference_ambiguous Role "web" names a certificate authority that is declared twice: "root" | remove or rename one of those at a.yaml:3:18 and a.yaml:8:18',
    ],
  ],
  [
    'a field that a declared secret does not have',
    `${head('Secret', 's')}spec: {path: infra/pdns, data: {key: {env: K}}}\n---\n${head('AcmeAccount', 'z')}spec: {provider: zerossl, externalAccountBinding: {kid: k, hmacKey: {secret: infra/pdns#kye}}}\n`,
    [
      '9:69 reference_unknown AcmeAccount "z" names a field that Secret "s" does not have: "kye" at spec.externalAccountBinding.hmacKey | did you mean "key"? Its fields: key',
    ],
  ],
  [
    'two sources of one secret',
    `${head('Secret', 's')}spec: {path: a, data: {key: {env: K, file: f}}}\n`,
    [
      '4:29 schema_violation Secret "s" has a map as spec.data.key, expected {env: NAME}, {file: PATH}, {secret: PATH} or {age: …} | rewrite it',
    ],
  ],
  [
    'a private key as trust anchor',
    `${head('TrustAnchor', 't')}spec:\n  certificatePem: |\n    -----BEGIN PRIVATE KEY-----\n    MIIB\n    -----END PRIVATE KEY-----\n`,
    [
      '5:3 schema_violation TrustAnchor "t" has a spec.certificatePem that holds a private key, which does not belong there | correct it',
    ],
  ],
  [
    'a file that is not there',
    `${head('TrustAnchor', 't')}spec: {file: root.pem}\n`,
    ['4:14 input_unreadable TrustAnchor "t" names a file at spec.file: "root.pem" does not exist | check the path'],
  ],
]

describe('a manifest is refused for', () => {
  test.each(refused)('%s', async (_what, text, want) => {
    expect(await told(text)).toEqual(want)
    expect((await load(text)).configuration).toBeUndefined()
  })

  test('octets that are not UTF-8', async () => {
    const { diagnostics } = await loadConfiguration(['a.yaml'], tree({ 'a.yaml': Uint8Array.of(0x61, 0xff) }))
    expect(diagnostics).toMatchObject([{ code: 'yaml_refused', message: '"a.yaml" is not UTF-8 text' }])
  })
})

test('a name in a file with a syntax error is not called unknown', async () => {
  const problems = await told({ 'ca.yaml': `${root.replace('spec: {', 'spec: {{')}`, 'role.yaml': web })
  expect(problems).toHaveLength(1)
  expect(problems[0]).toMatch(/yaml_syntax/)
})

test('ten thousand unknown fields are explained in part', async () => {
  const fields = Array.from({ length: 10_000 }, (_, index) => `  f${index}: 1`).join('\n')
  expect(await told(`${head('Role', 'x')}spec:\n${fields}\n`)).toHaveLength(100)
})

describe('what is loaded', () => {
  test('defaults of the schema are filled in, also those that depend on another field', async () => {
    const text = `${root}---\n${head('CertificateAuthority', 'i')}spec: {type: intermediate, commonName: I, parent: root, keyType: ec}\n---\n${head('CertificateAuthority', 'e')}spec: {type: root, commonName: E, keyType: ed25519}\n`
    const { configuration } = await load(text)
    expect(configuration?.resources.map(({ spec }) => spec)).toEqual([
      {
        type: 'root',
        commonName: 'Root',
        keyType: 'rsa',
        keySize: 4096,
        validity: '3650d',
        crl: { interval: '24h', overlap: '72h' },
      },
      {
        type: 'intermediate',
        commonName: 'I',
        parent: 'root',
        keyType: 'ec',
        keySize: 256,
        validity: '1825d',
        crl: { interval: '24h', overlap: '72h' },
      },
      {
        type: 'root',
        commonName: 'E',
        keyType: 'ed25519',
        validity: '3650d',
        crl: { interval: '24h', overlap: '72h' },
      },
    ])
    expect(configuration?.resources[0]).toMatchObject({
      labels: {},
      lifecycle: { protect: false, onDelete: 'retain' },
      file: 'a.yaml',
    })
  })

  test('a default that belongs to ACME only', async () => {
    const text = `${root}---\n${web}---\n${head('AcmeAccount', 'le')}spec: ${le}\n---\n${head('Certificate', 'a')}spec: {account: le, domains: [a.example]}\n---\n${head('Certificate', 'b')}spec: {role: web, domains: [a.example]}\n`
    const { configuration } = await load(text)
    expect(configuration?.resources.map(({ spec }) => spec.challengeType)).toEqual([
      undefined,
      undefined,
      undefined,
      'dns-01',
      undefined,
    ])
  })

  test('references, and the place of each field', async () => {
    const { configuration } = await load(`${root}---\n${web}---\n${head('Role', 'o')}spec:\n  ca: {external: ca_1}\n`)
    expect(configuration?.resources.map(({ references }) => references)).toEqual([
      [],
      [{ pointer: '/spec/ca', kind: 'CertificateAuthority', target: { name: 'root' } }],
      [{ pointer: '/spec/ca', kind: 'CertificateAuthority', target: { external: 'ca_1' } }],
    ])
    const [, role, other] = configuration?.resources ?? []
    expect(role?.locate('/spec/ca')).toMatchObject({ line: 9, column: 12, length: 4 })
    expect(role?.locate('/spec/maxTtl'), 'a default stands at its map').toMatchObject({ line: 9, column: 1 })
    expect(other?.locate('/spec/ca/external')).toMatchObject({ line: 15, column: 18 })
  })

  test('a file takes the place of its name, relative to the file that says so', async () => {
    const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
    const files = {
      'pki/a.yaml': `${head('TrustAnchor', 't')}spec: {file: certs/root.pem}\n---\n${head('TrustAnchor', 'u')}spec: {certificatePem: {file: ../x.pem}}\n`,
      'pki/certs/root.pem': pem,
      'x.pem': pem,
    }
    const { configuration, diagnostics } = await load(files)
    expect(diagnostics).toEqual([])
    expect(configuration?.resources.map(({ spec }) => spec)).toEqual([{ certificatePem: pem }, { certificatePem: pem }])
  })

  test('anchors and aliases', async () => {
    const { configuration } = await load(
      `${root}---\n${head('Role', 'a')}spec: {ca: root, allowedDomains: &d [a.example], allowedUris: []}\n---\n${head('Certificate', 'c')}spec:\n  role: a\n  commonName: &n a.example\n  domains: [*n]\n`,
    )
    expect(configuration?.resources[2]?.spec.domains).toEqual(['a.example'])
    expect(configuration?.resources[2]?.locate('/spec/domains/0')).toMatchObject({ line: 17, column: 13 })
  })

  test('the digest is of the content, not of its place or order', async () => {
    const digest = async (files: Readonly<Record<string, string>>) => (await load(files)).configuration?.digest
    const one = await digest({ 'a.yaml': `${root}---\n${web}` })
    expect(one).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(await digest({ 'x.yaml': `# moved\n${web}`, 'y.yaml': root })).toBe(one)
    expect(await digest({ 'a.yaml': `${root}---\n${web.replace('{ca: root}', '{ca: root, maxTtl: 1d}')}` })).not.toBe(
      one,
    )
  })
})

describe('an overlay', () => {
  const base = `${root}---\n${head('Role', 'web')}spec:\n  ca: root\n  allowedDomains: [a.example, b.example]\n  maxTtl: 90d\n  allowSubdomains: true\n`
  const overlay =
    'apiVersion: trustform/v1\nkind: Role\nmetadata: {name: web, labels: {env: prod}}\nspec: {allowedDomains: [prod.example], maxTtl: null}\n'

  test('merges maps, replaces lists, removes by null, and each field keeps its place', async () => {
    const { configuration, diagnostics } = await load({ 'base/a.yaml': base, 'prod/a.yaml': overlay }, ['base', 'prod'])
    expect(diagnostics).toEqual([])
    const role = configuration?.resources[1]
    expect(role).toMatchObject({
      labels: { env: 'prod' },
      file: 'base/a.yaml',
      spec: { ca: 'root', allowedDomains: ['prod.example'], maxTtl: '90d', allowSubdomains: true },
    })
    expect(role?.locate('/spec/allowedDomains/0')).toMatchObject({ file: 'prod/a.yaml', line: 4, column: 25 })
    expect(role?.locate('/spec/ca')).toMatchObject({ file: 'base/a.yaml', line: 10 })
  })

  test('an error in it points into it', async () => {
    const [problem] = await told({ 'base/a.yaml': base, 'prod/a.yaml': overlay.replace('null', '1x') }, [
      'base',
      'prod',
    ])
    expect(problem).toMatch(/^4:48 schema_violation Role "web" has "1x" as spec.maxTtl/)
  })

  test('replaces a secret reference whole and keeps its file relative to the overlay', async () => {
    const secret = (reference: string) => `${head('Secret', 's')}spec: {path: a, data: {k: ${reference}}}\n`
    const { configuration } = await load(
      { 'base/s.yaml': secret('{env: K}'), 'prod/s.yaml': secret('{file: k.txt}') },
      ['base', 'prod'],
    )
    expect(configuration?.resources[0]?.secrets).toEqual([{ pointer: '/data/k', reference: { file: '../prod/k.txt' } }])
  })
})

describe('secrets', () => {
  const canary = 'hunter2-canary'
  const provider = (credentials: string) =>
    `${head('DnsProvider', 'p')}spec:\n  providerType: powerdns\n  credentials: ${credentials}\n`

  test('a literal is wrapped, warned about and nowhere to be seen', async () => {
    const loaded = await load(provider(`{api_url: "http://127.0.0.1:8081", api_key: ${canary}}`))
    const [resource] = loaded.configuration?.resources ?? []
    expect(resource?.spec.credentials).toEqual({
      api_url: 'http://127.0.0.1:8081',
      api_key: { literal: '(secret)' },
      server_id: 'localhost',
    })
    const [field] = resource?.secrets ?? []
    expect(field?.pointer).toBe('/credentials/api_key')
    expect(field && 'literal' in field.reference && field.reference.literal.reveal()).toBe(canary)
    expect(loaded.diagnostics).toMatchObject([{ severity: 'warning', code: 'literal_secret', position: { line: 6 } }])
    expect(JSON.stringify(loaded) + formatText(loaded.diagnostics)).not.toContain(canary)
  })

  test('a field that need not be secret may be a reference', async () => {
    const { configuration } = await load(provider('{api_url: {env: URL}, api_key: {secret: dns/pdns#key}}'))
    expect(configuration?.resources[0]?.secrets).toEqual([
      { pointer: '/credentials/api_key', reference: { secret: 'dns/pdns#key' } },
      { pointer: '/credentials/api_url', reference: { env: 'URL' } },
    ])
  })

  test('a stored secret that this configuration declares is a dependency', async () => {
    const { configuration } = await load(
      `${head('Secret', 's')}spec: {path: dns/pdns, data: {key: {env: K}}}\n---\n${provider('{api_url: "http://a", api_key: {secret: dns/pdns#key}}')}`,
    )
    expect(configuration?.resources[1]?.references).toEqual([
      { pointer: '/spec/credentials/api_key', kind: 'Secret', target: { name: 's' } },
    ])
  })

  const mistakes: [what: string, credentials: string][] = [
    ['an unknown field beside it', `{api_url: "http://a", api_key: ${canary}, api_kee: x}`],
    ['an unknown field that holds it', `{api_url: "http://a", api_kee: ${canary}}`],
    ['in the wrong field', `{api_url: ${canary}, api_key: {env: K}}`],
    ['of a provider that does not exist', `{api_token: ${canary}}\n  providerTyp: x`],
    ['before a syntax error', `{api_key: ${canary}, ]`],
    ['in a quote that is not closed', `{api_key: "${canary}`],
    ['given twice', `\n    api_key: ${canary}\n    api_key: ${canary}`],
    ['with a tag', `\n    api_key: !vault ${canary}`],
    ['on lines of its own', `\n    api_key: |\n      ${canary}\n     ${canary}\n`],
    ['as a key that is not text', `{? [${canary}] : 1}`],
    ['in a reference that does not exist', `{api_url: "http://a", api_key: {vault: ${canary}}}`],
  ]
  test.each(mistakes)('are not shown by an error: %s', async (_what, credentials) => {
    const { diagnostics } = await load(provider(credentials))
    expect(diagnostics.length).toBeGreaterThan(0)
    expect(JSON.stringify(diagnostics)).not.toContain(canary)
  })

  test('a file that is no manifest is not shown', async () => {
    const { diagnostics } = await load(`${canary}\n`)
    expect(diagnostics).toHaveLength(1)
    expect(JSON.stringify(diagnostics)).not.toContain(canary)
  })
})
