import type { Address } from '../core/address.ts'
import type { ConnectGuard } from '../core/egress.ts'
import type { Diagnostic } from '../core/errors.ts'
import type { OperationJournal } from '../core/journal.ts'
import type { Json, JsonObject } from '../core/json.ts'
import type { Clock, Http, Log, Random, Trace } from '../core/ports.ts'
import type { CertificateRow, Lifecycle, Pointer, RecordedResource } from '../core/resource.ts'
import type { Secret } from '../core/secret.ts'

/** What a plan can do to a resource. */
export type Action = 'create' | 'update' | 'replace' | 'delete' | 'renew' | 'reissue' | 'forget' | 'import' | 'no-op'

/** Why it does it. */
export type Reason = 'config' | 'drift' | 'renewal' | 'dependency' | 'orphan'

/** One differing field. Sensitive values are `(secret)` or `(unknown)`, never the value. */
export interface FieldDiff {
  readonly path: Pointer
  readonly before: Json
  readonly after: Json
  readonly sensitive: boolean
  readonly forcesReplacement: boolean
}

/**
 * A resource kind. Everything up to `decide` is pure or only reads; the verbs below it run inside the executor,
 * which decides nothing: it calls exactly the verb that the plan names.
 */
export interface Driver {
  readonly kind: string
  /** Prefix of this kind's ids, e.g. `ca` for `ca_…`. */
  readonly idPrefix: string
  /** Deleting or replacing one needs an explicit `--allow` (CAs, accounts, trust anchors). */
  readonly guarded: boolean

  /** Resources that it stands on beyond its references: the DNS providers that will answer its challenges. Pure. */
  requires?(subject: Subject, world: World): readonly Address[]

  /** Kinds of which it looks at every resource, not only at those that it refers to (`World.all`, `openAll`). */
  readonly surveys?: readonly string[]

  /** Preflight: all that can be known to go wrong, without side effects or network. Pure. */
  check?(subject: Subject, world: World): readonly Finding[]

  /** Looks at the outside (an account's status, a provider's zones, a renewal window). No side effects. */
  read?(subject: Subject, world: World, context: ReadContext): Promise<Observation | undefined>

  /**
   * Why the recorded object must change beyond its differing fields: renewal due, issuer replaced, revoked
   * elsewhere. Ordered pure checks; the first verdict explains the plan. Not asked for new resources.
   */
  decide?(subject: RecordedSubject, world: World): Verdict | undefined

  /** When time will ask for a new version; undefined where it never does. Pure. */
  renewalTime?(subject: Pick<RecordedSubject, 'recorded' | 'live' | 'spec'>): Date | undefined

  /** What becomes of its certificates, keys and accounts when it is deleted, as half a sentence. Pure. */
  fate?(recorded: RecordedResource): string | undefined

  create(operation: Operation, context: OperationContext): Promise<Outcome>
  update(operation: Operation, context: OperationContext): Promise<Outcome>
  /** A new version of the same object because time asks for it. */
  renew?(operation: Operation, context: OperationContext): Promise<Outcome>
  /** A new version of the same object because its content changes. */
  reissue?(operation: Operation, context: OperationContext): Promise<Outcome>
  delete(operation: Operation, context: OperationContext): Promise<Removal>
  /** Undoes or finishes what an interrupted operation left outside, when the plan no longer asks for it. */
  abandon?(operation: Operation, context: OperationContext): Promise<void>
}

/** A resource as the planner sees it: wanted, recorded and observed. */
export interface Subject {
  readonly address: Address
  readonly kind: string
  readonly name: string
  /** The desired spec (secrets as fingerprints), or the recorded one for a resource no longer declared. */
  readonly spec: JsonObject
  readonly declared: boolean
  /** No longer declared and the planning owner's: it will be deleted. */
  readonly going?: true
  readonly recorded?: RecordedResource
  readonly live?: Observation
  /** What is planned for it; dependencies are decided before their dependents. Absent while only reading. */
  readonly planned?: { readonly action: Action; readonly reason: Reason }
  /** Resolved secret values by pointer below the spec; empty offline and in pure checks. */
  readonly secrets: ReadonlyMap<Pointer, Secret>
}

export interface RecordedSubject extends Subject {
  readonly recorded: RecordedResource
  /** Fields in which desired and recorded differ. */
  readonly diffs: readonly FieldDiff[]
}

/** The other resources, as they will be when the plan is applied. */
export interface World {
  readonly now: Date
  /** Follows a reference value of a spec: a name, or `{external: id}`. */
  find(kind: string, reference: Json | undefined): Subject | undefined
  all(kind: string): readonly Subject[]
}

export interface Verdict {
  readonly action: 'update' | 'replace' | 'renew' | 'reissue' | 'create'
  readonly reason: Reason
  /** One lower-case phrase: `due since 2026-03-01T08:00:00.000Z`. */
  readonly because: string
}

