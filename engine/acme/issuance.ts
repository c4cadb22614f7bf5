import type { OperationJournal } from '../core/journal.ts'
import type { Secret } from '../core/secret.ts'
import type { KeySpec } from '../x509/keys.ts'
import type { Identifier } from './identifier.ts'
import type { AccountSession } from './session.ts'
import type { ChallengeSolver } from './solver.ts'

/** Where the certificate's key comes from: made now, one that we hold (PKCS#8 DER), or outside with its CSR (DER). */
export type KeySource =
  | { readonly generate: KeySpec }
  | { readonly reuse: Secret<Uint8Array> }
  | { readonly csr: Uint8Array }

export interface Issuance {
  readonly session: AccountSession
  readonly identifiers: readonly Identifier[]
  readonly key: KeySource
  readonly solver: ChallengeSolver
  readonly journal: OperationJournal
  /** One of the CA's profiles (draft-ietf-acme-profiles). */
  readonly profile?: string
  /** CertID of the certificate that this one follows (RFC 9773 §5). */
  readonly replaces?: string
  /** Common name of the root at which the chain should end. */
  readonly preferredChain?: string
  readonly progress?: (message: string) => void
  readonly limits?: Partial<IssuanceLimits>
}

/** Milliseconds that a phase may take. */
export interface IssuanceLimits {
  readonly validation: number
  readonly order: number
  readonly cleanup: number
}

export const defaultLimits: IssuanceLimits = { validation: 300_000, order: 300_000, cleanup: 60_000 }

export interface IssuedCertificate {
  /** DER. */
  readonly leaf: Uint8Array
  /** Issuers, DER, issuer first. */
  readonly chain: readonly Uint8Array[]
  readonly orderUrl: string
  readonly certificateUrl: string
  /** PKCS#8 DER of a generated or reused key. */
  readonly key?: Secret<Uint8Array>
  /** Removes what the challenges left outside. Run it once the certificate is recorded; it may be repeated. */
  readonly cleanup: () => Promise<void>
}
