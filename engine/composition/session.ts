import { dirname } from 'node:path'
import { EngineError } from '../core/errors.ts'
import type { Clock, Http, Log, Random, Trace } from '../core/ports.ts'
import type { Secret } from '../core/secret.ts'
import type { NetworkSettings } from '../kinds/driver.ts'
import { createHttp } from '../net/http.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { openStoreWhenWritten } from '../state/open.ts'
import type { StateStore } from '../state/store.ts'
import { noTrace, silentLog, systemClock, systemRandom } from './system.ts'

export interface EngineOptions {
  /** `sqlite:PATH`; a store that is open already serves as well. */
  readonly state: string | StateStore
  readonly tenant?: string
  /** The door that applies; default `cli`. */
  readonly owner?: string
  /** Who is named in the history; default the owner. */
  readonly actor?: string
  /** The process environment: master key, secret references. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** What secret references of manifests may read; the whole environment and any file when absent. */
  readonly references?: ReferenceSources
  readonly network?: Partial<NetworkSettings>
  readonly clock?: Clock
  readonly random?: Random
  readonly log?: Log
  readonly trace?: Trace
  /** Carries its own guard; without one it is made, behind `network.guard`. */
  readonly http?: Http
}

/** Where `{env: …}` and `{file: …}` lead. A service gives repositories less than its own environment. */
export interface ReferenceSources {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly files: boolean
}

/** Everything that the engine's parts share: state, keys and the world outside. */
export interface Session {
  readonly store: StateStore
  readonly tenant: string
  readonly owner: string
  readonly actor: string
  readonly env: EngineOptions['env']
  readonly references: ReferenceSources
  readonly network: NetworkSettings
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly trace: Trace
  readonly http: Http
  /** The tenant's keys, opened when first needed. */
  keyring(): Promise<Keyring>
  /** The same where the tenant has any: a wrong master key is told before anything is done. */
  expectKeys(): Promise<void>
  unseal(id: string): Promise<Secret<Uint8Array> | undefined>
  close(): Promise<void>
}

export async function openSession(options: EngineOptions): Promise<Session> {
  const { env, tenant = 'default', owner = 'cli', clock = systemClock, random = systemRandom() } = options
  const store = typeof options.state === 'string' ? await openStoreWhenWritten(options.state) : options.state
  const guard = options.network?.guard
  const own = options.http ? undefined : createHttp(guard ? { guard } : {})
  const actor = options.actor ?? owner
  const log = options.log ?? silentLog
  let opened: Promise<Keyring> | undefined

  async function keyring(): Promise<Keyring> {
    opened ??= openKeys()
    return opened
  }
  async function openKeys(): Promise<Keyring> {
    const { findMasterKey, hasEncryptedState, loadMasterKey } = await import('../secrets/master-key.ts')
    const { openKeyring } = await import('../secrets/keyring.ts')
    const path = /^sqlite:(.*)$/s.exec(store.url)?.[1]
    const folder = path && { stateFolder: dirname(path) }
    const sources = async () => ({ env, random, mayCreate: !(await hasEncryptedState(store)), ...folder })
    // One that is there and is none is told now.
    let masterKey = await findMasterKey(await sources())
    for (const warning of masterKey?.warnings ?? []) log.warn(warning.message)
    const load = async () => {
      masterKey ??= await loadMasterKey(await sources())
      const { created, source } = masterKey
      if (created)
        log.warn(`the master key was made in ${source}: keep a copy, nothing opens the state's secrets without it`)
      return masterKey
    }
    return openKeyring(store, tenant, load, { clock, random, actor })
  }

  return {
    store,
    tenant,
    owner,
    actor,
    env,
    references: options.references ?? { env, files: true },
    network: { http01Listen: ':80', ...options.network },
    clock,
    random,
    log,
    trace: options.trace ?? noTrace,
    http: options.http ?? own ?? createHttp(),
    keyring,
    async expectKeys() {
      if (opened || (await store.dataKeys(tenant)).length > 0) await keyring()
    },
    async unseal(id) {
      const sealed = await store.sealed(tenant, id)
      if (!sealed) return undefined
      const keys = await keyring()
      try {
        return keys.unseal(id, sealed)
      } catch (error) {
        // Sealed under a key that a rotation elsewhere has made since ours were loaded.
        if (!(error instanceof EngineError) || error.code !== 'state_conflict') throw error
        await keys.refresh()
        const again = await store.sealed(tenant, id)
        return again && keys.unseal(id, again)
      }
    },
    async close() {
      await own?.close()
      // A store that was handed in is its owner's to close.
      if (typeof options.state === 'string') await store.close()
    },
  }
}
