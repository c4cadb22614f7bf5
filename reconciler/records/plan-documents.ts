import { EngineError, type JsonObject, type Mutation, type PlanDocument, type StateStore } from '../../engine/index.ts'

/** Records of what plans would do, apart from the plans: one of a thousand changes has half a megabyte. */
export const planDocumentCollection = 'plan-document'

/** Written with its plan, under the plan's id; what stays as it is, is left out. Nothing changes it later. */
export function putPlanDocument(id: string, sourceId: string, document: PlanDocument): Mutation {
  const changes = document.changes.filter(({ action }) => action !== 'no-op')
  // A plan is JSON by construction; interfaces lack the index signature that says so.
  const data = { ...document, changes } as unknown as JsonObject
  return {
    type: 'put-record',
    record: { collection: planDocumentCollection, id, parent: sourceId, data },
    expectedVersion: null,
  }
}

/** Throws `not_found` where the plan was forgotten meanwhile. */
export async function planDocument(
  store: StateStore,
  { tenant, id }: { readonly tenant: string; readonly id: string },
): Promise<PlanDocument> {
  const record = await store.record(tenant, planDocumentCollection, id)
  // Only `putPlanDocument` writes these records, through the type.
  if (record) return record.data as unknown as PlanDocument
  throw new EngineError('not_found', `there is no plan ${id}`, { remedy: 'list the plans' })
}