/** A preflight finding; `check` is its stable name: `role-policy`, `validity`, `provider-match`… */
export interface Finding {
  readonly check: string
  readonly level: 'error' | 'warning'
  readonly code: Diagnostic['code']
  readonly message: string
  readonly remedy: string
  /** The field it concerns, below the document: `/spec/domains/1`. */
  readonly pointer?: Pointer
}

/** What `read` saw. */
export interface Observation {
  /** False when the object is gone or dead outside; the plan then makes it again, or says why it cannot. */
  readonly exists: boolean
  /** Facts for `check` and `decide` of this kind and its dependents: zones, window, directory meta. */
  readonly facts: JsonObject
  /** Recorded ≠ live, shown apart from configuration changes. */
  readonly drift: readonly FieldDiff[]
  readonly findings: readonly Finding[]
}

export interface ReadContext {
  readonly trace: Trace
  readonly clock: Clock
  readonly http: Http
  readonly log: Log
  readonly signal?: AbortSignal
  readonly network: NetworkSettings
  /** Opens a sealed row (an account's key) for reading; undefined where there is none. */
  unseal(id: string): Promise<Secret<Uint8Array> | undefined>
  /** The current certificate version of an object. */
  certificate(objectId: string): Promise<CertificateRow | undefined>
}

/** How challenges and look-ups reach the world. */
export interface NetworkSettings {
  /** `host:port` of the resolver used for discovery; the system's when absent. */
  readonly resolver?: string
  /** `host:port` on which http-01 challenges are answered during apply. */
  readonly http01Listen: string
  /** Asked before anything that a manifest leads to is connected to; everything may be reached when absent. */
  readonly guard?: ConnectGuard
}

export interface Operation {
  readonly address: Address
  readonly kind: string
  readonly name: string
  /** The object's id: the recorded one, or a fresh one for create and replace. */
  readonly id: string
  readonly action: Action
  /** Secrets as fingerprints; values in `secrets`. */
  readonly spec: JsonObject
  readonly lifecycle: Lifecycle
  readonly secrets: ReadonlyMap<Pointer, Secret>
  readonly recorded?: RecordedResource
}

/** Another resource as recorded at this moment, with its sealed values. */
export interface OpenResource extends RecordedResource {
  /** A secret field of its spec by pointer below the spec, e.g. `/credentials/api_key`. */
  secret(pointer: Pointer): Promise<Secret | undefined>
  /** A secret that its driver returned in `Outcome.secrets`, by name. */
  held(name: string): Promise<Secret<Uint8Array> | undefined>
}

export interface OperationContext extends Omit<ReadContext, 'certificate'> {
  readonly random: Random
  readonly signal: AbortSignal
  readonly journal: OperationJournal
  /** Follows a reference; throws `reference_unknown` when nothing is recorded there. */
  open(kind: string, reference: Json | undefined): Promise<OpenResource>
  openAll(kind: string): Promise<readonly OpenResource[]>
  /** Certificates in the inventory, newest first. */
  certificates(objectId: string): Promise<readonly CertificateRow[]>
  /** A value computed once per run under that key (a CA's signer, an account's session). */
  memo<T>(key: string, make: () => Promise<T>): Promise<T>
  /** As `memo`, for what there is only one of: a port that is listened on, claims on others' records. */
  shared<T>(key: string, make: () => Promise<T>): Promise<T>
  /** What the operation is doing now, for the progress display. */
  progress(message: string): void
}

/** A certificate to add to the inventory together with the resource, in one commit. */
export interface NewCertificate extends Omit<CertificateRow, 'keyId' | 'createdAt'> {
  /** The new private key (PKCS#8 DER) to seal under this version, or an existing sealed row to point at. */
  readonly key?: { readonly privateKey: Secret<Uint8Array> } | { readonly keyId: string }
}

export interface Revocation {
  readonly certificateId: string
  /** RFC 5280 §5.3.1 name. */
  readonly reason: string
}

/** What a verb brought about; the executor makes it durable in one commit before anyone sees it. */
export interface Outcome {
  readonly status: JsonObject
  readonly certificates?: readonly NewCertificate[]
  /** Driver-held secrets by name, e.g. `key` for an account key. */
  readonly secrets?: Readonly<Record<string, Secret<Uint8Array>>>
  readonly revocations?: readonly Revocation[]
  /** Runs once the outcome is durable: removes what was needed outside only until now (TXT records). */
  readonly afterwards?: () => Promise<void>
}

export interface Removal {
  readonly revocations?: readonly Revocation[]
  /** Sealed rows to destroy; everything else is retained in the inventory. */
  readonly destroyKeys?: readonly string[]
}
