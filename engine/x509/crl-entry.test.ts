import { beforeAll, describe, expect, test } from 'vitest'
import { buildCrl } from './crl.ts'
import { crlAddresses, revokedByCrl } from './crl-entry.ts'
import { DerError } from './der-reader.ts'
import { rootCa } from './fixtures/authority.ts'
import { type ForeignCa, foreignCa } from './fixtures/foreign-ca.ts'
import { openssl } from './fixtures/openssl.ts'

const run = openssl()
let ca: ForeignCa
beforeAll(() => {
  ca = foreignCa(run)
})

describe("another CA's CRL", () => {
  test('names what it revoked, and when, and nothing else', () => {
    const [kept, gone] = [ca.leaf('kept'), ca.leaf('gone')]
    expect(revokedByCrl(ca.crl(), ca.issuer, gone.serialHex), 'an empty list').toBeUndefined()
    ca.revoke('gone')
    const crl = ca.crl()
    expect(revokedByCrl(crl, ca.issuer, kept.serialHex)).toBeUndefined()
    const at = revokedByCrl(crl, ca.issuer, gone.serialHex)
    expect(Math.abs((at?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000)
  })

  test('counts only where the issuer signed it, unchanged', async () => {
    const { serialHex } = ca.leaf('other')
    ca.revoke('other')
    const crl = ca.crl()
    const other = await rootCa()
    expect(() => revokedByCrl(crl, other.certificate, serialHex)).toThrow(DerError)
    const changed = Uint8Array.from(crl)
    const place = Buffer.from(crl).indexOf(Buffer.from(serialHex.slice(-16), 'hex'))
    expect(place).toBeGreaterThan(0)
    changed[place] = (changed[place] ?? 0) ^ 1
    expect(() => revokedByCrl(changed, ca.issuer, serialHex)).toThrow(DerError)
    for (const cut of [0, 1, 20, crl.length - 1]) {
      expect(() => revokedByCrl(crl.subarray(0, cut), ca.issuer, serialHex)).toThrow(DerError)
    }
  })

  test('is read where the certificate says that it is', async () => {
    expect(crlAddresses(ca.leaf('addressed'))).toEqual(['http://ca.example/one.crl'])
    expect(crlAddresses((await rootCa()).certificate)).toEqual([])
  })
})

test('our own CRL is read as it was written', async () => {
  const root = await rootCa()
  const revokedAt = new Date('2026-11-20T12:00:00Z')
  const crl = await buildCrl(root, {
    ...{ number: 1n, thisUpdate: new Date('2026-11-21T12:00:00Z'), nextUpdate: new Date('2026-11-28T12:00:00Z') },
    revoked: [
      { serial: 'AB', revokedAt, reason: 'superseded' },
      { serial: 'AC', revokedAt },
    ],
  })
  expect(revokedByCrl(crl, root.certificate, 'AB')).toEqual(revokedAt)
  expect(revokedByCrl(crl, root.certificate, 'AC')).toEqual(revokedAt)
  expect(revokedByCrl(crl, root.certificate, 'AD')).toBeUndefined()
})
