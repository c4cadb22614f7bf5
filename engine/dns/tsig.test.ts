import { describe, expect, test } from 'vitest'
import { Secret } from '../core/secret.ts'
import { signMessage, type TsigAlgorithm, TsigFailure, type TsigKey, tsigAlgorithms, verifyResponse } from './tsig.ts'
import { decodeMessage, encodeMessage, queryMessage } from './wire/message.ts'

const now = new Date('2026-11-01T12:00:00Z')
const key = (algorithm: TsigAlgorithm = 'hmac-sha256', fill = 1): TsigKey => ({
  name: 'acme-key',
  algorithm,
  secret: new Secret<Uint8Array>(new Uint8Array(32).fill(fill)),
})
const query = encodeMessage(queryMessage(0x1234, 'acme.example', 6, false))

/**
 * A server's half: it signs the response over request MAC and response (RFC 8945 §5.3). Signing with an empty
 * request MAC is what `signMessage` does, so a "response" that answers nothing stands for a forged one.
 */
describe('verifyResponse', () => {
  test('refuses a response without a signature', () => {
    expect(reasonOf(() => verifyResponse(query, key(), new Uint8Array(32), now))).toBe('unsigned')
  })

  test('refuses a response that is signed, but not as the answer to this request', () => {
    const { bytes, mac } = signMessage(query, key(), now)
    expect(reasonOf(() => verifyResponse(bytes, key(), mac, now))).toBe('forged')
  })
})

describe('signMessage', () => {
  test.each(
    Object.keys(tsigAlgorithms) as TsigAlgorithm[],
  )('appends one record and changes nothing else: %s', algorithm => {
    const { bytes, mac } = signMessage(query, key(algorithm), now)
    expect(mac.length * 8).toBe(Number(algorithm.slice(-3)))
    const message = decodeMessage(bytes)
    expect(message.additionals.map(({ name, type, class: c, ttl }) => [name, type, c, ttl])).toEqual([
      ['acme-key', 250, 255, 0],
    ])
    const counts = [...query.subarray(0, 10), 0, 1, ...query.subarray(12)]
    expect([...bytes.subarray(0, message.lastRecordOffset)]).toEqual(counts)
  })

  test('depends on the secret and on the time', () => {
    const macs = [
      signMessage(query, key(), now),
      signMessage(query, key('hmac-sha256', 2), now),
      signMessage(query, key(), new Date(0)),
    ]
    expect(new Set(macs.map(({ mac }) => Buffer.from(mac).toString('hex'))).size).toBe(3)
  })

  test('takes the key name without regard to case or final dot', () => {
    const same = signMessage(query, { ...key(), name: 'ACME-Key.' }, now)
    expect(same.mac).toEqual(signMessage(query, key(), now).mac)
  })

  test('never prints the secret', () => {
    expect(JSON.stringify(key())).not.toMatch(/1,1,1|AQEB/)
  })
})

function reasonOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (error instanceof TsigFailure) return error.reason
    throw error
  }
  return 'accepted'
}
