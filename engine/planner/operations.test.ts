import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { declared, lives, recorded, request } from './fixtures/question.ts'
import { plan } from './planner.ts'

type Parts = Parameters<typeof request>[0]

const rootIs = recorded('CertificateAuthority/root', {}, { ...lives(-1, 3000), revision: 1 })
const webIs = recorded('Role/web', {}, { revision: 2 })
const wwwIs = recorded('Certificate/www', {}, { ...lives(-1, 89), revision: 3 })
const www = declared('Certificate/www')

const orders: [what: string, parts: Parts, want: string[]][] = [
  [
    'dependencies come first',
    { desired: [www, declared('Role/web'), declared('CertificateAuthority/root')] },
    ['CertificateAuthority/root <-', 'Role/web <- CertificateAuthority/root', 'Certificate/www <- Role/web'],
  ],
  [
    'an unchanged role between them passes the order on',
    {
      desired: [declared('CertificateAuthority/root', { commonName: 'Other' }), declared('Role/web'), www],
      recorded: [rootIs, webIs, wwwIs],
      allow: ['all-deletes'],
    },
    ['CertificateAuthority/root <-', 'Certificate/www <- CertificateAuthority/root'],
  ],
  [
    'deletions go in reverse',
    { recorded: [rootIs, webIs, wwwIs], allow: ['all-deletes'] },
    ['CertificateAuthority/root <- Role/web', 'Role/web <- Certificate/www', 'Certificate/www <-'],
  ],
  [
    'an authority goes once its role points elsewhere',
    {
      desired: [declared('CertificateAuthority/new'), declared('Role/web', { ca: 'new' }), www],
      recorded: [rootIs, webIs, wwwIs],
      allow: ['all-deletes'],
    },
    [
      'CertificateAuthority/new <-',
      'CertificateAuthority/root <- Role/web',
      'Role/web <- CertificateAuthority/new',
      'Certificate/www <- Role/web',
    ],
  ],
]
test.each(orders)('%s', (_what, parts, want) => {
  const { operations } = plan(request(parts))
  const got = operations.map(({ address, after }) => `${address} <- ${after.join(', ')}`.trimEnd())
  expect(got.toSorted()).toEqual(want.toSorted())
})

test('revisions cover what is touched and everything below it', () => {
  const { revisions, operations } = plan(
    request({
      desired: [
        declared('CertificateAuthority/root'),
        declared('Role/web'),
        declared('Certificate/www', { ttl: '10d' }),
        declared('Role/other'),
      ],
      recorded: [rootIs, webIs, wwwIs, recorded('Role/other', {}, { revision: 9 })],
    }),
  )
  expect(operations.map(({ address, expectedRevision }) => [address, expectedRevision])).toEqual([
    ['Certificate/www', 3],
  ])
  expect(revisions).toEqual({ 'CertificateAuthority/root': 1, 'Role/web': 2, 'Certificate/www': 3 })
})

test('renewals leave the owner as it is, everything else takes the planning one', () => {
  const theirs = { ...wwwIs, ...lives(-80, 10), owner: 'git:infra' }
  const owners = (parts: Parts) => plan(request(parts)).operations.map(({ owner }) => owner)
  expect(owners({ mode: 'renew', recorded: [rootIs, webIs, theirs] })).toEqual(['git:infra'])
  expect(
    owners({
      desired: [declared('CertificateAuthority/root'), declared('Role/web'), www],
      recorded: [rootIs, webIs, theirs],
      adopt: true,
    }),
  ).toEqual(['cli'])
})

test('planning asks neither clock nor chance nor network', () => {
  const sources = readdirSync(new URL('.', import.meta.url)).filter(
    name => name.endsWith('.ts') && !name.includes('.test.'),
  )
  expect(sources.length).toBeGreaterThan(8)
  for (const name of sources) {
    const text = readFileSync(new URL(name, import.meta.url), 'utf8')
    expect(text, name).not.toMatch(
      /Date\.now|new Date\(\)|Math\.random|performance\.|process\.|node:(?!crypto)|fetch\(/,
    )
  }
})
