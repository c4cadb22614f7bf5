import { describe, expect, test } from 'vitest'
import { chooseRenewalTime } from '../acme/renewal-info.ts'
import type { JsonObject } from '../core/json.ts'
import type { DesiredResource, RecordedResource } from '../core/resource.ts'
import type { Observation } from '../kinds/driver.ts'
import { day, declared, inDays, lives, now, recorded, request, sentences } from './fixtures/question.ts'
import { plan } from './planner.ts'
import type { PlanRequest } from './request.ts'

type Given = Omit<Partial<PlanRequest>, 'desired'> & { desired?: DesiredResource[] }

const root = () => declared('CertificateAuthority/root')
const web = () => declared('Role/web')
const www = () => declared('Certificate/www')
const rootIs = (...validity: [number, number]) => recorded('CertificateAuthority/root', {}, lives(...validity))
const webIs = (more = {}) => recorded('Role/web', {}, more)
const wwwIs = (spec = {}, rest: Partial<RecordedResource> = lives(-1, 89)) => recorded('Certificate/www', spec, rest)
/** The house as it stands, and what is declared the same. */
const standing = [rootIs(-100, 3550), webIs(), wwwIs()]
const all = [root(), web(), www()]
const others = (...kept: string[]) => standing.filter(({ address }) => kept.includes(address))
const seen = (more: Partial<Observation>): Observation => ({
  exists: true,
  facts: {},
  drift: [],
  findings: [],
  ...more,
})

/** The one sentence about a certificate in an otherwise unchanged house. */
const about = (given: Given) => sentences(plan(request(given)).document).at(-1)

const account = declared('AcmeAccount/le')
const acme = { role: undefined, account: 'le', challengeType: 'http-01' }
const byAcme = (window?: JsonObject, rest = {}) =>
  recorded('Certificate/www', acme, {
    ...lives(-50, 40, '', {
      directoryUrl: 'https://acme-v02.api.letsencrypt.org/directory',
      ...(window && { window }),
    }),
    ...rest,
  })
const accountIs = recorded('AcmeAccount/le')
const window = { start: inDays(-2), end: inDays(-1) }
const chosen = chooseRenewalTime({ start: new Date(window.start), end: new Date(window.end) }, 'AB')

