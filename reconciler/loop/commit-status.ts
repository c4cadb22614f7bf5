import type { JsonObject, Mutation } from '../../engine/index.ts'
import { jobMutation } from '../jobs/job-mutation.ts'
import type { RunningJob } from '../jobs/queue.ts'
import { statusOfOutcome } from '../previews/status.ts'
import { findSource } from '../records/source-records.ts'
import type { Outcome, Source } from '../sources/source.ts'
import type { PassResult } from './pass.ts'
import type { LoopPorts } from './ports.ts'

/** Attempts of a status: with the queue's backoff more than the day after which it is of no use any more. */
const mostAttempts = 300
/** Milliseconds after which nobody waits for a status; the pull requests and commits since have their own. */
const stale = 86_400_000

/** The job that tells the forge what came of a commit; it belongs into the commit that writes down the outcome. */
export function tellForge(
  ports: LoopPorts,
  { id, spec }: Source,
  { outcome, observedCommit, runId }: PassResult,
): readonly Mutation[] {
  if (!spec.forge || observedCommit === undefined || runId === undefined) return []
  // `detect` is for those who look here; `report` and `heal` tell those who look at the forge.
  const { drift: _drift, ...quiet } = outcome
  const shown = spec.drift === 'detect' ? quiet : outcome
  const at = ports.clock.now().toISOString()
  const payload = { source: id, run: runId, commit: observedCommit, at, outcome: written(shown) }
  // The newest outcome of a source is the one to tell; one that still waits gives way to it.
  const singleton = `${id}:${observedCommit}`
  return [jobMutation({ queue: 'commit-status', key: id, singleton, payload, maxAttempts: mostAttempts }, ports)]
}

/** The job `commit-status`. Errors are the forge's; the queue tries again, for a day. */
export async function setCommitStatus(ports: LoopPorts, { tenant, payload }: RunningJob): Promise<void> {
  const source = await findSource(ports.store, tenant, String(payload.source))
  if (ports.clock.now().getTime() - Date.parse(String(payload.at)) > stale) {
    ports.log.warn('a forge was not told of a commit: it was down for too long', { source: source?.spec.name ?? '' })
    return
  }
  const forge = source && (await ports.forgeOf(source))
  if (!forge) return
  const url = ports.publicUrl === undefined ? undefined : `${ports.publicUrl}/v1/runs/${payload.run}`
  const outcome = read(payload.outcome as JsonObject) // as `tellForge` wrote it
  const context = { source: source.spec.name, ...(url !== undefined && { url }) }
  await forge.setStatus(String(payload.commit), statusOfOutcome(outcome, context))
}

function written(outcome: Outcome): JsonObject {
  const plain = outcome.type === 'waiting' ? { ...outcome, until: outcome.until.toISOString() } : outcome
  return plain as unknown as JsonObject // JSON by construction; interfaces lack the index signature that says so
}

function read(outcome: JsonObject): Outcome {
  // As `written` left it, apart from the instant.
  const known = outcome as unknown as Outcome
  return known.type === 'waiting' ? { ...known, until: new Date(String(outcome.until)) } : known
}
