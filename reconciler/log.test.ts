import { expect, test } from 'vitest'
import { createLogger, logOf } from './log.ts'

function lines(write: (log: ReturnType<typeof createLogger>) => void): Record<string, unknown>[] {
  const written: string[] = []
  write(createLogger('info', { write: line => void written.push(line) }))
  return written.map(line => JSON.parse(line))
}

test('a line has level, instant and message', () => {
  expect(lines(log => logOf(log).info('a pass ended', { source: 'infra', ms: 12 }))).toEqual([
    { level: 'info', time: expect.stringMatching(/^\d{4}-.*Z$/), source: 'infra', ms: 12, msg: 'a pass ended' },
  ])
})

test('below the level nothing is written', () => expect(lines(log => logOf(log).debug('x'))).toEqual([]))

const secrets: [what: string, fields: object][] = [
  ['a header', { headers: { authorization: 'Bearer CANARY' } }],
  ['a header of something', { request: { headers: { authorization: 'Bearer CANARY', cookie: 'CANARY' } } }],
  ['a body', { body: { name: 'CANARY' } }],
  ['credentials of something', { spec: { credentials: { password: 'CANARY' } } }],
  ['a token', { forge: { token: 'CANARY' } }],
  [
    "a request's query and headers",
    { req: { method: 'GET', url: '/x?key=CANARY', headers: { authorization: 'CANARY' } } },
  ],
]
test.each(secrets)('%s does not reach the log', (_what, fields) => {
  const written = lines(log => log.warn(fields, 'careless'))
  expect(written).toHaveLength(1)
  expect(JSON.stringify(written)).not.toContain('CANARY')
})

test('one line stays one line', () => {
  const written: string[] = []
  createLogger('info', { write: line => void written.push(line) }).info({ commit: 'a\n{"level":"fake"}' }, 'seen\nfake')
  expect(written.join('').trimEnd().split('\n')).toHaveLength(1)
})
