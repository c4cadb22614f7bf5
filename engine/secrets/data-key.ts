import { EngineError } from '../core/errors.ts'
import type { Random } from '../core/ports.ts'
import type { WrappedKey } from '../core/sealed.ts'
import { Secret } from '../core/secret.ts'
import { associate, decrypt, encrypt, nonceLength } from './cipher.ts'
import type { MasterKey } from './master-key.ts'

/** A tenant's data key in memory. */
export interface DataKey {
  readonly version: number
  readonly key: Secret<Uint8Array>
}

const binding = (tenant: string, version: number) => associate('trustform/data-key/v1', tenant, version)

export function createDataKey(version: number, random: Random): DataKey {
  return { version, key: new Secret(random.bytes(32)) }
}

/** Nonce, ciphertext and tag, bound to tenant and version. `createdAt` is an ISO instant. */
export function wrapDataKey(
  tenant: string,
  { version, key }: DataKey,
  masterKey: MasterKey,
  random: Random,
  createdAt: string,
): WrappedKey {
  const nonce = random.bytes(nonceLength)
  const ciphertext = encrypt(masterKey.key.reveal(), nonce, binding(tenant, version), key.reveal())
  return { version, masterKeyId: masterKey.id, wrapped: Buffer.concat([nonce, ciphertext]), createdAt }
}

/** Throws `master_key_wrong` naming key ids, or `secret_corrupt` when the wrapped key itself is damaged. */
export function unwrapDataKey(tenant: string, wrapped: WrappedKey, masterKey: MasterKey): DataKey {
  const { version } = wrapped
  if (wrapped.masterKeyId !== masterKey.id) {
    throw new EngineError(
      'master_key_wrong',
      `the state was encrypted under the master key ${wrapped.masterKeyId}, not under ${masterKey.id} from ${masterKey.source}`,
      {
        remedy: `provide the master key ${wrapped.masterKeyId} in TRUSTFORM_MASTER_KEY_FILE or TRUSTFORM_MASTER_KEY`,
        details: { expected: wrapped.masterKeyId, given: masterKey.id },
      },
    )
  }
  const nonce = wrapped.wrapped.subarray(0, nonceLength)
  const key = decrypt(masterKey.key.reveal(), nonce, binding(tenant, version), wrapped.wrapped.subarray(nonceLength))
  if (key === undefined) {
    throw new EngineError('secret_corrupt', `data key ${version} of the tenant "${tenant}" is damaged`, {
      remedy: 'restore the state from a backup',
    })
  }
  return { version, key: new Secret(key) }
}
