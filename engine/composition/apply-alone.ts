import type { RunResult } from '../executor/ports.ts'
import { type ApplyOptions, applyPlan } from './apply-plan.ts'
import type { MadePlan } from './make-plan.ts'
import { type AloneOptions, planAlone } from './plan-alone.ts'
import type { Session } from './session.ts'
import type { Sightings } from './sightings.ts'

/** What came of one resource. */
export interface AppliedAlone extends MadePlan {
  readonly result: RunResult
}

const nothingDone: RunResult = { done: [], failed: [], skipped: [], interrupted: false }

/**
 * Plans and applies one resource under the lease. Several may run at a time under one lease, as long as they are about
 * different addresses: each commits by the revision of its own resource, and none touches what another has begun.
 */
export async function applyAlone(
  session: Session,
  sightings: Sightings,
  options: AloneOptions & Omit<ApplyOptions, 'state'>,
): Promise<AppliedAlone> {
  const made = await planAlone(session, sightings, options)
  const { plan, snapshot } = made
  // An interrupted run may have left something outside although its outcome is recorded.
  const left = plan.operations.length === 0 ? await session.store.operations(session.tenant) : []
  const idle = plan.operations.length === 0 && left.every(({ address }) => address !== options.address)
  if (idle) return { ...made, result: nothingDone }
  return { ...made, result: await applyPlan(session, plan, { ...options, state: snapshot }) }
}
