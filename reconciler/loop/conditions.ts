import type { Condition, Outcome, SourceState } from '../sources/source.ts'
import { driftInWords } from './drift-notes.ts'

/**
 * The conditions that an outcome leads to. `since` moves only when a status changes, so that it tells how long a source
 * has been well or ill.
 */
export function conditionsAfter(before: readonly Condition[], outcome: Outcome, now: Date): readonly Condition[] {
  const { reason, message } = outcome
  const ready = outcome.type === 'ready'
  const wanted: Omit<Condition, 'since'>[] = [
    { type: 'Ready', status: ready ? 'True' : 'False', reason, message },
    {
      type: 'Stalled',
      status: outcome.type === 'stalled' ? 'True' : 'False',
      reason: outcome.type === 'stalled' ? reason : 'Progressing',
      message: outcome.type === 'stalled' ? message : '',
    },
  ]
  const drifted = before.find(({ type }) => type === 'Drifted')
  if (outcome.drift !== undefined) {
    wanted.push(
      outcome.drift.length > 0
        ? { type: 'Drifted', status: 'True', reason: 'DriftDetected', message: driftInWords(outcome.drift) }
        : { type: 'Drifted', status: 'False', reason: 'InSync', message: '' },
    )
  } else if (drifted) {
    wanted.push(drifted)
  }
  return wanted.map(condition => {
    const same = before.find(({ type, status }) => type === condition.type && status === condition.status)
    return { ...condition, since: same?.since ?? now.toISOString() }
  })
}

/** Whether something changed that somebody should hear of: a status or its reason, or what else has drifted. */
export function transitions(before: readonly Condition[], after: readonly Condition[]): readonly Condition[] {
  return after.filter(condition => {
    const was = before.find(({ type }) => type === condition.type)
    if (was?.status !== condition.status || was.reason !== condition.reason) return true
    return condition.type === 'Drifted' && was.message !== condition.message
  })
}

/** What a source waits for, in one word; the status page and the metrics show it. */
export function health(
  state: Pick<SourceState, 'suspended' | 'conditions'>,
): 'ready' | 'waiting' | 'stalled' | 'suspended' | 'new' {
  if (state.suspended) return 'suspended'
  const is = (type: Condition['type']) => state.conditions.find(each => each.type === type)?.status === 'True'
  if (is('Stalled')) return 'stalled'
  if (is('Ready')) return 'ready'
  return state.conditions.length === 0 ? 'new' : 'waiting'
}
