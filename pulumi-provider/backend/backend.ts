import type {
  Address,
  AloneOptions,
  Look,
  LookOptions,
  PlanDocument,
  RecordedResource,
  Secret,
} from '../../engine/index.ts'

/** What a provider asks of an engine: one here, behind the REST API later. Bound to one owner. */
export interface Backend {
  readonly owner: string
  /** What would be done about one resource, and what is to be known before. Writes nothing. */
  plan(question: AloneOptions): Promise<Planned>
  /** Does it. Resolves when the outcome is durable; throws the first thing that went wrong. */
  apply(question: AloneOptions, told: Told): Promise<PlanDocument>
  look(asked: { readonly address: Address } | { readonly id: string }, options: LookOptions): Promise<Look | undefined>
  /** The values of its confidential fields, by pointer below the spec. */
  secrets(resource: Pick<RecordedResource, 'id' | 'spec'>): Promise<ReadonlyMap<string, Secret>>
}

export interface Planned {
  readonly document: PlanDocument
  /** The resource as it was recorded then. */
  readonly recorded?: RecordedResource
  /** With what it stands on. */
  readonly around: readonly RecordedResource[]
}

/** What a person wants to know while something is applied. */
export interface Told {
  waiting(message: string): void
  /** The outcome is durable, and something outside is left to be cleaned up by the next run. */
  leftOpen(error: unknown): void
}

/** Opens the state when it is first needed. */
export interface Backends {
  ownedBy(owner: string): Promise<Backend>
  close(): Promise<void>
}
