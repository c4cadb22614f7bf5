import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { certId, chooseRenewalTime, renewalByLifetime } from './renewal-info.ts'

describe('the CertID', () => {
  const aki = Buffer.from('69885B6B87464041E1B37B847BA0AE2CDE01C8D4', 'hex')
  const cases: [what: string, serial: string, want: string][] = [
    ['is the one of the example in RFC 9773 §4.1', '87654321', 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE'],
    ['does not depend on the spelling', '00:87:65:43:21', 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE'],
    ['has no sign octet where none is needed', '7654321', 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.B2VDIQ'],
  ]
  test.each(cases)('%s', (_what, serial, want) => expect(certId(aki, serial)).toBe(want))
})

describe('the instant of renewal', () => {
  const start = new Date('2026-03-01T00:00:00Z')
  const window = { start, end: new Date('2026-03-03T00:00:00Z') }

  test('lies within the window and is the same every time, for any serial and window', () => {
    const serial = fc.bigInt({ min: 1n, max: 2n ** 159n }).map(value => value.toString(16))
    fc.assert(
      fc.property(
        serial,
        fc.nat({ max: 4_000_000_000 }),
        fc.integer({ min: 1, max: 10 ** 10 }),
        (hex, from, length) => {
          const any = { start: new Date(from * 1000), end: new Date(from * 1000 + length) }
          const chosen = chooseRenewalTime(any, hex)
          expect(chosen >= any.start && chosen < any.end).toBe(true)
          expect(chooseRenewalTime(any, `00${hex.toUpperCase()}`)).toEqual(chosen)
        },
      ),
    )
  })

  test('spreads certificates evenly over the window', () => {
    const quarters = [0, 0, 0, 0]
    for (let serial = 1; serial <= 4000; serial++) {
      const share = (chooseRenewalTime(window, serial.toString(16)).getTime() - start.getTime()) / (2 * 86_400_000)
      const quarter = Math.floor(share * 4)
      quarters[quarter] = (quarters[quarter] ?? 0) + 1
    }
    // 1000 ± 5 standard deviations
    for (const count of quarters) expect(Math.abs(count - 1000)).toBeLessThan(140)
  })

  test('moves when the window moves', () => {
    const later = { start: new Date('2026-03-01T00:00:01Z'), end: window.end }
    expect(chooseRenewalTime(later, 'ABC')).not.toEqual(chooseRenewalTime(window, 'ABC'))
  })
})

describe('without advice a certificate is renewed', () => {
  const day = 86_400
  const cases: [what: string, days: number, renewBefore: number | undefined, daysBefore: number][] = [
    ['30 days before the end of 90', 90, undefined, 30],
    ['15 days before the end of 45', 45, undefined, 15],
    ['three days before the end of six', 6, undefined, 3],
    ['in the last third of a year', 365, undefined, 365 / 3],
    ['as it was asked for', 90, 10 * day, 10],
    ['not so early that it would be due at once', 30, 30 * day, 10],
    ['not so early that it would be due at once, short-lived', 6, 30 * day, 3],
    ['as early as it was asked for', 365, 200 * day, 200],
  ]
  test.each(cases)('%s', (_what, days, renewBefore, daysBefore) => {
    const notBefore = new Date('2026-01-01T00:00:00Z')
    const notAfter = new Date(notBefore.getTime() + days * day * 1000)
    const due = renewalByLifetime({ notBefore, notAfter }, renewBefore)
    expect((notAfter.getTime() - due.getTime()) / (day * 1000)).toBeCloseTo(daysBefore, 6)
  })
})
