import type { Diagnostic } from '../engine/index.ts'

/** Stands for a value that only the update will know; of any type. */
export const unknown: unique symbol = Symbol('unknown')

/** A value that Pulumi keeps encrypted. Nothing prints it. */
export class SecretValue {
  readonly value: Value
  constructor(value: Value) {
    this.value = value
  }
  toJSON(): string {
    return '(secret)'
  }
  toString(): string {
    return '(secret)'
  }
  /** What Node prints of it, alone or inside of something else. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '(secret)'
  }
}

/** Whether a value is marked as a secret, or anything in it is. */
export function holdsSecret(value: Value | undefined): boolean {
  if (value instanceof SecretValue) return true
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsSecret)
}

/** A property value as the protocol carries it, decoded: outputs and resource references are what they stand for. */
export type Value = null | boolean | number | string | typeof unknown | SecretValue | readonly Value[] | Properties

export interface Properties {
  readonly [name: string]: Value
}

/** A resource as Pulumi names it. */
export interface ResourceName {
  /** `urn:pulumi:STACK::PROJECT::TYPE::NAME`. */
  readonly urn: string
  /** `Certificate`, from the type token `trustform:index:Certificate`. */
  readonly kind: string
  /** The logical name: last part of the URN. */
  readonly name: string
  /** In a check, where the project configures how resources are named. */
  readonly autonaming?: Autonaming
}

/** `propose`: a name to start from; `enforce`: exactly this name; `disable`: the program has to name the resource. */
export interface Autonaming {
  readonly mode: 'propose' | 'enforce' | 'disable'
  /** Empty with `disable`. */
  readonly proposed: string
}

/** What the CLI is told of while a call runs: diagnostics that belong to the resource. */
export interface CallContext {
  /** Aborts when the CLI cancels or the custom timeout is over. */
  readonly signal: AbortSignal
  /** Shown beside the resource; warnings do not fail the call. */
  tell(severity: 'info' | 'warning' | 'error', message: string): void
}

/** One thing wrong with the inputs. The server never lets a failure on a secret name the property to the CLI. */
export interface CheckFailure {
  /** Pulumi's property path: `domains[1]`; empty for the whole. */
  readonly property: string
  readonly reason: string
}

export interface FieldDifference {
  readonly kind: 'add' | 'delete' | 'update'
  readonly replaces: boolean
  /** The difference is between inputs; otherwise between the recorded and the live output. */
  readonly input: boolean
}

export interface Difference {
  /** By Pulumi's property path. Empty: nothing to do. */
  readonly fields: ReadonlyMap<string, FieldDifference>
  /** A replacement deletes first: both cannot exist at a time. */
  readonly deleteBeforeReplace?: boolean
}

export interface Made {
  readonly id: string
  readonly outputs: Properties
  /** Every later update reads the resource first, without being asked to refresh: it changes with time. */
  readonly refreshBeforeUpdate?: boolean
}

/**
 * One configured provider. Every method throws `EngineError` or `DiagnosticsError`; the server turns them into gRPC
 * errors with remedies.
 */
export interface ConfiguredProvider {
  /** Validates, fills in defaults and the name. Never asks the state. */
  check(
    resource: ResourceName,
    inputs: Properties,
    oldInputs: Properties,
    context: CallContext,
  ): Promise<{ readonly inputs: Properties; readonly failures: readonly CheckFailure[] }>
  /** `ignored`: top-level properties under `ignoreChanges`. */
  diff(
    resource: ResourceName,
    request: {
      readonly id: string
      readonly oldInputs: Properties
      readonly oldOutputs: Properties
      readonly inputs: Properties
      readonly ignored: readonly string[]
    },
    context: CallContext,
  ): Promise<Difference>
  /** With `preview` nothing is written, and the id is empty unless it is known. */
  create(
    resource: ResourceName,
    request: { readonly inputs: Properties; readonly preview: boolean },
    context: CallContext,
  ): Promise<Made>
  update(
    resource: ResourceName,
    request: {
      readonly id: string
      readonly oldInputs: Properties
      readonly oldOutputs: Properties
      readonly inputs: Properties
      readonly preview: boolean
    },
    context: CallContext,
  ): Promise<Made>
  /** Refresh, `get` and import: the last two by id or name, without inputs or with some. Undefined when it is gone. */
  read(
    resource: ResourceName,
    request: { readonly id: string; readonly inputs: Properties; readonly outputs: Properties },
    context: CallContext,
  ): Promise<(Made & { readonly inputs: Properties }) | undefined>
  delete(
    resource: ResourceName,
    request: { readonly id: string; readonly oldInputs: Properties; readonly outputs: Properties },
    context: CallContext,
  ): Promise<void>
  /** `token` is `trustform:index:getCertificate`. */
  invoke(
    token: string,
    args: Properties,
    context: CallContext,
  ): Promise<{ readonly outputs: Properties; readonly failures: readonly CheckFailure[] }>
  close(): Promise<void>
}

/** Settings of a provider, checked: the provider configuration of the program. */
export interface ProviderSettings {
  /** `sqlite:PATH` or `postgres://…`. */
  readonly state: string
  readonly masterKeyFile?: string
  readonly tenant: string
  /** Default `pulumi:PROJECT/STACK`. */
  readonly owner?: string
  /** Take over resources that another door owns. */
  readonly adopt: boolean
  /** `HOST:PORT`; the system's when absent. */
  readonly resolver?: string
  /** `HOST:PORT` or `:PORT` for http-01; `:80` when absent. */
  readonly http01Listen?: string
}

/** Checks and opens providers; the server holds one per `Configure`. */
export interface ProviderFactory {
  /** Pure; unknown values are allowed in a preview. Throws nothing: what is wrong is told. */
  checkConfig(config: Properties): { readonly inputs: Properties; readonly failures: readonly CheckFailure[] }
  /** Top-level properties that differ; `replaces` only where every resource would be another. */
  diffConfig(old: Properties, news: Properties): Difference
  /** Does not open the state yet: the first call that needs it does. Fills in environment defaults itself. */
  configure(config: Properties): Promise<ConfiguredProvider>
}

/** Turns an engine diagnostic into words for the CLI: message, place and remedy in one. */
export function sentenceOf({ message, address, remedy }: Diagnostic): string {
  // Many sentences begin with it themselves.
  const where = address === undefined || message.startsWith(`${address} `) ? '' : `${address}: `
  return `${where}${message}${remedy === undefined ? '' : `\n  remedy: ${remedy}`}`
}
