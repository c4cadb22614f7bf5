import { DiagnosticsError, EngineError, type RunEvent } from '../../engine/index.ts'

/** What failed of a run, as one error; a bug among it is thrown as it is. */
export function failuresOf(failed: readonly { readonly address: string; readonly error: unknown }[]): Error {
  const bug = failed.find(({ error }) => !(error instanceof EngineError) && !(error instanceof DiagnosticsError))
  if (bug) return bug.error instanceof Error ? bug.error : new Error(String(bug.error))
  return new DiagnosticsError(
    failed.flatMap(({ address, error }) => {
      const all =
        error instanceof DiagnosticsError
          ? error.diagnostics
          : error instanceof EngineError
            ? [error.toDiagnostic()]
            : []
      return all.map(each => ({ address, ...each }))
    }),
  )
}

/** A line of the run's log. */
export function lineOf(event: RunEvent): string {
  switch (event.type) {
    case 'started':
      return `${event.address}: ${event.action}`
    case 'progress':
      return `${event.address}: ${event.message}`
    case 'done':
      return `${event.address}: ${event.action} done in ${Math.round(event.ms)} ms`
    case 'skipped':
      return `${event.address}: skipped, ${event.because}`
    case 'failed':
    case 'left-open':
      return `${event.address}: ${wordsOf(event.error)}`
  }
}

/** The words of a bug may hold anything. */
function wordsOf(error: unknown): string {
  if (error instanceof EngineError || error instanceof DiagnosticsError) return error.message
  return `internal error: ${error instanceof Error ? error.name : typeof error}`
}
