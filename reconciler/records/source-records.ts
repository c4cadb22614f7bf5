import { EngineError, type JsonObject, type Mutation, type StateStore, type StoredRecord } from '../../engine/index.ts'
import type { Source, SourceState } from '../sources/source.ts'
import { commit, type WritingPorts } from './ports.ts'

/** Records of sources; their second name is the name of the spec. */
export const sourceCollection = 'source'

/** Throws `not_found`, also for another tenant's source. */
export async function sourceById(store: StateStore, tenant: string, id: string): Promise<Source> {
  const source = await findSource(store, tenant, id)
  if (source) return source
  throw new EngineError('not_found', `there is no source ${id}`, { remedy: 'GET /v1/sources lists them' })
}

/** Undefined where it was removed: jobs outlive their source, and then have nothing to do. */
export async function findSource(store: StateStore, tenant: string, id: string): Promise<Source | undefined> {
  const record = await store.record(tenant, sourceCollection, id)
  return record && sourceOf(tenant, record)
}

/** Of all tenants. */
export async function allSources(store: StateStore): Promise<Source[]> {
  return (await store.recordsEverywhere({ collection: sourceCollection })).map(record =>
    sourceOf(record.tenant, record),
  )
}

/**
 * Writes what changed of a source, and what belongs with it, in one commit on the version that was read. Answers the
 * new version; `state_conflict` when somebody else wrote meanwhile.
 */
export async function saveSource(
  ports: WritingPorts,
  source: Source,
  change: Partial<SourceState>,
  actor: string,
  beside: (at: string) => readonly Mutation[] = () => [],
): Promise<Source> {
  const { id, tenant, version } = source
  const next = { ...stateOf(source), ...change }
  await commit(ports, tenant, actor, at => [putSource(id, next, version), ...beside(at)])
  return sourceById(ports.store, tenant, id)
}

/** What the record holds; the rest of a source is the record's own. */
function stateOf(source: Source): SourceState {
  const { id: _id, tenant: _tenant, version: _version, createdAt: _made, updatedAt: _changed, ...state } = source
  return state
}

/** `expectedVersion` null makes a new one. */
export function putSource(id: string, state: SourceState, expectedVersion: number | null): Mutation {
  // A source's state is JSON by construction; interfaces lack the index signature that says so.
  const data = state as unknown as JsonObject
  return {
    type: 'put-record',
    record: { collection: sourceCollection, id, name: state.spec.name, data },
    expectedVersion,
  }
}

export function sourceOf(tenant: string, { id, data, version, createdAt, updatedAt }: StoredRecord): Source {
  // Only `putSource` writes these records, through the type.
  return { ...(data as unknown as SourceState), id, tenant, version, createdAt, updatedAt }
}
