import { keyHoldingKinds } from '../schema/outputs.ts'

/**
 * Whether a resource changes with time, so that every update reads it first: certificates become due, and a service
 * may have renewed them.
 */
export function refreshesBeforeUpdate(kind: string): boolean {
  return keyHoldingKinds.includes(kind)
}
