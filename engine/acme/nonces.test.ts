import { expect, test } from 'vitest'
import { createNoncePool } from './nonces.ts'

test('each nonce is given out once, the newest first', () => {
  const pool = createNoncePool()
  for (const nonce of ['a', 'b', 'c']) pool.put(nonce)
  expect([pool.take(), pool.take(), pool.take(), pool.take()]).toEqual(['c', 'b', 'a', undefined])
})

test('the oldest go when there are too many', () => {
  const pool = createNoncePool(2)
  for (const nonce of ['a', 'b', 'c']) pool.put(nonce)
  expect([pool.take(), pool.take(), pool.take()]).toEqual(['c', 'b', undefined])
})

const bad: [what: string, nonce: string | undefined][] = [
  ['nothing', undefined],
  ['an empty text', ''],
  ['something that is not base64url', 'a b'],
]
test.each(bad)('%s is no nonce', (_what, nonce) => {
  const pool = createNoncePool()
  pool.put(nonce)
  expect(pool.take()).toBeUndefined()
})
