import type { Address } from './address.ts'
import type { Diagnostic, Position } from './errors.ts'
import type { JsonObject } from './json.ts'
import type { Secret } from './secret.ts'

/** What plan and apply may do to a resource beside its spec. */
export interface Lifecycle {
  /** The plan refuses to delete or replace it; nothing overrides this. */
  readonly protect?: boolean
  /** What becomes of a certificate that is no longer declared; default `retain`. */
  readonly onDelete?: 'retain' | 'revoke' | 'destroy'
}

/** An RFC 6901 pointer into a document, e.g. `/spec/domains/1`. */
export type Pointer = string

/** A typed reference found by `x-ref`: another declared resource, or an object managed elsewhere. */
export interface Reference {
  /** Into the document: `/spec/role`. */
  readonly pointer: Pointer
  readonly kind: string
  readonly target: { readonly name: string } | { readonly external: string }
}

/** Where a secret's value comes from. A literal is wrapped at the border so that nothing prints it. */
export type SecretReference =
  | { readonly env: string }
  | { readonly file: string }
  | { readonly secret: string }
  | { readonly age: string }
  | { readonly literal: Secret }

export interface SecretField {
  /** Below the spec: `/credentials/api_key`. */
  readonly pointer: Pointer
  readonly reference: SecretReference
}

/** Stands in recorded and compared specs where the manifest has a secret. */
export interface SecretFingerprint {
  /** Keyed HMAC of the value, or `unknown` where it was not resolved (offline, fork). */
  readonly $secret: string
}

/** One resource as the configuration declares it, validated, with the schema's defaults filled in. */
export interface DesiredResource {
  readonly address: Address
  readonly kind: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly lifecycle: Lifecycle
  /** Secret fields hold the reference as written, a literal is replaced by `{literal: "(secret)"}`. */
  readonly spec: JsonObject
  readonly references: readonly Reference[]
  readonly secrets: readonly SecretField[]
  /** The file that declares it; relative paths in the spec start at its folder. */
  readonly file: string
  /** Where a field of the document (`/spec/role`) stands; computed when asked, because only errors ask. */
  locate(pointer: Pointer): Position | undefined
  /** Fields of the document whose value only the apply will know; the spec holds a stand-in there. */
  readonly unknown?: readonly Pointer[]
}

export interface Configuration {
  readonly resources: readonly DesiredResource[]
  readonly warnings: readonly Diagnostic[]
}

/** A resource as the last apply left it. */
export interface RecordedResource {
  readonly address: Address
  readonly kind: string
  readonly name: string
  /** Stable identity, e.g. `ca_…`, `cert_…`; survives updates, not replacement. */
  readonly id: string
  /** `cli`, `git:<source>`, `pulumi:<project>/<stack>`, `terraform:<workspace>` or `api`. */
  readonly owner: string
  readonly revision: number
  /** The applied spec with defaults; secret fields hold a `SecretFingerprint`. */
  readonly spec: JsonObject
  readonly labels: Readonly<Record<string, string>>
  readonly lifecycle: Lifecycle
  /** Public facts that the driver keeps: serial, notAfter, account URL… Small: no PEM. */
  readonly status: JsonObject
  /** Addresses that this resource was applied on top of; deletion goes in the reverse order. */
  readonly dependsOn: readonly Address[]
  /** ISO instants. */
  readonly createdAt: string
  readonly updatedAt: string
}

/** One issued certificate: a version of a declared `Certificate`, a CA's own, or inventory. */
export interface CertificateRow {
  /** `crt_…`, one per serial. */
  readonly id: string
  /** The object it is a version of (`cert_…`, `ca_…`), or '' for undeclared inventory. */
  readonly objectId: string
  /** The signing CA's id; '' when a foreign CA issued it. */
  readonly issuerId: string
  /** Upper-case hex without separators, no leading zeros. */
  readonly serial: string
  /** ISO instants. */
  readonly notBefore: string
  readonly notAfter: string
  readonly der: Uint8Array
  /** Issuer certificates that came with it (ACME), DER, issuer first; empty for internal ones. */
  readonly chain: readonly Uint8Array[]
  /** Sealed row of its private key, where we hold it. */
  readonly keyId?: string
  readonly createdAt: string
  readonly revokedAt?: string
  /** RFC 5280 §5.3.1 name, e.g. `keyCompromise`. */
  readonly revocationReason?: string
}

/** A step of an operation that talks to the outside: durable before the effect, completed after it. */
export interface JournalStep {
  readonly step: string
  readonly state: 'intended' | 'done'
  readonly data: JsonObject
  /** Ids of sealed rows that belong to this step, by name (private keys). */
  readonly sealed: Readonly<Record<string, string>>
  readonly at: string
}
