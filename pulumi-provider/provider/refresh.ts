import type { Look } from '../../engine/index.ts'
import type { Backend } from '../backend/backend.ts'
import { keyHoldingKinds } from '../schema/outputs.ts'

/**
 * Whether every update reads the resource first: where somebody else renews it, such as a service. What this stack
 * renews itself it knows, and Diff sees when that is due; a read of each would double what Pulumi has to do.
 */
export async function refreshesBeforeUpdate({ owner }: Backend, { resource, changedBy }: Look): Promise<boolean> {
  if (!keyHoldingKinds.includes(resource.kind)) return false
  const last = await changedBy()
  return last !== undefined && last !== owner
}
