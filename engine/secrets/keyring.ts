import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { EngineError } from '../core/errors.ts'
import type { Clock, Random } from '../core/ports.ts'
import type { Sealed } from '../core/sealed.ts'
import { Secret } from '../core/secret.ts'
import { associate, decrypt, encrypt, nonceLength } from './cipher.ts'
import { createDataKey, type DataKey, unwrapDataKey, wrapDataKey } from './data-key.ts'
import type { KeyStore } from './key-store.ts'
import type { MasterKey } from './master-key.ts'

/** Sealed row of the key for fingerprints and signatures; rotation reseals it like any other and keeps its value. */
const macRow = 'keyring/mac'

/** A tenant's keys, open in memory. */
export interface Keyring {
  /** False until the tenant's keys are durable: then `fingerprint` works and `seal` and `sign` do not. */
  readonly prepared: boolean
  /**
   * Makes the tenant's first keys durable if it has none. Call before the first `seal` or `sign`; cheap afterwards.
   * When another process was first, its keys replace ours.
   */
  prepare(): Promise<void>
  /** Loads the keys again after a rotation elsewhere (`state_conflict` from a commit of sealed rows). */
  refresh(): Promise<void>
  /** Encrypts for the row `id` of this tenant under the newest data key. */
  seal(id: string, plaintext: Secret<Uint8Array>): Sealed
  /**
   * Throws `secret_corrupt` when the row was changed, or belongs to another id or tenant; `state_conflict` when it
   * was sealed after a rotation elsewhere: `refresh` and try again.
   */
  unseal(id: string, sealed: Sealed): Secret<Uint8Array>
  /** `hmac-sha256:…`: equal for equal values of one context, whatever the data key; tells nothing about the value. */
  fingerprint(value: Secret<string> | Secret<Uint8Array>, context: string): string
  /** Keyed MAC of a document that leaves us and comes back, e.g. a saved plan; `purpose` keeps kinds apart. */
  sign(bytes: Uint8Array, purpose?: string): string
  verifySignature(bytes: Uint8Array, signature: string, purpose?: string): boolean
}

export interface KeyringPorts {
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
  /** Who is named in the history. */
  readonly actor?: string
}

interface Keys {
  readonly current: DataKey
  readonly byVersion: ReadonlyMap<number, DataKey>
  readonly mac: MacKeys
}

interface MacKeys {
  readonly fingerprint: Secret<Uint8Array>
  readonly signature: Secret<Uint8Array>
  readonly root: Secret<Uint8Array>
}

/**
 * Opens a tenant's keys with the master key. A tenant without any gets keys in memory, which `prepare` makes durable;
 * before that the master key is not asked for, so that who only looks makes none. Errors: `master_key_wrong`,
 * `secret_corrupt`.
 */
export async function openKeyring(
  store: KeyStore,
  tenant: string,
  masterKey: () => Promise<MasterKey>,
  ports: KeyringPorts,
): Promise<Keyring> {
  const stored = await loadKeys(store, tenant, masterKey)
  let keys = stored ?? freshKeys(tenant, ports.random)
  let prepared = stored !== undefined

  const use = (loaded: Keys) => {
    keys = loaded
    prepared = true
  }

  async function prepare(): Promise<void> {
    if (prepared) return
    const at = ports.clock.now().toISOString()
    const { current, mac } = keys
    const wrapping = await masterKey()
    try {
      await store.commit(tenant, {
        mutations: [
          { type: 'put-data-key', key: wrapDataKey(tenant, current, wrapping, ports.random, at) },
          { type: 'put-sealed', row: { id: macRow, ...sealWith(current, tenant, macRow, mac.root, ports.random) } },
        ],
        actor: ports.actor ?? 'keyring',
        at,
      })
      prepared = true
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'state_conflict') throw error
      await refresh()
    }
  }

  async function refresh(): Promise<void> {
    const loaded = await loadKeys(store, tenant, masterKey)
    if (loaded !== undefined) use(loaded)
  }

  const expectPrepared = () => {
    if (!prepared) throw new Error('the keyring is used before prepare()')
  }
  const signature = (bytes: Uint8Array, purpose: string) =>
    mac(keys.mac.signature, associate(purpose), Buffer.from([0]), bytes)

  return {
    get prepared() {
      return prepared
    },
    prepare,
    refresh,
    seal: (id, plaintext) => {
      expectPrepared()
      return sealWith(keys.current, tenant, id, plaintext, ports.random)
    },
    unseal: (id, sealed) => unsealWith(keys.byVersion, tenant, id, sealed),
    fingerprint: (value, context) =>
      mac(keys.mac.fingerprint, associate(context), Buffer.from([0]), Buffer.from(value.reveal())),
    sign: (bytes, purpose = 'plan') => {
      expectPrepared()
      return signature(bytes, purpose)
    },
    verifySignature: (bytes, given, purpose = 'plan') => {
      const expected = Buffer.from(signature(bytes, purpose))
      const got = Buffer.from(given)
      return prepared && got.length === expected.length && timingSafeEqual(got, expected)
    },
  }
}

