import { createPrivateKey, X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { registerAccount } from '../../engine/acme/account.ts'
import { deactivateAuthorization } from '../../engine/acme/authorization.ts'
import { identifiersOf } from '../../engine/acme/identifier.ts'
import type { Issuance, IssuedCertificate } from '../../engine/acme/issuance.ts'
import { obtainCertificate } from '../../engine/acme/issue.ts'
import { fetchOrder } from '../../engine/acme/order.ts'
import { type AccountSession, atAccount } from '../../engine/acme/session.ts'
import { createDns01Solver, type Dns01Target, removeTxtRecords } from '../../engine/acme/solvers/dns-01.ts'
import type { OperationJournal } from '../../engine/core/journal.ts'
import type { Trace } from '../../engine/core/ports.ts'
import {
  challengeTarget,
  freshSession,
  Interruption,
  interruptingTrace,
  memoryJournal,
  quiet,
  recordingTrace,
} from './acme-client.ts'
import { type RunningChallengeServer, startChallengeServer } from './challtestsrv.ts'
import { type RunningPebble, startPebble } from './pebble.ts'
import { quietTrace } from './quiet.ts'

let dns: RunningChallengeServer
let pebble: RunningPebble
let session: AccountSession

beforeAll(async () => {
  dns = await startChallengeServer()
  pebble = await startPebble({ dnsServer: dns.dnsServer, authzReuse: 0 })
  const fresh = await freshSession(pebble)
  session = atAccount(fresh, (await registerAccount(fresh, { emails: [] })).url)
})
afterAll(() => Promise.all([pebble?.stop(), dns?.stop()]))

interface World {
  readonly dnsNames: readonly string[]
  readonly journal: ReturnType<typeof memoryJournal>
  readonly target: ReturnType<typeof challengeTarget>
}

let run = 0
function world(): World {
  const apex = `crash-${++run}.example`
  return { dnsNames: [apex, `*.${apex}`], journal: memoryJournal(), target: challengeTarget(dns) }
}

/** One process: it has its own solver, and shares with the next one only the journal and the outside. */
function attempt({ dnsNames, journal, target }: World, trace: Trace, killed?: Killed): Promise<IssuedCertificate> {
  const own01: Dns01Target = {
    ...target,
    cleanup: async (...args) => {
      // A killed process tidies nothing up.
      if (killed?.dead) throw new Interruption('dead')
      return target.cleanup(...args)
    },
  }
  const own = killed ? mortal(journal, trace, killed) : journal
  const issuance: Issuance = {
    session: session.within({ trace, log: quiet }),
    identifiers: identifiersOf(dnsNames),
    key: { generate: { type: 'ec', size: 256 } },
    solver: createDns01Solver({ open: () => own01, journal: own }),
    journal: own,
  }
  return obtainCertificate(issuance)
}

interface Killed {
  dead: boolean
}

/** After the interruption nothing is written any more, as after `kill -9`. */
function mortal(journal: OperationJournal, trace: Trace, killed: Killed): OperationJournal {
  const write = async (name: string, work: () => Promise<void>) => {
    if (killed.dead) throw new Interruption('dead')
    await trace.span(name, {}, work)
  }
  return {
    ...journal,
    intend: (step, data, secrets) => write(`journal.intend.${area(step)}`, () => journal.intend(step, data, secrets)),
    complete: (step, data) => write(`journal.complete.${area(step)}`, () => journal.complete(step, data)),
  }
}

const area = (step: string) => step.split(':')[0] ?? step

/** Runs until the span, dies there, and says whether it died. */
async function dieAt(w: World, name: string, when: 'before' | 'after', occurrence: number): Promise<boolean> {
  const killed: Killed = { dead: false }
  const interrupt = interruptingTrace(name, when, occurrence)
  const trace: Trace = {
    async span(current, attributes, work) {
      try {
        return await interrupt.span(current, attributes, work)
      } catch (error) {
        if (error instanceof Interruption) killed.dead = true
        throw error
      }
    },
  }
  try {
    await attempt(w, trace, killed)
    return false
  } catch (error) {
    if (!(error instanceof Interruption)) throw error
    return true
  }
}

describe('an interrupted issuance', () => {
  const borders: [span: string, occurrence: number][] = [
    ['journal.intend.certificate_key', 1],
    ['journal.complete.certificate_key', 1],
    ['journal.intend.order', 1],
    ['acme.new_order', 1],
    ['journal.complete.order', 1],
    ['journal.intend.txt', 1],
    ['dns.present', 1],
    ['journal.complete.txt', 1],
    ['journal.intend.txt', 2],
    ['dns.present', 2],
    ['acme.post_challenge', 1],
    ['acme.post_challenge', 2],
    ['acme.poll_authorization', 1],
    ['acme.poll_authorization', 2],
    ['acme.poll_order', 1],
    ['acme.finalize', 1],
    ['acme.poll_order', 2],
    ['acme.download', 1],
  ]
  const cases = borders.flatMap(([span, occurrence]) =>
    (['before', 'after'] as const).map(when => [when, span, occurrence] as const),
  )

  test.each(cases)('%s %s (%i) goes on with the same key and order', async (when, span, occurrence) => {
    const w = world()
    expect(await dieAt(w, span, when, occurrence)).toBe(true)
    const orderBefore = w.journal.recall('order')?.data.url
    const keyBefore = await w.journal.secret('certificate_key', 'key')
    const trace = recordingTrace()

    const issued = await attempt(w, trace)
    await issued.cleanup()

    expect(w.target.values.size).toBe(0)
    expect(w.journal.steps().every(each => !each.step.startsWith('txt:') || each.data.removed === true)).toBe(true)
    if (keyBefore) expect(issued.key?.reveal()).toEqual(keyBefore.reveal())
    if (orderBefore !== undefined) {
      expect(issued.orderUrl).toBe(orderBefore)
      expect(trace.names).not.toContain('acme.new_order')
    }
    const key = createPrivateKey({ key: Buffer.from(issued.key?.reveal() ?? []), format: 'der', type: 'pkcs8' })
    expect(new X509Certificate(issued.leaf).checkPrivateKey(key)).toBe(true)
    if (span === 'acme.finalize' && when === 'after') expect(trace.names).not.toContain('acme.finalize')
  })

  test('that nobody goes on with leaves only what its journal can remove', async () => {
    const w = world()
    expect(await dieAt(w, 'acme.post_challenge', 'before', 1)).toBe(true)
    expect([...w.target.values.values()].map(each => each.size)).toEqual([2])
    await removeTxtRecords({ open: () => w.target, journal: w.journal })
    expect(w.target.values.size).toBe(0)
  })

  test('that was told to stop tidies up first, and is finished later', async () => {
    const w = world()
    const stop = new AbortController()
    const trace: Trace = {
      async span(name, _attributes, work) {
        if (name === 'acme.poll_authorization') stop.abort(new Error('told to stop'))
        return work()
      },
    }
    const { dnsNames, journal, target } = w
    const stopped = obtainCertificate({
      session: session.within({ trace, log: quiet, signal: stop.signal }),
      identifiers: identifiersOf(dnsNames),
      key: { generate: { type: 'ec', size: 256 } },
      solver: createDns01Solver({ open: () => target, journal }),
      journal,
    })
    await expect(stopped).rejects.toMatchObject({ code: 'interrupted' })
    expect(target.values.size).toBe(0)
    const issued = await attempt(w, quietTrace)
    await issued.cleanup()
    expect(target.values.size).toBe(0)
  })

  test('whose removal of TXT values was cut short removes the rest', async () => {
    const w = world()
    const issued = await attempt(w, quietTrace)
    let removals = 0
    const dying: Trace = {
      async span(_name, _attributes, work) {
        if (++removals > 1) throw new Interruption('dead')
        await work()
        throw new Interruption('after the first removal')
      },
    }
    const options = { open: () => w.target, journal: w.journal, trace: dying }
    await expect(removeTxtRecords(options)).rejects.toBeInstanceOf(Interruption)
    expect([...w.target.values.values()].map(each => each.size)).toEqual([1])
    await issued.cleanup()
    expect(w.target.values.size).toBe(0)
  })
})

describe('an order that died', () => {
  async function diedPending(): Promise<{ readonly w: World; readonly url: string }> {
    const w = world()
    await dieAt(w, 'acme.post_challenge', 'before', 1)
    return { w, url: String(w.journal.recall('order')?.data.url) }
  }

  test('because an authorization was deactivated is replaced, with the same key', async () => {
    const { w, url } = await diedPending()
    const key = await w.journal.secret('certificate_key', 'key')
    const [first] = (await fetchOrder(session, url)).authorizations
    await deactivateAuthorization(session, first ?? '')
    const issued = await attempt(w, quietTrace)
    await issued.cleanup()
    expect(issued.orderUrl).not.toBe(url)
    expect(issued.key?.reveal()).toEqual(key?.reveal())
    expect(w.journal.recall('order')?.data.replaced).toMatchObject([{ url }])
    // The values of both orders are gone, not only those of the last.
    expect(w.target.values.size).toBe(0)
    expect(w.journal.steps().filter(each => each.step.startsWith('txt:'))).toHaveLength(4)
  })

  test('because the CA forgot it is replaced', async () => {
    const { w, url } = await diedPending()
    await w.journal.complete('order', { url: url.replace(/[^/]+$/, 'forgotten') })
    const issued = await attempt(w, quietTrace)
    expect(w.journal.recall('order')?.data.replaced).toMatchObject([{ why: 'the CA answers 404' }])
    await issued.cleanup()
  })

  test('because it failed is replaced by the next attempt', async () => {
    const w = world()
    const broken = { ...w, target: { ...w.target, present: async () => undefined } }
    await expect(attempt(broken, quietTrace)).rejects.toMatchObject({ code: 'challenge_failed' })
    const url = w.journal.recall('order')?.data.url
    const issued = await attempt(w, quietTrace)
    await issued.cleanup()
    expect(issued.orderUrl).not.toBe(url)
    expect(w.journal.recall('order')?.data.replaced).toMatchObject([{ url, why: 'it is invalid' }])
  })
})