const decisions: [what: string, given: Given, want: string | undefined][] = [
  ['nothing recorded', { desired: all }, 'create config Certificate/www'],
  ['nothing changed', { desired: all, recorded: standing }, 'no-op config Certificate/www'],
  [
    'a field of the object changed',
    { desired: [root(), web(), declared('Certificate/www', { autoRenew: false })], recorded: standing },
    'update config Certificate/www: autoRenew changed',
  ],
  [
    'a field of the certificate changed',
    { desired: [root(), web(), declared('Certificate/www', { domains: ['corp.example'] })], recorded: standing },
    'reissue config Certificate/www: domains changed, which needs a new certificate',
  ],
  [
    'many fields changed',
    {
      desired: [
        root(),
        web(),
        declared('Certificate/www', { domains: ['a', 'b', 'c', 'd'].map(x => `${x}.corp.example`) }),
      ],
      recorded: standing,
    },
    'reissue config Certificate/www: domains changed, which needs a new certificate',
  ],
  [
    'the identity changed',
    { desired: [declared('CertificateAuthority/root', { commonName: 'Other' })], recorded: [rootIs(-100, 3550)] },
    'BLOCKED replace config CertificateAuthority/root: commonName cannot change in place; of the old one, its certificates and key stay in the inventory',
  ],
  [
    'the last third begins this instant',
    { desired: all, recorded: [...others('CertificateAuthority/root', 'Role/web'), wwwIs({}, lives(-60, 30))] },
    `renew renewal Certificate/www: due since ${now.toISOString()}`,
  ],
  [
    'the last third begins in a day',
    { desired: all, recorded: [...others('CertificateAuthority/root', 'Role/web'), wwwIs({}, lives(-59, 31))] },
    'no-op config Certificate/www',
  ],
  [
    'half of a short life is over',
    { desired: all, recorded: [...others('CertificateAuthority/root', 'Role/web'), wwwIs({}, lives(-3, 3))] },
    `renew renewal Certificate/www: due since ${now.toISOString()}`,
  ],
  [
    'not yet half of a short life is over',
    { desired: all, recorded: [...others('CertificateAuthority/root', 'Role/web'), wwwIs({}, lives(-2.9, 3.1))] },
    'no-op config Certificate/www',
  ],
  [
    'renewBefore is reached',
    {
      desired: [root(), web(), declared('Certificate/www', { renewBefore: '20d' })],
      recorded: [...others('CertificateAuthority/root', 'Role/web'), wwwIs({ renewBefore: '20d' }, lives(-70, 20))],
    },
    `renew renewal Certificate/www: due since ${now.toISOString()}`,
  ],
  [
    'renewBefore is later than two thirds',
    {
      desired: [root(), web(), declared('Certificate/www', { renewBefore: '20d' })],
      recorded: [...others('CertificateAuthority/root', 'Role/web'), wwwIs({ renewBefore: '20d' }, lives(-69, 21))],
    },
    'no-op config Certificate/www',
  ],
  [
    'it does not renew by itself',
    {
      desired: [root(), web(), declared('Certificate/www', { autoRenew: false })],
      recorded: [...others('CertificateAuthority/root', 'Role/web'), wwwIs({ autoRenew: false }, lives(-80, 10))],
    },
    'no-op config Certificate/www',
  ],
  [
    'the CA asks for an early renewal',
    { desired: [account, declared('Certificate/www', acme)], recorded: [accountIs, byAcme(window)] },
    `renew renewal Certificate/www: due since ${chosen.toISOString()}`,
  ],
  [
    'the CA moved its window away',
    {
      desired: [account, declared('Certificate/www', acme)],
      recorded: [accountIs, byAcme(window)],
      live: new Map([['Certificate/www' as const, seen({ facts: { window: { start: inDays(9), end: inDays(10) } } })]]),
    },
    'no-op config Certificate/www',
  ],
  [
    'it was revoked',
    {
      desired: all,
      recorded: [
        ...others('CertificateAuthority/root', 'Role/web'),
        wwwIs({}, lives(-1, 89, 'root', { revokedAt: inDays(-1) })),
      ],
    },
    `reissue drift Certificate/www: was revoked at ${inDays(-1)}`,
  ],
  [
    'its authority is replaced',
    { desired: [declared('CertificateAuthority/root', { keyType: 'rsa' }), web(), www()], recorded: standing },
    'reissue dependency Certificate/www: its authority root is another one now',
  ],
  [
    'its authority was replaced by a run that got no further',
    {
      desired: all,
      recorded: [...others('CertificateAuthority/root', 'Role/web'), wwwIs({}, lives(-1, 89, 'former'))],
    },
    'reissue dependency Certificate/www: its authority root is another one now',
  ],
  [
    'its account moved to another server',
    {
      desired: [declared('AcmeAccount/le', { environment: 'staging' }), declared('Certificate/www', acme)],
      recorded: [accountIs, byAcme()],
    },
    'reissue dependency Certificate/www: its account le is at another server now',
  ],
  [
    'its account moved in a run that got no further',
    {
      desired: [declared('AcmeAccount/le', { environment: 'staging' }), declared('Certificate/www', acme)],
      recorded: [recorded('AcmeAccount/le', { environment: 'staging' }), byAcme()],
    },
    'reissue dependency Certificate/www: its account le is at another server now',
  ],
  [
    'fields and time ask at once: the stronger wins',
    {
      desired: [root(), web(), declared('Certificate/www', { reuseKey: true })],
      recorded: [...others('CertificateAuthority/root', 'Role/web'), wwwIs({}, lives(-70, 20))],
    },
    `renew renewal Certificate/www: due since ${new Date(Date.parse(inDays(20)) - 30 * day).toISOString()}`,
  ],
  [
    'the account was deactivated at the CA',
    {
      desired: [account],
      recorded: [accountIs],
      live: new Map([['AcmeAccount/le' as const, seen({ exists: false })]]),
    },
    'create drift AcmeAccount/le: the account was deactivated at the CA; a new one is registered',
  ],
  [
    'the account was deactivated at the CA, and drift is only to be shown',
    {
      desired: [account],
      recorded: [accountIs],
      live: new Map([['AcmeAccount/le' as const, seen({ exists: false })]]),
      leave: new Set(['drift']),
    },
    'no-op config AcmeAccount/le',
  ],
  [
    'it was revoked and changed, and drift is only to be shown',
    {
      desired: [root(), web(), declared('Certificate/www', { domains: ['corp.example'] })],
      recorded: [
        ...others('CertificateAuthority/root', 'Role/web'),
        wwwIs({}, lives(-1, 89, 'root', { revokedAt: inDays(-1) })),
      ],
      leave: new Set(['drift']),
    },
    'reissue config Certificate/www: domains changed, which needs a new certificate',
  ],
  [
    'no longer declared',
    { desired: [root(), web()], recorded: standing },
    'delete orphan Certificate/www: no longer declared; its certificates and keys stay in the inventory',
  ],
  [
    'no longer declared, to be revoked',
    { recorded: [wwwIs({}, { lifecycle: { onDelete: 'revoke' } })] },
    'delete orphan Certificate/www: no longer declared; its certificates are revoked, its keys stay',
  ],
  [
    'no longer declared, to be destroyed',
    { recorded: [wwwIs({}, { lifecycle: { onDelete: 'destroy' } })] },
    'delete orphan Certificate/www: no longer declared; its certificates are revoked and its keys destroyed',
  ],
  [
    'an account that goes',
    { recorded: [accountIs], allow: ['AcmeAccount/le'] },
    'delete orphan AcmeAccount/le: no longer declared; the account is deactivated at the CA for good, its key stays',
  ],
  ['destroy', { mode: 'destroy', recorded: [webIs()] }, 'delete config Role/web: destroy was asked for'],
  ["another owner's orphan", { recorded: [wwwIs({}, { owner: 'git:infra' })] }, undefined],
  [
    "another owner's resource",
    {
      desired: all,
      recorded: [
        ...others('CertificateAuthority/root', 'Role/web'),
        wwwIs({}, { ...lives(-1, 89), owner: 'git:infra' }),
      ],
    },
    'BLOCKED update config Certificate/www: owner changed',
  ],
  [
    "another owner's resource, adopted",
    {
      desired: all,
      recorded: [
        ...others('CertificateAuthority/root', 'Role/web'),
        wwwIs({}, { ...lives(-1, 89), owner: 'git:infra' }),
      ],
      adopt: true,
    },
    'update config Certificate/www: owner changed',
  ],
  ['renew mode, nothing due', { mode: 'renew', recorded: standing }, 'no-op renewal Certificate/www'],
  [
    'renew mode, asked for by name',
    { mode: 'renew', recorded: standing, force: new Set(['Certificate/www']) },
    'renew renewal Certificate/www: asked for by name',
  ],
  [
    'it is due, and renewals are left to others',
    {
      desired: [account, declared('Certificate/www', { ...acme, autoRenew: true })],
      recorded: [accountIs, byAcme(window)],
      leave: new Set(['renewal']),
    },
    'no-op config Certificate/www',
  ],
  [
    'renew mode, due and held',
    {
      mode: 'renew',
      recorded: [rootIs(-3000, 100), webIs(), wwwIs({}, lives(-80, 10))],
      hold: new Set(['Certificate/www']),
    },
    'no-op renewal Certificate/www',
  ],
  [
    'renew mode, its authority held',
    {
      mode: 'renew',
      recorded: [rootIs(-3000, 100), webIs(), wwwIs({}, lives(-80, 10))],
      hold: new Set(['CertificateAuthority/root']),
    },
    `renew renewal Certificate/www: due since ${inDays(-20)}`,
  ],
  [
    "renew mode, another owner's",
    { mode: 'renew', recorded: [wwwIs({ role: 'gone' }, { ...lives(-80, 10), owner: 'git:infra' })] },
    `renew renewal Certificate/www: due since ${inDays(-20)}`,
  ],
]
test.each(decisions)('plan: %s', (_what, given, want) => expect(about(given)).toBe(want))

