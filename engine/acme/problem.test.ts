import { expect, test } from 'vitest'
import { EngineError } from '../core/errors.ts'
import type { Answer } from './answer.ts'
import { errorOf, problemType } from './problem.ts'

const now = new Date('2026-11-21T10:00:00Z')

function answer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  const octets = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const all = (name: string) => (headers[name] === undefined ? [] : [headers[name]])
  return { url: 'https://ca.example/x', status, body: octets, headers: all, header: name => all(name)[0] }
}

const acme = (type: string, detail = 'the words', more: object = {}) => ({
  type: `urn:ietf:params:acme:error:${type}`,
  detail,
  ...more,
})

const codes: [type: string, status: number, code: string][] = [
  ['accountDoesNotExist', 400, 'acme_account_missing'],
  ['externalAccountRequired', 403, 'acme_eab_required'],
  ['userActionRequired', 403, 'acme_terms_changed'],
  ['rateLimited', 429, 'backend_rate_limited'],
  ['rejectedIdentifier', 400, 'acme_refused'],
  ['aTypeOfTomorrow', 400, 'acme_refused'],
  ['serverInternal', 500, 'acme_unreachable'],
]
test.each(codes)('%s with %i is %s, with the words of the CA', (type, status, code) => {
  const error = errorOf(answer(status, acme(type)), now)
  expect(error).toMatchObject({ code, details: { status } })
  expect(error.message).toContain('the words')
  expect(error.remedy).toBeTruthy()
  expect(problemType(error)).toBe(type)
})

test('a type outside of the namespace of ACME keeps its whole name', () => {
  expect(problemType(errorOf(answer(400, { type: 'https://ca.example/odd', detail: 'x' }), now))).toBe(
    'https://ca.example/odd',
  )
})

test('subproblems are told by name and kept as facts', () => {
  const subproblems = ['a.example', 'b.example'].map(value =>
    acme('caa', `no for ${value}`, { identifier: { type: 'dns', value } }),
  )
  const error = errorOf(answer(403, acme('compound', 'several', { subproblems })), now)
  expect(error.message).toContain('several (a.example: no for a.example; b.example: no for b.example)')
  expect(error.details?.problem).toMatchObject({
    subproblems: [{ type: 'caa' }, { identifier: { value: 'b.example' } }],
  })
})

test('the wait is taken from the header before the words', () => {
  const problem = acme('rateLimited', 'retry after 2026-11-21 10:01:00 UTC')
  expect(errorOf(answer(429, problem), now).retryAfter).toBe(60)
  expect(errorOf(answer(429, problem, { 'retry-after': '90' }), now).retryAfter).toBe(90)
})

const hostile: [what: string, body: string][] = [
  ['markup', '<style>x{}</style><script>alert(1)</script><b>down</b>'],
  ['control characters', 'do\u001b[31mwn\u0000'],
  ['a megabyte', 'down '.repeat(200_000)],
]
test.each(hostile)('an answer with %s becomes one short plain line', (_what, body) => {
  const { message } = errorOf(answer(500, body), now)
  expect(message.length).toBeLessThan(300)
  expect(message).not.toMatch(/[\p{C}<>]/u)
  expect(message).not.toContain('alert')
})

test('what is no error of ours has no problem', () => {
  expect(problemType(new Error('x'))).toBeUndefined()
  expect(problemType(new EngineError('acme_refused', 'x'))).toBeUndefined()
})
