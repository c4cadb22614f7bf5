import { expect, test } from 'vitest'
import { EngineError } from '../../core/errors.ts'
import type { OperationJournal } from '../../core/journal.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Trace } from '../../core/ports.ts'
import type { JournalStep } from '../../core/resource.ts'
import { dns01Value, keyAuthorization } from '../challenge.ts'
import type { PendingChallenge } from '../solver.ts'
import { createDns01Solver, type Dns01Target, removeTxtRecords, type TxtClaims, type TxtPlace } from './dns-01.ts'

const trace: Trace = { span: (_name, _attributes, work) => work() }
const scope = { trace }

/** The journal port over a map, and a DNS that is a set of `name value`. */
function world() {
  const steps = new Map<string, JournalStep>()
  const records = new Set<string>()
  const events: string[] = []
  const put = (step: string, state: JournalStep['state'], data: JsonObject) =>
    steps.set(step, { step, state, data, sealed: {}, at: '' })
  const journal: OperationJournal = {
    recall: step => steps.get(step),
    steps: () => [...steps.values()],
    secret: async () => undefined,
    async intend(step, data) {
      events.push(`intend ${step.split(':')[0]}`)
      put(step, 'intended', data)
    },
    async complete(step, data = {}) {
      events.push(`complete ${step.split(':')[0]}`)
      put(step, 'done', { ...steps.get(step)?.data, ...data })
    },
  }
  const target: Dns01Target = {
    locate: async name => ({ provider: 'DnsProvider/a', zoneId: 'z', zone: 'x.example', name }),
    async present({ name }, value) {
      events.push('present')
      records.add(`${name} ${value}`)
    },
    async awaitVisible({ name }, values) {
      for (const value of values) expect(records).toContain(`${name} ${value}`)
      events.push(`visible ${name} ${values.length}`)
    },
    async cleanup({ name }, value) {
      events.push('cleanup')
      records.delete(`${name} ${value}`)
    },
  }
  return { journal, target, records, events, open: () => target }
}

function challenge(domain: string, token: string): PendingChallenge {
  const identifier = { type: 'dns', value: domain } as const
  return { identifier, name: domain, token, keyAuthorization: keyAuthorization(token, 'print'), authorizationUrl: '' }
}

test('the value is the digest of RFC 8555 §8.4: 43 characters', () => {
  // The same by openssl: printf token.print | openssl dgst -sha256 -binary | basenc --base64url
  expect(dns01Value(keyAuthorization('token', 'print'))).toBe('geGXac0jpnr_GBoGGXIb8nnygzls1TYLC3imeqgZSLw')
})

test('the intent is durable before the record, and the removal is kept after it', async () => {
  const w = world()
  const solver = createDns01Solver(w)
  await solver.present(challenge('x.example', 't'), scope)
  await solver.cleanup(scope)
  expect(w.events).toEqual(['intend txt', 'present', 'complete txt', 'cleanup', 'complete txt'])
  await solver.cleanup(scope)
  expect(w.events).toHaveLength(5)
})

test('two values at one name are awaited together', async () => {
  const w = world()
  const solver = createDns01Solver(w)
  const both = [challenge('x.example', 't1'), challenge('x.example', 't2')]
  for (const each of both) await solver.present(each, scope)
  await solver.awaitReady(both, scope)
  expect(w.events.at(-1)).toBe('visible _acme-challenge.x.example 2')
})

test('two names that are delegated to one record are awaited together', async () => {
  const w = world()
  const place: TxtPlace = { provider: 'DnsProvider/a', zoneId: 'z', zone: 'v.example', name: 'shared.v.example' }
  const solver = createDns01Solver({ journal: w.journal, open: () => ({ ...w.target, locate: async () => place }) })
  const both = [challenge('x.example', 't1'), challenge('y.example', 't2')]
  for (const each of both) await solver.present(each, scope)
  await solver.awaitReady(both, scope)
  expect(w.events.at(-1)).toBe('visible shared.v.example 2')
  await solver.cleanup(scope)
  expect(w.records.size).toBe(0)
})

test('another process removes what the journal names, written or not', async () => {
  const w = world()
  const failing = { ...w.target, present: () => Promise.reject(new Error('killed')) }
  const solver = createDns01Solver({ journal: w.journal, open: () => failing })
  await expect(solver.present(challenge('x.example', 't'), scope)).rejects.toThrow('killed')
  await removeTxtRecords(w)
  expect(w.events).toEqual(['intend txt', 'cleanup', 'complete txt'])
})

test('a value whose delegation moved between two attempts is removed from the old place', async () => {
  const w = world()
  await createDns01Solver(w).present(challenge('x.example', 't'), scope)
  const place: TxtPlace = { provider: 'DnsProvider/b', zoneId: 'z2', zone: 'v.example', name: 'x.v.example' }
  const moved = createDns01Solver({ journal: w.journal, open: () => ({ ...w.target, locate: async () => place }) })
  await moved.present(challenge('x.example', 't'), scope)
  expect([...w.records]).toEqual([`x.v.example ${dns01Value('t.print')}`])
})

test('a value that another operation of the run still needs stays until that one is done', async () => {
  const w = world()
  const claims: TxtClaims = new Map()
  // The CA gave both orders the same authorization; each operation has a journal of its own.
  const one = createDns01Solver({ ...w, claims })
  const two = createDns01Solver({ ...w, journal: world().journal, claims })
  await one.present(challenge('x.example', 't'), scope)
  await two.present(challenge('x.example', 't'), scope)
  await one.cleanup(scope)
  expect(w.records.size).toBe(1)
  await two.cleanup(scope)
  expect(w.records.size).toBe(0)
  expect(claims.size).toBe(0)
})

test('every value is tried when some cannot be removed, and those are kept for the next time', async () => {
  const w = world()
  const solver = createDns01Solver(w)
  for (const token of ['t1', 't2', 't3']) await solver.present(challenge('x.example', token), scope)
  let refusals = 0
  const moody: Dns01Target = {
    ...w.target,
    cleanup: (place, value) =>
      ++refusals === 2 ? Promise.reject(new EngineError('dns_provider_failed', 'no')) : w.target.cleanup(place, value),
  }
  await expect(removeTxtRecords({ ...w, open: () => moody })).rejects.toMatchObject({ code: 'dns_provider_failed' })
  expect(w.records.size).toBe(1)
  await removeTxtRecords(w)
  expect(w.records.size).toBe(0)
})
