import { EngineError } from '../core/errors.ts'
import type { Random } from '../core/ports.ts'
import { createDataKey, type DataKey, unwrapDataKey, wrapDataKey } from './data-key.ts'
import type { KeyMutation, KeyStore } from './key-store.ts'
import { type KeyringPorts, sealWith, unsealWith } from './keyring.ts'
import type { MasterKey } from './master-key.ts'

const pageSize = 500
/** Rounds over all rows; a later one only finds what others sealed under an old key meanwhile. */
const mostRounds = 5

interface Rotation {
  /** Version of the data key that now seals everything. */
  readonly version: number
  readonly resealed: number
  /** True when it finished a rotation that had been interrupted, instead of beginning another. */
  readonly resumed: boolean
}

/**
 * Gives the tenant a new data key and seals every row anew. May be interrupted anywhere and run again; other
 * processes may work meanwhile, those that still use the old key get `state_conflict` once it is gone. Undefined for
 * a tenant that has sealed nothing yet.
 */
export async function rotateDataKey(
  store: KeyStore,
  tenant: string,
  masterKey: MasterKey,
  ports: KeyringPorts,
): Promise<Rotation | undefined> {
  const stored = await store.dataKeys(tenant)
  const newest = stored.at(-1)
  if (newest === undefined) return undefined
  const keys = new Map(stored.map(wrapped => [wrapped.version, unwrapDataKey(tenant, wrapped, masterKey)]))
  const commit = (mutations: readonly KeyMutation[]) =>
    store.commit(tenant, { mutations, actor: ports.actor ?? 'keyring', at: ports.clock.now().toISOString() })

  // More than one version: an earlier rotation stopped between its first and its last commit.
  const resumed = stored.length > 1
  const current = (resumed && keys.get(newest.version)) || createDataKey(newest.version + 1, ports.random)
  if (!resumed) {
    const at = ports.clock.now().toISOString()
    await commit([{ type: 'put-data-key', key: wrapDataKey(tenant, current, masterKey, ports.random, at) }])
    keys.set(current.version, current)
  }

  let resealed = 0
  for (let round = 1; ; round++) {
    resealed += await resealAll(store, tenant, keys, current, ports.random, commit)
    try {
      const old = [...keys.keys()].filter(version => version !== current.version)
      await commit(old.map(version => ({ type: 'delete-data-key', version })))
      return { version: current.version, resealed, resumed }
    } catch (error) {
      const used = error instanceof EngineError && error.code === 'state_conflict'
      if (!used || round === mostRounds) throw error
    }
  }
}

/**
 * Wraps the tenant's data keys under another master key; sealed rows stay as they are. Keys that already have it are
 * left alone, so that it can be run again. Answers how many were wrapped anew.
 */
export async function rewrapDataKeys(
  store: KeyStore,
  tenant: string,
  from: MasterKey,
  to: MasterKey,
  ports: KeyringPorts,
): Promise<number> {
  const stored = (await store.dataKeys(tenant)).filter(wrapped => wrapped.masterKeyId !== to.id)
  if (stored.length === 0) return 0
  await store.commit(tenant, {
    mutations: stored.map(wrapped => ({
      type: 'put-data-key',
      key: wrapDataKey(tenant, unwrapDataKey(tenant, wrapped, from), to, ports.random, wrapped.createdAt),
      rewraps: wrapped.masterKeyId,
    })),
    actor: ports.actor ?? 'keyring',
    at: ports.clock.now().toISOString(),
  })
  return stored.length
}

async function resealAll(
  store: KeyStore,
  tenant: string,
  keys: ReadonlyMap<number, DataKey>,
  current: DataKey,
  random: Random,
  commit: (mutations: readonly KeyMutation[]) => Promise<unknown>,
): Promise<number> {
  let resealed = 0
  for (let after = ''; ; ) {
    const page = await store.sealedRows(tenant, after, pageSize)
    const last = page.at(-1)
    if (last === undefined) return resealed
    const stale = page.filter(row => row.keyVersion !== current.version)
    if (stale.length > 0) {
      await commit(
        stale.map(row => ({
          type: 'reseal',
          row: { id: row.id, ...sealWith(current, tenant, row.id, unsealWith(keys, tenant, row.id, row), random) },
          replacesNonce: row.nonce,
        })),
      )
    }
    resealed += stale.length
    after = last.id
  }
}
