import { describe, expect, test } from 'vitest'
import type { Lifecycle, RecordedResource } from '../core/resource.ts'
import type { Action } from '../kinds/driver.ts'
import { declared, lives, recorded, request, sentences } from './fixtures/question.ts'
import { isBlocked } from './plan.ts'
import { plan } from './planner.ts'
import type { PlanRequest } from './request.ts'
import { refuseMass } from './safety.ts'

const mass = (recordedCount: number, deleted: number, action: Action = 'delete', allow: readonly string[] = []) =>
  refuseMass(
    Array.from({ length: deleted }, (_, index) => ({ address: `Role/r${index}` as const, action })),
    recordedCount,
    allow,
  )

const masses: [what: string, blocked: ReturnType<typeof mass>, want: string | undefined][] = [
  ['3 of 10 is 30 %', mass(10, 3), undefined],
  ['4 of 10', mass(10, 4), 'this plan deletes or replaces 4 of 10 resources, more than 30 %'],
  ['all of 9 is not many', mass(9, 9), undefined],
  ['30 of 100 is 30 %', mass(100, 30), undefined],
  ['31 of 100', mass(100, 31), 'this plan deletes or replaces 31 of 100 resources, more than 30 %'],
  ['replacements count', mass(10, 4, 'replace'), 'this plan deletes or replaces 4 of 10 resources, more than 30 %'],
  ['updates do not', mass(10, 10, 'update'), undefined],
  ['all-deletes allows it', mass(10, 10, 'delete', ['all-deletes']), undefined],
  ['each address allows it', mass(10, 4, 'delete', ['Role/r0', 'Role/r1', 'Role/r2', 'Role/r3']), undefined],
  ['all but one', mass(10, 4, 'delete', ['Role/r0', 'Role/r1', 'Role/r2']), expect.any(String)],
]
test('what blocks names the word that lets it happen, where there is one', () => {
  const gone = (lifecycle: Lifecycle) =>
    plan(request({ recorded: [recorded('CertificateAuthority/root', {}, { lifecycle })] })).document.changes[0]?.blocked
  expect(mass(10, 4)?.allow).toBe('all-deletes')
  expect(gone({})).toMatchObject({ code: 'plan_blocked', allow: 'CertificateAuthority/root' })
  expect(gone({ protect: true })).not.toHaveProperty('allow')
})

test.each(masses)('many deletions: %s', (_what, blocked, want) => expect(blocked?.message).toEqual(want))

const roles = Array.from({ length: 10 }, (_, index) => recorded(`Role/r${index}`, { ca: undefined }, { dependsOn: [] }))
const withoutCa = (name: string) => ({ ...declared(`Role/${name}`, { ca: undefined }), references: [] })

test('deleting many blocks each deletion, and nothing else', () => {
  const { document } = plan(request({ desired: [withoutCa('r0'), withoutCa('new')], recorded: roles }))
  expect(document.summary).toMatchObject({ delete: 9, create: 1, noop: 1, blocked: 9 })
  expect(isBlocked(document)).toBe(true)
})

test("another owner's resources do not water the share down", () => {
  const theirs = Array.from({ length: 50 }, (_, i) =>
    recorded(`Role/t${i}`, { ca: undefined }, { owner: 'api', dependsOn: [] }),
  )
  expect(plan(request({ recorded: [...roles, ...theirs] })).document.summary.blocked).toBe(10)
})

const anchor = { certificatePem: 'x' }
const guarded: [what: string, parts: Parameters<typeof request>[0], want: string[]][] = [
  ['an authority', { recorded: [recorded('CertificateAuthority/root')] }, ['plan_blocked']],
  ['an account', { recorded: [recorded('AcmeAccount/le')] }, ['plan_blocked']],
  ['a trust anchor', { recorded: [recorded('TrustAnchor/ta', anchor)] }, ['plan_blocked']],
  ['a certificate', { recorded: [recorded('Certificate/www')] }, []],
  [
    'an authority by its address',
    { recorded: [recorded('CertificateAuthority/root')], allow: ['CertificateAuthority/root'] },
    [],
  ],
  [
    'an authority by another address',
    { recorded: [recorded('CertificateAuthority/root')], allow: ['CertificateAuthority/x'] },
    ['plan_blocked'],
  ],
  ['an authority with all-deletes', { recorded: [recorded('CertificateAuthority/root')], allow: ['all-deletes'] }, []],
  [
    'a protected certificate, whatever is allowed',
    {
      recorded: [recorded('Certificate/www', {}, { lifecycle: { protect: true } })],
      allow: ['all-deletes', 'Certificate/www'],
    },
    ['plan_blocked'],
  ],
  [
    'a protected certificate by destroy',
    {
      mode: 'destroy',
      recorded: [recorded('Certificate/www', {}, { lifecycle: { protect: true } })],
      allow: ['all-deletes'],
    },
    ['plan_blocked'],
  ],
]
test.each(guarded)('deleting %s', (_what, parts, want) => {
  const { changes } = plan(request(parts)).document
  expect(changes.flatMap(({ blocked }) => blocked?.code ?? [])).toEqual(want)
})

