import type { Sealed, SealedRow, WrappedKey } from '../core/sealed.ts'

/** What the keyring writes; a subset of the state's mutations, so that every state store is a key store. */
export type KeyMutation =
  | { readonly type: 'put-sealed'; readonly row: SealedRow }
  | { readonly type: 'reseal'; readonly row: SealedRow; readonly replacesNonce: Uint8Array }
  | { readonly type: 'put-data-key'; readonly key: WrappedKey; readonly rewraps?: string }
  | { readonly type: 'delete-data-key'; readonly version: number }

export interface KeyCommit {
  readonly mutations: readonly KeyMutation[]
  readonly actor: string
  /** ISO instant. */
  readonly at: string
}

/**
 * The part of the state that holds keys and sealed rows. A commit is applied whole or not at all; `state_conflict`
 * when a data key version exists already, is wrapped by another master key than `rewraps` says, is gone, or is in use.
 */
export interface KeyStore {
  dataKeys(tenant: string): Promise<readonly WrappedKey[]>
  sealed(tenant: string, id: string): Promise<Sealed | undefined>
  sealedRows(tenant: string, after: string, limit: number): Promise<readonly SealedRow[]>
  tenants(): Promise<readonly string[]>
  commit(tenant: string, commit: KeyCommit): Promise<unknown>
}
