import { expect, test } from 'vitest'
import { createFakeClock } from '../../test/fakes/clock.ts'
import { egressRefused } from '../core/egress.ts'
import { HttpFailure } from '../core/ports.ts'
import { exchange } from './transport.ts'

const refusal = egressRefused({ hostname: 'ca.example', address: '10.0.0.1' }, 'it is a private address')

const cases: [what: string, failure: HttpFailure, code: string, attempts: number][] = [
  ['a broken connection', new HttpFailure('unreachable', 'ca.example could not be reached'), 'acme_unreachable', 3],
  ['no answer in time', new HttpFailure('timeout', 'ca.example did not answer'), 'acme_unreachable', 1],
  ['an unknown root', new HttpFailure('untrusted', 'its certificate is not trusted'), 'acme_untrusted', 1],
  ['a page without end', new HttpFailure('too_large', 'the response is too large'), 'acme_malformed', 1],
  ['an interruption', new HttpFailure('aborted', 'it was interrupted'), 'interrupted', 1],
  ['a refusal of the egress guard', new HttpFailure('refused', refusal.message, refusal), 'egress_refused', 1],
]
test.each(cases)('%s has its own code and its own patience', async (_what, failure, code, attempts) => {
  let asked = 0
  const http = {
    request: () => {
      asked++
      return Promise.reject(failure)
    },
  }
  const request = { method: 'GET', url: 'https://ca.example/directory', repeatable: true } as const
  await expect(exchange({ http, clock: createFakeClock() }, request)).rejects.toMatchObject({
    code,
    message: failure.message,
    remedy: expect.any(String),
  })
  expect(asked).toBe(attempts)
})
