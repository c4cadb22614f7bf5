import type { Trigger } from '../loop/runs.ts'
import type { JobRequest } from './queue.ts'

/** A pass over a source; several that wait become one. */
export const reconcileRequest = (source: string, trigger: Trigger): JobRequest => ({
  ...{ queue: 'reconcile', key: source, singleton: source, payload: { source, trigger } },
})

/** A look at a pull request; pull requests are looked at side by side, each of them once at a time. */
export function previewRequest(source: string, number: number): JobRequest {
  const name = `${source}:${number}`
  return { queue: 'preview', key: name, singleton: name, payload: { source, number } }
}
