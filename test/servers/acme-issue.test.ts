import { createPrivateKey, X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { registerAccount } from '../../engine/acme/account.ts'
import { fetchAuthorization } from '../../engine/acme/authorization.ts'
import { identifiersOf } from '../../engine/acme/identifier.ts'
import type { Issuance } from '../../engine/acme/issuance.ts'
import { obtainCertificate } from '../../engine/acme/issue.ts'
import { openSigningKey } from '../../engine/acme/jws.ts'
import { fetchOrder } from '../../engine/acme/order.ts'
import { chooseRenewalTime, fetchRenewalInfo } from '../../engine/acme/renewal-info.ts'
import { revokeCertificate } from '../../engine/acme/revocation.ts'
import { type AccountSession, atAccount } from '../../engine/acme/session.ts'
import { createDns01Solver } from '../../engine/acme/solvers/dns-01.ts'
import { createHttp01Responder, createHttp01Solver } from '../../engine/acme/solvers/http-01.ts'
import { EngineError } from '../../engine/core/errors.ts'
import { ariCertId, parseCertificate } from '../../engine/x509/certificate.ts'
import { createCsr } from '../../engine/x509/csr.ts'
import { generateKey } from '../../engine/x509/keys.ts'
import { toPem } from '../../engine/x509/pem.ts'
import { challengeTarget, freshSession, memoryJournal, recordingTrace } from './acme-client.ts'
import { type RunningChallengeServer, startChallengeServer } from './challtestsrv.ts'
import { type PebbleOptions, type RunningPebble, startPebble } from './pebble.ts'
import { freePort } from './process.ts'

let dns: RunningChallengeServer
let httpPort: number
let pebble: RunningPebble
const started: RunningPebble[] = []

async function start(options: PebbleOptions): Promise<RunningPebble> {
  const server = await startPebble({ dnsServer: dns.dnsServer, httpPort, ...options })
  started.push(server)
  return server
}

beforeAll(async () => {
  dns = await startChallengeServer()
  httpPort = await freePort()
  pebble = await start({ authzReuse: 0, profiles: { default: 7_776_000, shortlived: 518_400 } })
})
afterAll(async () => {
  await Promise.all([...started.map(each => each.stop()), dns?.stop()])
})

async function account(
  server: RunningPebble,
  options: Parameters<typeof freshSession>[1] = {},
): Promise<AccountSession> {
  const session = await freshSession(server, options)
  return atAccount(session, (await registerAccount(session, { emails: ['ops@acme.example'] })).url)
}

function issuance(session: AccountSession, dnsNames: readonly string[], more: Partial<Issuance> = {}) {
  const journal = memoryJournal()
  const target = challengeTarget(dns)
  return {
    target,
    journal,
    session,
    identifiers: identifiersOf(dnsNames),
    key: { generate: { type: 'ec', size: 256 } },
    solver: createDns01Solver({ open: () => target, journal }),
    profile: 'default',
    ...more,
  } as const
}

const names = (der: Uint8Array) => [...parseCertificate(der).names.dns].sort()

describe('a certificate by dns-01', () => {
  test('covers apex and wildcard with two values at one name, and leaves none behind', async () => {
    const request = issuance(await account(pebble), ['wild.example', '*.wild.example'])
    const issued = await obtainCertificate(request)
    expect(request.target.values.get('_acme-challenge.wild.example')?.size).toBe(2)
    await issued.cleanup()
    expect(request.target.values.size).toBe(0)
    expect(names(issued.leaf)).toEqual(['*.wild.example', 'wild.example'])
    const leaf = new X509Certificate(issued.leaf)
    const key = createPrivateKey({ key: Buffer.from(issued.key?.reveal() ?? []), format: 'der', type: 'pkcs8' })
    expect(leaf.checkPrivateKey(key)).toBe(true)
    const issuer = new X509Certificate(issued.chain[0] ?? new Uint8Array())
    expect(leaf.verify(issuer.publicKey)).toBe(true)
    expect(issuer.verify(new X509Certificate(await pebble.issuingRoot()).publicKey)).toBe(true)
  })

  test('is for the key of a CSR from outside, which we never see', async () => {
    const privateKey = await generateKey({ type: 'rsa', size: 2048 })
    const csr = createCsr({ privateKey, names: { dns: ['csr.example'] } })
    const issued = await obtainCertificate(issuance(await account(pebble), ['csr.example'], { key: { csr } }))
    expect(new X509Certificate(issued.leaf).checkPrivateKey(privateKey)).toBe(true)
    expect(issued.key).toBeUndefined()
  })

  test('is not ordered with a CSR for other names', async () => {
    const csr = createCsr({ privateKey: await generateKey({ type: 'ec', size: 256 }), names: { dns: ['b.example'] } })
    const request = issuance(await account(pebble), ['a.example'], { key: { csr } })
    await expect(obtainCertificate(request)).rejects.toMatchObject({
      code: 'csr_invalid',
      message: 'the CSR asks for b.example instead of a.example',
    })
    expect(request.journal.steps()).toEqual([])
  })

  test('has the profile that was asked for', async () => {
    const request = issuance(await account(pebble), ['short.example'], { profile: 'shortlived' })
    const { notBefore, notAfter } = parseCertificate((await obtainCertificate(request)).leaf)
    expect(Math.round((notAfter.getTime() - notBefore.getTime()) / 86_400_000)).toBe(6)
  })

  test('is not ordered with a profile that the CA does not offer', async () => {
    const request = issuance(await account(pebble), ['profile.example'], { profile: 'gold' })
    await expect(obtainCertificate(request)).rejects.toMatchObject({
      code: 'acme_refused',
      remedy: 'use one of default, shortlived, or none',
    })
  })

  test('tells the words of the CA for every name that failed, and leaves no value behind', async () => {
    const request = issuance(await account(pebble), ['wrong-a.example', 'wrong-b.example'])
    const target = { ...request.target, present: async () => undefined }
    const solver = createDns01Solver({ open: () => target, journal: request.journal })
    const failure = await obtainCertificate({ ...request, solver }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'challenge_failed' })
    expect(String(failure)).toMatch(/wrong-a\.example: .*TXT/)
    expect(String(failure)).toMatch(/wrong-b\.example: .*TXT/)
    const written = request.journal.steps().filter(each => each.step.startsWith('txt:'))
    expect(written.map(each => each.data.removed)).toEqual([true, true])
  })

  test('that the CA may not issue is refused in its words', async () => {
    const request = issuance(await account(pebble), ['blocked-domain.example'])
    await expect(obtainCertificate(request)).rejects.toMatchObject({
      code: 'acme_refused',
      remedy: 'remove the names that the CA does not issue for',
    })
  })

  test('for names that share an authorization list in any order gets each its own answer', async () => {
    const dnsNames = Array.from({ length: 12 }, (_, i) => `${i % 2 ? '*.' : ''}n${Math.floor(i / 2)}.many.example`)
    const issued = await obtainCertificate(issuance(await account(pebble), dnsNames))
    await issued.cleanup()
    expect(names(issued.leaf)).toEqual([...dnsNames].sort())
  })
})

