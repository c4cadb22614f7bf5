import { createHash } from 'node:crypto'
import { dirname, join, resolve } from 'node:path'
import { type Diagnostic, EngineError } from '../core/errors.ts'
import type { Random } from '../core/ports.ts'
import { Secret } from '../core/secret.ts'
import { openAge } from './age.ts'
import { createKeyFile, type FoundKeyFile, readKeyFile } from './key-file.ts'
import type { KeyStore } from './key-store.ts'

/** The key that wraps every data key. 32 octets; whoever has it and the state can read everything. */
export interface MasterKey {
  /** First 16 hex digits of a hash; names the key without telling it. */
  readonly id: string
  readonly key: Secret<Uint8Array>
  /** Where it came from, for people: a variable's or a file's name. */
  readonly source: string
  readonly warnings: readonly Diagnostic[]
  /** Made just now: nobody has a copy of it yet. */
  readonly created?: true
}

export interface MasterKeySources {
  /** The process environment. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly random: Random
  /** False when something is encrypted already: a key made now could not open it. See `hasEncryptedState`. */
  readonly mayCreate: boolean
  /** Folder of the state: our own key is never put there, because a copy of that folder would hold both. */
  readonly stateFolder?: string
}

const keyLength = 32

/**
 * The master key from `TRUSTFORM_MASTER_KEY_FILE` (the key or an age file with it), `TRUSTFORM_MASTER_KEY` (base64 or
 * hex), else from the user's configuration folder, where it is created at first use. Errors: `master_key_missing`,
 * `master_key_wrong` (not a key), `secret_unresolved` (age identity).
 */
export async function loadMasterKey(sources: MasterKeySources): Promise<MasterKey> {
  return (await findMasterKey(sources)) ?? makeOwnKey(sources)
}

/** As `loadMasterKey`, without making one: undefined where the first use would. */
export async function findMasterKey(sources: MasterKeySources): Promise<MasterKey | undefined> {
  const { env } = sources
  const named = env.TRUSTFORM_MASTER_KEY_FILE
  if (named) {
    const file = await readKeyFile(named)
    if (file === undefined) {
      throw new EngineError('master_key_missing', `the master key file ${named} does not exist`, {
        remedy: 'set TRUSTFORM_MASTER_KEY_FILE to the file with the master key',
      })
    }
    return fromFile(file, named, env)
  }
  const given = env.TRUSTFORM_MASTER_KEY
  if (given) return masterKey(parseKey(Buffer.from(given), 'TRUSTFORM_MASTER_KEY'), 'TRUSTFORM_MASTER_KEY')
  const path = ownPath(sources)
  const found = await readKeyFile(path)
  if (found !== undefined) return fromFile(found, path, env)
  if (sources.mayCreate) return undefined
  throw new EngineError('master_key_missing', `the state is encrypted and its master key is not in ${path}`, {
    remedy: 'restore that file from its backup, or set TRUSTFORM_MASTER_KEY_FILE',
  })
}

/** Whether any tenant has encrypted something: the master key must then exist already. */
export async function hasEncryptedState(store: Pick<KeyStore, 'tenants' | 'dataKeys'>): Promise<boolean> {
  for (const tenant of await store.tenants()) {
    if ((await store.dataKeys(tenant)).length > 0) return true
  }
  return false
}

/** A master key from its 32 octets. */
export function masterKey(key: Secret<Uint8Array>, source: string, warnings: readonly Diagnostic[] = []): MasterKey {
  const id = createHash('sha256').update('trustform/master-key-id/v1\0').update(key.reveal()).digest('hex').slice(0, 16)
  return { id, key, source, warnings }
}

function ownPath({ env }: MasterKeySources): string {
  const folder = env.XDG_CONFIG_HOME || (env.HOME && join(env.HOME, '.config'))
  if (!folder) {
    throw new EngineError('master_key_missing', 'there is no home folder in which to keep the master key', {
      remedy: 'set TRUSTFORM_MASTER_KEY_FILE or TRUSTFORM_MASTER_KEY',
    })
  }
  return resolve(folder, 'trustform', 'master.key')
}

async function makeOwnKey(sources: MasterKeySources): Promise<MasterKey> {
  const { env, random, stateFolder } = sources
  const path = ownPath(sources)
  if (stateFolder !== undefined && resolve(stateFolder) === dirname(path)) {
    throw new EngineError('usage', `the state is kept in ${dirname(path)}, where the master key would be`, {
      remedy: 'keep the state elsewhere (--state), or set TRUSTFORM_MASTER_KEY_FILE',
    })
  }
  const made = await createKeyFile(path, random.bytes(keyLength), random)
  return { ...(await fromFile(made, path, env)), created: true }
}

async function fromFile(file: FoundKeyFile, path: string, env: MasterKeySources['env']): Promise<MasterKey> {
  const age = await openAge(file.content.reveal(), env, `the master key file ${path}`)
  return masterKey(parseKey(age?.reveal() ?? file.content.reveal(), path), path, file.warnings)
}

/** 32 raw octets, or their hex or base64 spelling with white space around it. */
function parseKey(content: Uint8Array, source: string): Secret<Uint8Array> {
  if (content.length === keyLength) return new Secret(content)
  const text = Buffer.from(content).toString('latin1').trim()
  const key = /^[0-9a-f]{64}$/i.test(text)
    ? Buffer.from(text, 'hex')
    : /^[\w+/-]{43}=?$/.test(text)
      ? Buffer.from(text, 'base64')
      : undefined
  if (key?.length === keyLength) return new Secret(key)
  throw new EngineError('master_key_wrong', `${source} does not hold a master key`, {
    remedy: 'provide 32 octets as base64 or hex, for example from `openssl rand -base64 32`',
  })
}
