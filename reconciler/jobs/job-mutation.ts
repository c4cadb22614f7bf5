import { type Clock, type Mutation, newId, type Random } from '../../engine/index.ts'
import type { JobRequest } from './queue.ts'

/** Attempts of a job that does not say how many; with the backoff below that is most of an hour. */
const usualAttempts = 10

/** The mutation that enqueues a job, for a commit that holds more than it: both are durable, or neither. */
export function jobMutation(
  { queue, payload, key = '', singleton, runAt, maxAttempts = usualAttempts }: JobRequest,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  yields = false,
): Mutation {
  return {
    type: 'enqueue-job',
    job: {
      id: newId('job', random),
      queue,
      key,
      payload,
      runAt: (runAt ?? clock.now()).toISOString(),
      maxAttempts,
      ...(singleton !== undefined && { singleton }),
    },
    ...(yields && { yields }),
  }
}