describe('a certificate by http-01', () => {
  test('is validated through the temporary listener, which closes afterwards', async () => {
    const responder = createHttp01Responder(`127.0.0.1:${httpPort}`)
    const session = await account(pebble)
    const request = issuance(session, ['web-a.example', 'web-b.example'], { solver: createHttp01Solver(responder) })
    const other = issuance(session, ['web-c.example'], { solver: createHttp01Solver(responder) })
    const [one, two] = await Promise.all([obtainCertificate(request), obtainCertificate(other)])
    expect(names(one.leaf)).toEqual(['web-a.example', 'web-b.example'])
    expect(names(two.leaf)).toEqual(['web-c.example'])
    await one.cleanup()
    expect((await fetch(`http://127.0.0.1:${httpPort}/`)).status).toBe(404)
    await two.cleanup()
    await expect(fetch(`http://127.0.0.1:${httpPort}/`)).rejects.toThrow()
  })

  test('can be for an IP address', async () => {
    const responder = createHttp01Responder(`127.0.0.1:${httpPort}`)
    const request = issuance(await account(pebble), [], {
      identifiers: identifiersOf([], ['127.0.0.1']),
      solver: createHttp01Solver(responder),
    })
    const issued = await obtainCertificate(request)
    await issued.cleanup()
    expect(parseCertificate(issued.leaf).names.ip).toEqual(['127.0.0.1'])
  })

  test('is not tried for a wildcard', async () => {
    const solver = createHttp01Solver(createHttp01Responder(`127.0.0.1:${httpPort}`))
    await expect(
      obtainCertificate(issuance(await account(pebble), ['*.web.example'], { solver })),
    ).rejects.toMatchObject({
      code: 'challenge_failed',
      remedy: 'use challengeType: dns-01, the only one for wildcards',
    })
  })
})