describe('the whole plan', () => {
  test('is the same for the same question', () => {
    const question = request({ desired: all, recorded: [...standing, recorded('Role/orphan')] })
    expect(plan(question)).toEqual(plan(question))
  })

  test('counts its actions, and blocked ones twice', () => {
    const { summary } = plan(
      request({
        desired: [declared('CertificateAuthority/root', { keyType: 'rsa' }), web(), www()],
        recorded: standing,
      }),
    ).document
    expect(summary).toMatchObject({ replace: 1, reissue: 1, noop: 1, blocked: 1, create: 0, delete: 0 })
  })

  test('tells drift apart from changes', () => {
    const drift = [{ path: '/status/status', before: 'valid', after: 'x', sensitive: false, forcesReplacement: false }]
    const { document } = plan(
      request({
        desired: [account],
        recorded: [accountIs],
        live: new Map([['AcmeAccount/le' as const, seen({ drift })]]),
      }),
    )
    expect(document.drift).toEqual([{ address: 'AcmeAccount/le', diffs: drift }])
    expect(sentences(document)).toEqual(['no-op config AcmeAccount/le'])
  })

  test('refuses what stands on something dead outside that it leaves so', () => {
    const drift = [
      { path: '/status/status', before: 'valid', after: 'deactivated', sensitive: false, forcesReplacement: false },
    ]
    const question = {
      desired: [account, declared('Certificate/www', acme)],
      recorded: [accountIs],
      live: new Map([['AcmeAccount/le' as const, seen({ exists: false, drift })]]),
    }
    const leave = new Set(['drift' as const])
    expect(plan(request(question)).document.preflight).toEqual([])
    expect(plan(request({ ...question, leave })).document.preflight).toMatchObject([
      {
        address: 'AcmeAccount/le',
        level: 'error',
        message: 'what changes here stands on it, and it is deactivated outside',
      },
    ])
    const untouched = plan(request({ ...question, desired: [account], leave })).document
    expect(untouched.preflight, 'where nothing new stands on it, it is only drift').toEqual([])
    expect(untouched.drift).toHaveLength(1)
  })

  test('names what it leaves to somebody else', () => {
    const due = [rootIs(-3000, 100), webIs(), wwwIs({}, lives(-80, 10))]
    const left = (more: Given) => [...(plan(request({ desired: [], recorded: due, ...more })).left ?? [])]
    expect(left({ mode: 'renew' })).toEqual([])
    expect(left({ mode: 'renew', hold: new Set(['Certificate/www']) })).toEqual(['Certificate/www'])
    expect(left({ desired: [root(), web(), www()], leave: new Set(['renewal']) })).toContain('Certificate/www')
  })

  test('tells how much a replaced authority pulls along', () => {
    const leaves = ['a', 'b', 'c'].map((name, at) => declared(`Certificate/${name}`, at === 0 ? { ttl: '5d' } : {}))
    const { preflight } = plan(
      request({
        desired: [declared('CertificateAuthority/root', { commonName: 'Other' }), web(), ...leaves],
        recorded: [
          ...others('CertificateAuthority/root', 'Role/web'),
          ...leaves.map(({ address }) => recorded(address, {}, lives(-1, 89))),
        ],
        allow: ['CertificateAuthority/root'],
      }),
    ).document
    expect(preflight.map(({ level, message }) => `${level}: ${message}`)).toEqual([
      'warning: replacing it re-issues 3 certificates below it',
    ])
  })

  test('prints a cycle', () => {
    const cycle = [
      declared('CertificateAuthority/a', { type: 'intermediate', parent: 'b' }),
      declared('CertificateAuthority/b', { type: 'intermediate', parent: 'a' }),
    ]
    expect(() => plan(request({ desired: cycle }))).toThrow(
      'CertificateAuthority/a -> CertificateAuthority/b -> CertificateAuthority/a',
    )
  })
})

