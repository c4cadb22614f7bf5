import {
  type Address,
  type Diagnostic,
  formatDiagnostics,
  type Lease,
  type PlanDocument,
  type PreflightFinding,
  type RunResult,
  visible,
} from '../index.ts'
import type { Context } from './context.ts'
import { exit } from './io.ts'
import { diagnosticsOf, stackOf, withAddress } from './report.ts'

interface Running {
  readonly operation: string
  readonly json: boolean
}

/** A plan that may not run as it stands was shown; nothing is run. */
export function refuse({ io }: Context, { json, operation }: Running, document: PlanDocument): number {
  if (json) {
    const failed = [
      ...document.preflight.filter(({ level }) => level === 'error').map(diagnosticOf),
      ...document.changes.flatMap(({ address, blocked }) =>
        blocked ? [{ severity: 'error' as const, address, ...blocked }] : [],
      ),
    ]
    const answer = { summary: document.summary, done: [], failed, skipped: [], interrupted: false }
    io.stdout.write(`${JSON.stringify(answer, null, 2)}\n`)
  } else io.stderr.write(`nothing was changed: ${operation} is blocked by what is shown above\n`)
  return exit.blocked
}

function diagnosticOf({ address, code, message, remedy, pointer }: PreflightFinding): Diagnostic {
  return {
    severity: 'error',
    code,
    message,
    remedy,
    address,
    ...(pointer !== undefined && { details: { pointer } }),
  }
}

/** Failures as diagnostics, then one line that says how it ended. */
export async function conclude(
  { io, color }: Context,
  { json, operation }: Running,
  { summary }: PlanDocument,
  result: RunResult,
): Promise<number> {
  const { done, skipped, interrupted } = result
  const failures = result.failed.map(({ address, error }) => failureOf(address, error))
  const failed = failures.flatMap(({ diagnostics }) => diagnostics)
  for (const { bug } of failures) if (bug !== undefined) io.stderr.write(`${bug}\n`)
  if (failed.length > 0) {
    io.stderr.write(`\n${await formatDiagnostics(failed.map(withAddress), 'text', { color: color.stderr })}\n`)
  }
  if (json) {
    io.stdout.write(`${JSON.stringify({ summary, done, failed, skipped, interrupted }, null, 2)}\n`)
  } else {
    const counts = [
      `${done.length} done`,
      ...(result.failed.length > 0 ? [`${result.failed.length} failed`] : []),
      ...(skipped.length > 0 ? [`${skipped.length} skipped`] : []),
      ...(interrupted ? ['interrupted; run it again to go on'] : []),
    ]
    const nothing = done.length + result.failed.length + skipped.length === 0 && !interrupted
    const word = `${operation.charAt(0).toUpperCase()}${operation.slice(1)}`
    io.stdout.write(nothing ? `${word}: nothing to do.\n` : `${word}: ${counts.join(', ')}.\n`)
  }
  if (interrupted) return exit.interrupted
  return result.failed.length > 0 ? exit.error : exit.done
}

/** What failed, as people are told; a bug keeps its stack. */
function failureOf(address: Address, error: unknown): { diagnostics: readonly Diagnostic[]; bug?: string } {
  const known = diagnosticsOf(error)
  if (known) return { diagnostics: known.map(each => ({ address, ...each })) }
  const message = `a bug in trustform: ${error instanceof Error ? error.message : String(error)}`
  const remedy = 'report it with the stack printed on stderr'
  return {
    diagnostics: [{ severity: 'error', code: 'internal', message, remedy, address }],
    bug: `${address}: ${stackOf(error)}`,
  }
}

/** Who is waited for. */
export function waitWords({ holder, since }: Lease): string {
  const { operation, pid, host } = holder
  const from = since === undefined ? '' : ` since ${since}`
  return `waiting for the state: locked by \`${visible(operation)}\` (process ${pid} on ${visible(host)}${from})\n`
}

/** What a signal leads to, and what a second one leaves open. */
export function stopWords(which: 'first' | 'second', open: ReadonlySet<Address>): string {
  if (which === 'first') {
    const wait = open.size === 0 ? '' : `finishing ${[...open].join(', ')}; `
    return `\ninterrupted: ${wait}nothing new is started. Press Ctrl-C again to stop at once.\n`
  }
  if (open.size === 0) return 'stopped; nothing was left open\n'
  return `stopped at once; left open: ${[...open].join(', ')}\nThe journal knows how far each got: run the command again to finish or undo it.\n`
}
