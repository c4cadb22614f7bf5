import { EngineError } from '../../engine/index.ts'
import { jobMutation } from '../jobs/job-mutation.ts'
import { reconcileRequest } from '../jobs/requests.ts'
import { commit } from '../records/ports.ts'
import { allSources } from '../records/source-records.ts'
import { ownerOf, type Source } from '../sources/source.ts'
import { health } from './conditions.ts'
import type { LoopPorts } from './ports.ts'

/**
 * Milliseconds until the first look and between two. Long, because what killed the process ten times does so again: the
 * other sources must get something done in between.
 */
const interval = 900_000

type Ports = Pick<LoopPorts, 'store' | 'clock' | 'random' | 'log'>

/**
 * Wakes sources that nothing else would: those whose pass is a dead letter, by crashes or because its outcome could not
 * be written, and those that wait without a job. Neither polls nor looks for drift see that, since their head may stand
 * where a pass has seen it.
 */
export async function watchStranded(ports: Ports, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await ports.clock.sleep(interval, signal).catch(() => undefined)
    if (signal.aborted) return
    try {
      await wakeStranded(ports)
    } catch (error) {
      const reason = error instanceof EngineError ? error.code : 'internal'
      ports.log.warn('sources that stand still could not be looked for', { reason })
    }
  }
}

/** One look at all sources; answers the names of those that were woken. */
export async function wakeStranded(ports: Ports): Promise<readonly string[]> {
  // Before the sources: what ends in between is read as it is then.
  const jobs = await ports.store.jobs({ queue: 'reconcile' })
  const woken: string[] = []
  for (const source of await allSources(ports.store)) {
    const own = jobs.filter(({ tenant, payload }) => tenant === source.tenant && payload.source === source.id)
    const dead = own.filter(({ state }) => state === 'dead')
    if (source.suspended || own.length > dead.length) continue
    if (dead.length === 0 && !waits(source)) continue
    await commit(ports, source.tenant, ownerOf(source), () => [
      ...dead.map(({ id }) => ({ type: 'cancel-job' as const, id })),
      jobMutation(reconcileRequest(source.id, 'retry'), ports, true),
    ])
    ports.log.warn('a source stood still and is looked at again', { source: source.spec.name, dead: dead.length })
    woken.push(source.spec.name)
  }
  return woken
}

/** Not well, and not for somebody to act on. */
function waits(source: Source): boolean {
  const now = health(source)
  return now === 'waiting' || now === 'new'
}
