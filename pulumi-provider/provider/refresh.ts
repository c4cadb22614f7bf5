import type { Backend } from '../backend/backend.ts'
import { keyHoldingKinds } from '../schema/outputs.ts'
import type { Shown } from './outputs.ts'

/**
 * Whether every update reads the resource first: where somebody else renews it, such as a service. What this stack
 * renews itself it knows, and Diff sees when that is due; a read of each would double what Pulumi has to do.
 */
export function refreshesBeforeUpdate({ owner }: Backend, { look: { resource, changedBy } }: Shown): boolean {
  return keyHoldingKinds.includes(resource.kind) && changedBy !== undefined && changedBy !== owner
}