test('protection covers a replacement from the moment in which it is declared', () => {
  const other = declared('CertificateAuthority/root', { commonName: 'Other' }, { protect: true })
  const { changes } = plan(
    request({
      desired: [other],
      recorded: [recorded('CertificateAuthority/root', {}, lives(-1, 3000))],
      allow: ['all-deletes'],
    }),
  ).document
  expect(changes[0]?.blocked?.message).toBe('CertificateAuthority/root is protected and would be replaced')
})

test('a protected resource still renews and changes in place', () => {
  const protectedLeaf = recorded(
    'Certificate/www',
    { autoRenew: true },
    { ...lives(-80, 10), lifecycle: { protect: true } },
  )
  const { document } = plan(request({ mode: 'renew', recorded: [protectedLeaf] }))
  expect(document.changes[0]).toMatchObject({ action: 'renew' })
  expect(document.changes[0]?.blocked).toBeUndefined()
})

describe('target and exclude', () => {
  const house = [
    recorded('CertificateAuthority/root', {}, lives(-1, 3000)),
    recorded('Role/web'),
    recorded('Certificate/www', {}, lives(-1, 89)),
    recorded('Certificate/api', { domains: ['api.corp.example'] }, lives(-1, 89)),
  ]
  const desired = [
    declared('CertificateAuthority/root'),
    declared('Role/web'),
    declared('Certificate/www'),
    declared('Certificate/api', { domains: ['api.corp.example'] }),
  ]
  const everything: PlanRequest['allow'] = ['all-deletes']
  const cases: [what: string, parts: Parameters<typeof request>[0], want: string[]][] = [
    [
      'a target comes with what it stands on',
      { desired, targets: ['Certificate/www'] },
      ['create CertificateAuthority/root', 'create Role/web', 'create Certificate/www'],
    ],
    [
      'an exclusion takes along what stands on it',
      { desired, excludes: ['Role/web'] },
      ['create CertificateAuthority/root'],
    ],
    [
      'a target that goes takes along what stands on it, and spares what it stands on',
      { mode: 'destroy', recorded: house, targets: ['Role/web'], allow: everything },
      ['delete Role/web', 'delete Certificate/www', 'delete Certificate/api'],
    ],
    [
      'a certificate goes alone',
      { mode: 'destroy', recorded: house, targets: ['Certificate/api'], allow: everything },
      ['delete Certificate/api'],
    ],
    [
      'what an excluded one needs is spared too',
      { mode: 'destroy', recorded: house, excludes: ['Certificate/api'], allow: everything },
      ['delete Certificate/www'],
    ],
  ]
  test.each(cases)('%s', (_what, parts, want) => {
    const { document } = plan(request(parts))
    const got = document.changes.map(({ action, address }) => `${action} ${address}`)
    expect(got.toSorted()).toEqual(want.toSorted())
    expect(document.partial).toBe(true)
    expect(isBlocked(document)).toBe(false)
  })

  test.each(['targets', 'excludes', 'force'] as const)('an unknown address in %s is an error', field => {
    const names = field === 'force' ? new Set(['Role/x']) : ['Role/x']
    expect(() => plan(request({ desired, [field]: names }))).toThrow('"Role/x" is neither declared nor recorded')
  })
})

test('sentences of a plan are stable', () => {
  expect(
    sentences(plan(request({ recorded: [recorded('Role/web', { ca: undefined }, { dependsOn: [] })] })).document),
  ).toEqual(['delete orphan Role/web: no longer declared'])
})

/** Ordered through the provider `old` at a time when there was no other. */
const ordered = (spec = {}) =>
  recorded(
    'Certificate/www',
    { role: undefined, account: 'le', challengeType: 'dns-01', domains: ['a.corp.example', 'b.corp.example'], ...spec },
    { ...lives(-1, 89, ''), dependsOn: ['AcmeAccount/le', 'DnsProvider/old'] },
  )
const provider = (name: string, ...managedZones: string[]) => recorded(`DnsProvider/${name}`, { managedZones })
const elsewhere: [what: string, certificate: RecordedResource, providers: RecordedResource[], isInUse: boolean][] = [
  ['there is no other', ordered(), [], true],
  ['another one answers for all of its names', ordered(), [provider('new', '*.corp.example')], false],
  ['another one answers for all zones that it serves', ordered(), [provider('new')], false],
  ['another one answers for some of its names', ordered(), [provider('new', 'a.corp.example')], true],
  ['another one answers for other names', ordered(), [provider('new', 'other.example')], true],
  ['the certificate names it', ordered({ dnsProvider: 'old' }), [provider('new', '*.corp.example')], true],
]
test.each(
  elsewhere,
)('a DNS provider that was chosen for a certificate goes: %s', (_what, certificate, providers, isInUse) => {
  const state = [recorded('AcmeAccount/le'), provider('old', '*.corp.example'), certificate, ...providers]
  const { document } = plan(request({ mode: 'destroy', alone: 'DnsProvider/old', recorded: state }))
  expect(sentences(document)[0]).toMatch(/^delete config DnsProvider\/old/)
  expect(document.preflight.map(({ code }) => code)).toEqual(isInUse ? ['in_use'] : [])
})