/** Undefined for a tenant without data keys. */
async function loadKeys(
  store: KeyStore,
  tenant: string,
  masterKey: () => Promise<MasterKey>,
): Promise<Keys | undefined> {
  const byVersion = new Map<number, DataKey>()
  let current: DataKey | undefined
  for (const wrapped of await store.dataKeys(tenant)) {
    current = unwrapDataKey(tenant, wrapped, await masterKey())
    byVersion.set(current.version, current)
  }
  if (current === undefined) return undefined
  const row = await store.sealed(tenant, macRow)
  if (row === undefined) {
    throw new EngineError('secret_corrupt', `the tenant "${tenant}" has data keys and no fingerprint key`, {
      remedy: 'restore the state from a backup',
    })
  }
  return { current, byVersion, mac: deriveMacKeys(tenant, unsealWith(byVersion, tenant, macRow, row)) }
}

function freshKeys(tenant: string, random: Random): Keys {
  const current = createDataKey(1, random)
  const root = new Secret(random.bytes(32))
  return { current, byVersion: new Map([[1, current]]), mac: deriveMacKeys(tenant, root) }
}

/** Row, tenant and key version are authenticated: a ciphertext moved to another row does not open. */
export function sealWith(
  { version, key }: DataKey,
  tenant: string,
  id: string,
  plaintext: Secret<Uint8Array>,
  random: Random,
): Sealed {
  const nonce = random.bytes(nonceLength)
  const ciphertext = encrypt(key.reveal(), nonce, rowBinding(tenant, id, version), plaintext.reveal())
  return { keyVersion: version, nonce, ciphertext }
}

/** Throws `secret_corrupt`, or `state_conflict` for a version that a rotation elsewhere made or removed. */
export function unsealWith(
  keys: ReadonlyMap<number, DataKey>,
  tenant: string,
  id: string,
  { keyVersion, nonce, ciphertext }: Sealed,
): Secret<Uint8Array> {
  const key = keys.get(keyVersion)
  if (key === undefined) {
    throw new EngineError('state_conflict', `the sealed row ${id} needs data key ${keyVersion}, which is not loaded`, {
      remedy: 'run the same command again: the keys were rotated meanwhile',
    })
  }
  const plaintext = decrypt(key.key.reveal(), nonce, rowBinding(tenant, id, keyVersion), ciphertext)
  if (plaintext !== undefined) return new Secret(plaintext)
  throw new EngineError('secret_corrupt', `the sealed row ${id} cannot be opened: it was changed or moved`, {
    remedy: 'restore the state from a backup',
  })
}

function rowBinding(tenant: string, id: string, version: number): Uint8Array {
  return associate('trustform/sealed/v1', tenant, id, version)
}

/** RFC 5869: one key per use from one root, so that a fingerprint never passes for a signature. */
function deriveMacKeys(tenant: string, root: Secret<Uint8Array>): MacKeys {
  const derive = (use: string) =>
    new Secret(new Uint8Array(hkdfSync('sha256', root.reveal(), tenant, `trustform/${use}/v1`, 32)))
  return { fingerprint: derive('fingerprint'), signature: derive('signature'), root }
}

function mac(key: Secret<Uint8Array>, ...parts: readonly Uint8Array[]): string {
  const hmac = createHmac('sha256', key.reveal())
  for (const part of parts) hmac.update(part)
  return `hmac-sha256:${hmac.digest('base64url')}`
}
