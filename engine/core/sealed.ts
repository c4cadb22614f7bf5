/** AES-256-GCM output; the associated data is derived from tenant and row id and never stored. */
export interface Sealed {
  /** Version of the tenant's data key. */
  readonly keyVersion: number
  readonly nonce: Uint8Array
  readonly ciphertext: Uint8Array
}

export interface SealedRow extends Sealed {
  readonly id: string
}

/** A tenant's data key, encrypted under the master key. */
export interface WrappedKey {
  readonly version: number
  /** Identity (not the value) of the master key that wraps it. */
  readonly masterKeyId: string
  readonly wrapped: Uint8Array
  readonly createdAt: string
}
