import { type Diagnostic, DiagnosticsError, EngineError, formatDiagnostics } from '../index.ts'
import { exit, type Io } from './io.ts'

/** Codes that mean: not as it stands, but an approval or an edit makes it possible. */
const blocking: ReadonlySet<string> = new Set(['plan_blocked', 'preflight_failed'])

/** Prints whatever went wrong on stderr and answers the exit code for it. Undefined: it was told already. */
export async function report(error: unknown, io: Io, color: boolean): Promise<number> {
  if (error === undefined) return exit.error
  const diagnostics = diagnosticsOf(error)
  if (diagnostics) {
    io.stderr.write(await formatDiagnostics(diagnostics.map(withAddress), 'text', { color }))
    const codes = diagnostics.filter(({ severity }) => severity === 'error').map(({ code }) => code)
    if (codes.includes('interrupted')) return exit.interrupted
    return codes.length > 0 && codes.every(code => blocking.has(code)) ? exit.blocked : exit.error
  }
  io.stderr.write(`error: this is a bug in trustform\n${stackOf(error)}\n`)
  io.stderr.write('hint:  please report it with the lines above; look them over for names that are not public\n')
  return exit.error
}

/** Every failure as people are told of it; undefined when one of them is a bug. */
export function diagnosticsOf(error: unknown): readonly Diagnostic[] | undefined {
  if (error instanceof EngineError) return [error.toDiagnostic()]
  if (error instanceof DiagnosticsError) return error.diagnostics
  if (error instanceof AggregateError) {
    const all = error.errors.map(diagnosticsOf)
    return all.every(each => each !== undefined) ? all.flat() : undefined
  }
  return undefined
}

/** Says what it is about where the sentence does not. */
export function withAddress(diagnostic: Diagnostic): Diagnostic {
  const { address, message } = diagnostic
  if (address === undefined) return diagnostic
  // A configuration's errors call it `Certificate "web"`.
  const called = address.replace(/\/(.*)$/s, ' "$1"')
  if (message.includes(address) || message.includes(called)) return diagnostic
  return { ...diagnostic, message: `${address}: ${message}` }
}

/** A bug's stack with those of its causes. */
export function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `\ncaused by: ${stackOf(error.cause)}`
  return `${error.stack ?? error.message}${cause}`
}