describe('a difficult CA', () => {
  test('may refuse 30 % of all nonces', async () => {
    const server = await start({ nonceReject: 30, authzReuse: 0 })
    const session = await account(server)
    for (const name of ['one', 'two', 'three']) {
      const issued = await obtainCertificate(issuance(session, [`${name}.nonce.example`, `*.${name}.nonce.example`]))
      expect(names(issued.leaf)).toHaveLength(2)
    }
  })

  const reuse: [percent: number][] = [[50], [100]]
  test.each(reuse)('may reuse %i percent of valid authorizations', async percent => {
    const server = await start({ authzReuse: percent, retryAfter: 1 })
    const trace = recordingTrace()
    const session = await account(server, { trace })
    const dnsNames = ['reuse.example', '*.reuse.example', 'www.reuse.example']
    const posted = () => trace.names.filter(each => each === 'acme.post_challenge').length
    // The server throws a coin for each authorization: it goes on until one was reused, for at most twelve orders.
    let orders = 0
    do {
      const issued = await obtainCertificate(issuance(session, dnsNames))
      await issued.cleanup()
      expect(names(issued.leaf)).toEqual([...dnsNames].sort())
      orders++
    } while (orders < 3 || (posted() === 3 * orders && orders < 12))
    expect(posted()).toBeLessThan(3 * orders)
    if (percent === 100) expect(posted()).toBe(3)
  })

  test('may offer several chains, of which the preferred one is taken', async () => {
    const server = await start({ alternateRoots: 2 })
    const session = await account(server)
    const subject = async (i: number) => parseCertificate(await server.issuingRoot(i)).commonName ?? ''
    for (const i of [0, 1, 2]) {
      const preferredChain = await subject(i)
      const issued = await obtainCertificate(issuance(session, [`chain-${i}.example`], { preferredChain }))
      const top = parseCertificate(issued.chain.at(-1) ?? new Uint8Array())
      expect(top.issuerText).toBe(`CN=${preferredChain}`)
    }
    const unknown = await obtainCertificate(issuance(session, ['chain-x.example'], { preferredChain: 'No Such Root' }))
    expect(unknown.chain.length).toBeGreaterThan(0)
  })
})

