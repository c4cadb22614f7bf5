import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Secret } from '../core/secret.ts'
import { openStore } from '../state/open.ts'
import { exportState } from '../state/transfer.ts'
import { openKeyring } from './keyring.ts'
import { masterKey } from './master-key.ts'
import { rotateDataKey } from './rotate.ts'

const at = '2026-11-02T08:00:00.000Z'
/** Every octet that our code draws, so that data keys and the fingerprint key are canaries too. */
const drawn: Uint8Array[] = []
const random = {
  bytes: (length: number) => {
    const octets = randomBytes(length)
    if (length === 32) drawn.push(Uint8Array.from(octets))
    return octets
  },
}

test('no sealed value and no key is in the state, its log or its export, before and after a rotation', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'trustform-canary-'))
  const values = Array.from({ length: 50 }, (_, n) => `CANARY-${n}-${randomBytes(12).toString('hex')}`)
  const master = masterKey(new Secret<Uint8Array>(randomBytes(32)), 'test')
  const store = await openStore(`sqlite:${join(folder, 'state.db')}`)
  const ports = { clock: { now: () => new Date(at) }, random }
  const keyring = await openKeyring(store, 'acme', async () => master, ports)
  await keyring.prepare()
  const fingerprints = values.map(value => keyring.fingerprint(new Secret(value), 'c'))
  await store.commit('acme', {
    mutations: values.map((value, n) => ({
      type: 'put-sealed',
      row: { id: `k${n}`, ...keyring.seal(`k${n}`, new Secret<Uint8Array>(Buffer.from(value))) },
    })),
    actor: fingerprints.join(),
    at,
  })

  const sightings = async () => {
    const files = readdirSync(folder).map(name => readFileSync(join(folder, name)))
    const places = [...files, Buffer.from(await exportState(store, 'acme')), Buffer.from(fingerprints.join())]
    const secrets = [...values.map(value => Buffer.from(value)), master.key.reveal(), ...drawn].flatMap(octets => [
      Buffer.from(octets),
      ...(['hex', 'base64', 'base64url'] as const).map(form => Buffer.from(Buffer.from(octets).toString(form))),
    ])
    expect(places.length).toBe(5)
    expect(secrets.length).toBeGreaterThan(200)
    // The scan itself must be able to see: what is not secret is there.
    expect(places.some(place => place.includes('k49'))).toBe(true)
    return secrets.filter(secret => places.some(place => place.includes(secret))).length
  }
  expect(await sightings()).toBe(0)
  await rotateDataKey(store, 'acme', master, ports)
  expect(drawn).toHaveLength(3)
  expect(await sightings()).toBe(0)
  await store.close()
  rmSync(folder, { recursive: true })
})