describe('findings', () => {
  const broken = {
    check: 'credentials',
    level: 'error',
    code: 'dns_unauthorized',
    message: 'refused',
    remedy: 'fix',
  } as const
  const provider = declared('DnsProvider/pdns', { managedZones: ['**.corp.example'] })
  const providerIs = recorded('DnsProvider/pdns', { managedZones: ['**.corp.example'] })
  const byDns = { role: undefined, account: 'le', challengeType: 'dns-01' }
  const live = new Map([['DnsProvider/pdns' as const, seen({ findings: [broken] })]])
  const levels: [what: string, given: Given, want: string[]][] = [
    ['of a resource that changes are errors', { desired: [provider], live }, ['error DnsProvider/pdns']],
    [
      'of one that stays are warnings',
      { desired: [provider], recorded: [providerIs], live },
      ['warning DnsProvider/pdns'],
    ],
    [
      'of one that stays are errors where something new relies on it',
      { desired: [provider, account, declared('Certificate/www', byDns)], recorded: [providerIs, accountIs], live },
      ['error DnsProvider/pdns'],
    ],
    [
      'of an unchanged certificate are warnings',
      {
        desired: [root(), declared('Role/web', { maxTtl: '10d' }), declared('Certificate/www', { ttl: '90d' })],
        recorded: [rootIs(-100, 3550), recorded('Role/web', { maxTtl: '10d' }), wwwIs({ ttl: '90d' })],
      },
      ['warning Certificate/www'],
    ],
    ['a reference to nothing', { desired: [declared('Role/web', { ca: 'missing' })] }, ['error Role/web']],
    [
      'a certificate without its role says only that',
      { desired: [declared('Certificate/www', { role: 'missing', domains: ['*.corp.example'] })] },
      ['error Certificate/www'],
    ],
    [
      'something that stays needs what goes',
      { desired: [web()], recorded: [rootIs(-100, 3550), webIs()], allow: ['all-deletes'] },
      ['error CertificateAuthority/root'],
    ],
    [
      'the role is pointed elsewhere while the authority goes',
      {
        desired: [declared('CertificateAuthority/new', { commonName: 'New' }), declared('Role/web', { ca: 'new' })],
        recorded: [rootIs(-100, 3550), webIs()],
        allow: ['all-deletes'],
      },
      [],
    ],
    [
      'a provider that goes is missed by nobody who has another',
      {
        desired: [account, provider, declared('Certificate/www', byDns)],
        recorded: [accountIs, providerIs, recorded('DnsProvider/old', { managedZones: ['**.corp.example'] })],
      },
      [],
    ],
    [
      'no provider manages the name',
      {
        desired: [
          account,
          declared('DnsProvider/pdns', { managedZones: ['other.example'] }),
          declared('Certificate/www', byDns),
        ],
      },
      ['error Certificate/www'],
    ],
  ]
  test.each(levels)('%s', (_what, given, want) => {
    const { preflight } = plan(request(given)).document
    expect(preflight.map(({ level, address }) => `${level} ${address}`)).toEqual(want)
    expect(preflight.every(({ remedy }) => remedy !== '')).toBe(true)
  })
})
