import type { StoredRecord } from '../../engine/index.ts'
import type { Run } from '../loop/runs.ts'
import type { Runs, StoredRun } from '../services.ts'
import { pageOf } from './paging.ts'
import type { RecordPorts } from './ports.ts'

const collection = 'run'

/** The runs that the loop recorded. */
export function createRuns(ports: RecordPorts): Runs {
  return {
    list: (tenant, { source }, page) =>
      pageOf(
        ports,
        tenant,
        { collection, newestFirst: true, ...(source !== undefined && { parent: source }) },
        page,
        record => runOf(tenant, record),
      ),
    async get(tenant, id) {
      const record = await ports.store.record(tenant, collection, id)
      return record && runOf(tenant, record)
    },
  }
}

export function runOf(tenant: string, { id, data, createdAt }: StoredRecord): StoredRun {
  // Only the loop writes these records, through the type.
  return { ...(data as unknown as Run), id, tenant, createdAt }
}
