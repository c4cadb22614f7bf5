import {
  EngineError,
  type JsonObject,
  type RecordMutation,
  type StateStore,
  type StoredRecord,
} from '../../engine/index.ts'
import type { SourceState } from '../sources/source.ts'
import type { KnownSource, LoopPorts } from './ports.ts'

const collection = 'source'

/** Throws `not_found`, also for another tenant's source. */
export async function sourceById(store: StateStore, tenant: string, id: string): Promise<KnownSource> {
  const record = await store.record(tenant, collection, id)
  if (record) return knownSource(tenant, record)
  throw new EngineError('not_found', `there is no source ${id}`, { remedy: 'GET /v1/sources lists them' })
}

export async function allSources(store: StateStore): Promise<KnownSource[]> {
  const records = await store.recordsEverywhere({ collection })
  return records.map(record => knownSource(record.tenant, record))
}

/**
 * Writes what changed of a source (and what belongs with it) in one commit, on the version that was read. Answers the new version's source; `state_conflict`
 * when somebody else wrote meanwhile.
 */
export async function saveSource(
  ports: Pick<LoopPorts, 'store' | 'clock'>,
  source: KnownSource,
  change: Partial<SourceState>,
  actor: string,
  beside: readonly RecordMutation[] = [],
): Promise<KnownSource> {
  const { id, tenant, version, ...state } = source
  const next: SourceState = { ...state, ...change }
  await ports.store.commit(tenant, {
    mutations: [
      {
        type: 'put-record',
        // A source's state is JSON by construction; interfaces lack the index signature that says so.
        record: { collection, id, name: next.spec.name, data: next as unknown as JsonObject },
        expectedVersion: version,
      },
      ...beside,
    ],
    actor,
    at: ports.clock.now().toISOString(),
  })
  return sourceById(ports.store, tenant, id)
}

function knownSource(tenant: string, { id, data, version }: StoredRecord): KnownSource {
  // Only this module and the routes write these records, both through the type.
  return { ...(data as unknown as SourceState), id, tenant, version }
}
