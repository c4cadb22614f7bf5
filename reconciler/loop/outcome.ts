import {
  type Diagnostic,
  DiagnosticsError,
  EngineError,
  errorCatalogue,
  type LogFields,
  type Random,
} from '../../engine/index.ts'
import { framesOf } from '../jobs/frames.ts'
import type { Outcome } from '../sources/source.ts'
import { retryAt } from './backoff.ts'

/** How conditions name a failure; anything else is named after its code. */
const reasons: Readonly<Record<string, string>> = {
  git_unreachable: 'FetchFailed',
  git_refused: 'FetchRefused',
  git_hostile: 'RepositoryRefused',
  signature_refused: 'SignatureRefused',
  state_locked: 'Locked',
  plan_blocked: 'Blocked',
  owned_by: 'Conflict',
  preflight_failed: 'PreflightFailed',
  input_empty: 'EmptyConfiguration',
}

/**
 * A failure as an outcome. The error catalogue says whether waiting can help; what needs somebody's edit or approval
 * stalls the source until something changes.
 */
export function outcomeOf(
  error: unknown,
  context: { readonly now: Date; readonly failures: number; readonly random: Random },
): Outcome {
  const { now, failures, random } = context
  const diagnostics = diagnosticsOf(error)
  const [first] = diagnostics
  if (!first) {
    // A bug: told as such, and tried again later rather than never. Its words may hold anything, a secret too.
    const message = `internal error: ${error instanceof Error ? error.name : typeof error}; the log tells where`
    return { type: 'waiting', until: retryAt(now, failures + 1, random), reason: 'InternalError', message }
  }
  // What fails everywhere alike is said once.
  const message = [...new Set(diagnostics.slice(0, 1000).map(sentence))].join('; ').slice(0, 4000)
  const reason = diagnostics.length > 1 && isConfiguration(first) ? 'InvalidConfiguration' : reasonOf(first)
  const waits = diagnostics.some(({ code }) => ['wait', 'at-once'].includes(errorCatalogue[code].retry))
  if (!waits) return { type: 'stalled', reason, message }
  const asked = diagnostics.reduce((longest, { retryAfter = 0 }) => Math.max(longest, retryAfter), 0)
  return { type: 'waiting', until: retryAt(now, failures + 1, random, asked), reason, message }
}

/** What the log tells of a bug, for whoever mends it; undefined for what is none. */
export function bugOf(error: unknown): LogFields | undefined {
  if (error instanceof DiagnosticsError || error instanceof EngineError) return undefined
  return { error: error instanceof Error ? error.name : typeof error, stack: framesOf(error) }
}

function diagnosticsOf(error: unknown): readonly Diagnostic[] {
  if (error instanceof DiagnosticsError) return error.diagnostics.filter(({ severity }) => severity === 'error')
  return error instanceof EngineError ? [error.toDiagnostic()] : []
}

function sentence({ message, position, address, remedy }: Diagnostic): string {
  const where = position ? `${position.file}:${position.line}:${position.column}: ` : address ? `${address}: ` : ''
  return `${where}${message}${remedy === undefined ? '' : ` (${remedy})`}`
}

const isConfiguration = ({ position }: Diagnostic) => position !== undefined

function reasonOf(diagnostic: Diagnostic): string {
  const named = reasons[diagnostic.code]
  if (named) return named
  if (isConfiguration(diagnostic)) return 'InvalidConfiguration'
  return diagnostic.code.replace(/(?:^|_)([a-z])/g, (_all, letter: string) => letter.toUpperCase())
}
