import grpc from '@grpc/grpc-js'
import { expect, test } from 'vitest'
import { type Diagnostic, DiagnosticsError, EngineError, errorCatalogue } from '../../engine/index.ts'
import { failureOf } from './grpc-status.ts'

const { status } = grpc
const diagnostic = (severity: Diagnostic['severity'], message: string): Diagnostic => ({
  severity,
  code: 'role_violation',
  message,
  address: 'Certificate/web',
  remedy: 'change it',
})

const cases: [what: string, error: unknown, code: number, message: string][] = [
  [
    'what the user can mend',
    new EngineError('role_violation', 'not allowed', { address: 'Certificate/web', remedy: 'change the role' }),
    status.INVALID_ARGUMENT,
    'Certificate/web: not allowed\n  remedy: change the role',
  ],
  ['what is missing', new EngineError('not_found', 'gone'), status.NOT_FOUND, 'gone'],
  ['what is blocked', new EngineError('plan_blocked', 'blocked'), status.FAILED_PRECONDITION, 'blocked'],
  ['a server that is down', new EngineError('acme_unreachable', 'down'), status.ABORTED, 'down'],
  ['a server that is slow', new EngineError('backend_timeout', 'slow'), status.DEADLINE_EXCEEDED, 'slow'],
  ['a limit', new EngineError('rate_limited', 'too many'), status.RESOURCE_EXHAUSTED, 'too many'],
  ['a key that is wrong', new EngineError('master_key_wrong', 'wrong'), status.ABORTED, 'wrong'],
  ['an interruption', new EngineError('interrupted', 'stopped'), status.CANCELLED, 'stopped'],
  [
    'several, warnings left out',
    new DiagnosticsError([diagnostic('warning', 'hm'), diagnostic('error', 'one'), diagnostic('error', 'two')]),
    status.INVALID_ARGUMENT,
    'Certificate/web: one\n  remedy: change it\nCertificate/web: two\n  remedy: change it',
  ],
]
test.each(cases)('%s', (_what, error, code, message) => expect(failureOf(error)).toEqual({ code, message }))

test('every error of the catalogue has a code, and only a bug leaves the resource unknown', () => {
  const unsure = Object.keys(errorCatalogue).filter(code => {
    // Its keys are the codes.
    const { code: number } = failureOf(new EngineError(code as keyof typeof errorCatalogue, 'x'))
    expect(number).toBeGreaterThan(0)
    return [status.INTERNAL, status.UNKNOWN, status.DATA_LOSS, status.UNAVAILABLE].includes(number)
  })
  expect(unsure).toEqual(['internal'])
})

test.each([
  ['an error of Node', Object.assign(new Error('canary'), { code: 'ENOENT' }), 'Error ENOENT'],
  ['a bug', new TypeError('canary\n    of two lines'), 'TypeError'],
  ['no error at all', 'canary', 'string'],
])('%s is told by its kind, without its words', (_what, error, kind) => {
  const failure = failureOf(error)
  expect(failure).toMatchObject({ code: status.INTERNAL })
  expect(failure.message).toContain(`a bug in the Trustform provider stopped this: ${kind}\n`)
  expect(JSON.stringify(failure)).not.toContain('canary')
})

test('a bug says where it is', () => {
  expect(failureOf(new Error('canary')).trace).toMatch(/^\s+at .*grpc-status\.test\.ts/)
})