describe('renewal', () => {
  test('follows the window that the CA suggests and moves', async () => {
    const issued = await obtainCertificate(issuance(await account(pebble), ['ari.example']))
    const { serialHex, notBefore, notAfter } = parseCertificate(issued.leaf)
    const id = ariCertId(issued.leaf)
    const session = await freshSession(pebble)
    const first = await fetchRenewalInfo(session, id)
    if (!first) throw new Error('Pebble offers renewal information')
    expect(first.window.start.getTime()).toBeGreaterThan(notBefore.getTime())
    expect(first.window.end.getTime()).toBeLessThan(notAfter.getTime())
    expect(first.retryAfter).toBe(21_600)

    const [start, end] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z']
    const moved = { suggestedWindow: { start, end }, explanationURL: 'https://ca.example/why' }
    await pebble.setRenewalInfo(toPem('CERTIFICATE', issued.leaf), JSON.stringify(moved))
    const second = await fetchRenewalInfo(session, id)
    if (!second) throw new Error('Pebble offers renewal information')
    expect(second).toMatchObject({
      window: { start: new Date(start), end: new Date(end) },
      explanationUrl: 'https://ca.example/why',
    })
    const chosen = chooseRenewalTime(second.window, serialHex)
    expect(chosen >= second.window.start && chosen < second.window.end).toBe(true)

    for (const bad of ['{', '{}', JSON.stringify({ suggestedWindow: { start: end, end: start } })]) {
      await pebble.setRenewalInfo(toPem('CERTIFICATE', issued.leaf), bad)
      await expect(fetchRenewalInfo(session, id)).rejects.toMatchObject({ code: 'acme_malformed' })
    }
  })

  test('names its predecessor, and does without where the CA refuses that', async () => {
    const session = await account(pebble)
    const first = await obtainCertificate(issuance(session, ['replaced.example']))
    const replaces = ariCertId(first.leaf)
    const trace = recordingTrace()
    const within = session.within({ trace, log: session.log })
    for (const orders of [1, 3]) {
      // The second time the CA answers alreadyReplaced, and the order is placed again without.
      await obtainCertificate(issuance(within, ['replaced.example'], { replaces }))
      expect(trace.names.filter(each => each === 'acme.new_order')).toHaveLength(orders)
    }
    const stranger = await account(pebble)
    const issued = await obtainCertificate(issuance(stranger, ['replaced.example'], { replaces }))
    expect(names(issued.leaf)).toEqual(['replaced.example'])
  })
})

describe('revocation', () => {
  test('by the account, twice, with a reason', async () => {
    const session = await account(pebble)
    const issued = await obtainCertificate(issuance(session, ['revoked.example']))
    await revokeCertificate({ account: session }, issued.leaf, 'superseded')
    await revokeCertificate({ account: session }, issued.leaf, 'superseded')
    const window = (await fetchRenewalInfo(session, ariCertId(issued.leaf)))?.window
    expect(window && window.end <= new Date()).toBe(true)
  })

  test("by the certificate's own key, without an account", async () => {
    const issued = await obtainCertificate(issuance(await account(pebble), ['compromised.example']))
    if (!issued.key) throw new Error('the key was generated')
    const server = await freshSession(pebble)
    await revokeCertificate({ server, certificateKey: await openSigningKey(issued.key) }, issued.leaf, 'keyCompromise')
    const window = (await fetchRenewalInfo(server, ariCertId(issued.leaf)))?.window
    expect(window && window.end <= new Date()).toBe(true)
  })

  test("by a stranger is refused in the CA's words", async () => {
    const issued = await obtainCertificate(issuance(await account(pebble), ['stranger.example']))
    await expect(revokeCertificate({ account: await account(pebble) }, issued.leaf)).rejects.toMatchObject({
      code: 'acme_refused',
    })
  })
})

test('authorizations that a failed order leaves pending are deactivated', async () => {
  const request = issuance(await account(pebble), ['abandoned-a.example', 'abandoned-b.example'])
  let order = ''
  const solver = {
    ...request.solver,
    async awaitReady() {
      order = String(request.journal.recall('order')?.data.url)
      throw new EngineError('challenge_failed', 'as told')
    },
  }
  await expect(obtainCertificate({ ...request, solver })).rejects.toMatchObject({ code: 'challenge_failed' })
  const { authorizations } = await fetchOrder(request.session, order)
  const states = await Promise.all(authorizations.map(each => fetchAuthorization(request.session, each)))
  expect(states.map(each => each.status)).toEqual(['deactivated', 'deactivated'])
})
