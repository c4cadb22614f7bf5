import fc from 'fast-check'
import { expect, test } from 'vitest'
import { refusal } from './fixtures/refusal.ts'
import { assertNested, lifetime, nestValidity } from './validity.ts'

const now = new Date('2026-11-21T12:00:00.700Z')
const at = (text: string): Date => new Date(text)
const issuer = { notBefore: at('2026-01-01T00:00:00Z'), notAfter: at('2027-01-01T00:00:00Z'), subjectText: 'CN=Corp' }
const day = 86_400

test('the lifetime counts both ends', () => {
  expect(lifetime({ notBefore: at('2026-01-01T00:00:00Z'), notAfter: at('2026-01-01T00:00:00Z') })).toBe(1)
})

const given: [what: string, ttl: number, want: [string, string]][] = [
  [
    'starts a minute ago and ends a second before the ttl is over',
    30 * day,
    ['2026-11-21T11:59:00Z', '2026-12-21T11:58:59Z'],
  ],
  ['a short one starts a tenth of itself ago', 100, ['2026-11-21T11:59:50Z', '2026-11-21T12:01:29Z']],
  ['one of a second is not backdated', 1, ['2026-11-21T12:00:00Z', '2026-11-21T12:00:00Z']],
]
test.each(given)('backdated: %s', (_what, ttl, [notBefore, notAfter]) => {
  expect(nestValidity([issuer], 'backdated', ttl, now)).toEqual({ notBefore: at(notBefore), notAfter: at(notAfter) })
})

test('backdating stops where the youngest issuer begins', () => {
  const young = { ...issuer, notBefore: at('2026-11-21T11:59:30Z') }
  const { notBefore, notAfter } = nestValidity([young, issuer], 'backdated', day, now)
  expect(notBefore).toEqual(young.notBefore)
  expect(lifetime({ notBefore, notAfter })).toBe(day)
})

test('whatever is asked, the lifetime is exactly the ttl and inside every issuer', () => {
  const seconds = fc.integer({ min: 1, max: 400 * day })
  fc.assert(
    fc.property(seconds, fc.integer({ min: 0, max: 400 * day }), (ttl, age) => {
      const root = {
        notBefore: new Date(now.getTime() - age * 1000),
        notAfter: new Date(now.getTime() + 400 * day * 1000),
      }
      const validity = nestValidity([root], 'backdated', ttl, now, ttl)
      expect(lifetime(validity)).toBe(ttl)
      expect(validity.notBefore.getTime()).toBeGreaterThanOrEqual(Math.floor(root.notBefore.getTime() / 1000) * 1000)
      expect(validity.notAfter.getTime()).toBeLessThanOrEqual(root.notAfter.getTime())
    }),
  )
})

test('the end may be the same second as the issuer, not one later', async () => {
  const room = lifetime({ notBefore: at('2026-11-21T11:59:00Z'), notAfter: issuer.notAfter })
  expect(nestValidity([issuer], 'backdated', room, now).notAfter).toEqual(issuer.notAfter)
  expect(await refusal(() => nestValidity([issuer], 'backdated', room + 1, now))).toMatch(
    /^validity_exceeds_issuer: .*CN=Corp only until 2027-01-01T00:00:00.000Z/,
  )
})

test('the remedy names a lifetime that works', async () => {
  try {
    nestValidity([issuer], 'backdated', 365 * day, now)
    expect.unreachable()
  } catch (error) {
    expect(error).toMatchObject({ remedy: 'ask for at most 40d, or renew the CA first' })
  }
  expect(await refusal(() => nestValidity([issuer], 'backdated', 40 * day, now))).toBe('accepted')
})

const refused: [what: string, work: () => unknown, want: RegExp][] = [
  [
    'an expired issuer, even for an instant',
    () => nestValidity([{ ...issuer, notAfter: at('2026-11-21T11:59:59Z') }], 'backdated', 1, now),
    /^ca_expired: .*CN=Corp expired/,
  ],
  [
    'an expired issuer further up',
    () => nestValidity([issuer, { ...issuer, notAfter: at('2026-11-01T00:00:00Z') }], 'backdated', 1, now),
    /^ca_expired/,
  ],
  [
    'an issuer further up that ends earlier',
    () => nestValidity([issuer, { ...issuer, notAfter: at('2026-11-22T00:00:00Z') }], 'backdated', day, now),
    /^validity_exceeds_issuer/,
  ],
  [
    'a given start before the issuer',
    () => nestValidity([issuer], at('2025-12-31T23:59:59Z'), day, now),
    /^validity_exceeds_issuer: .*begin/,
  ],
  [
    'a lifetime above the role',
    () => nestValidity([issuer], 'backdated', 2 * day, now, day),
    /^role_violation: a lifetime of 2d is longer than the 1d allowed/,
  ],
  [
    'one second above the role',
    () => assertNested([issuer], { notBefore: now, notAfter: new Date(now.getTime() + day * 1000) }, day),
    /^role_violation/,
  ],
  ['no time at all', () => nestValidity([issuer], 'backdated', 0, now), /^schema_violation/],
  ['a fraction of a second', () => nestValidity([issuer], 'backdated', 1.5, now), /^schema_violation/],
  ['an end before the start', () => assertNested([], { notBefore: now, notAfter: new Date(0) }), /^schema_violation/],
]
test.each(refused)('refuses %s', async (_what, work, want) => expect(await refusal(work)).toMatch(want))
