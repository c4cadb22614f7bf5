import { status } from '@grpc/grpc-js'
import { type Diagnostic, DiagnosticsError, EngineError, type ErrorCode, errorCatalogue } from '../../engine/index.ts'
import { sentenceOf } from '../ports.ts'

/** An error as gRPC answers it. The code has to be a number: another one loses the message. */
export interface Failure {
  readonly code: status
  readonly message: string
  /** Where in our code a bug is; nothing of its message. Only for those who asked for debug logs. */
  readonly trace?: string
}

/**
 * Any error as an answer: all of its diagnostics with place and remedy. What is no `EngineError` is a bug, and its
 * message may hold anything: it is not passed on.
 */
export function failureOf(error: unknown): Failure {
  if (error instanceof EngineError)
    return { code: codeOf(error.code), message: fitting(sentenceOf(error.toDiagnostic())) }
  if (error instanceof DiagnosticsError) return several(error.diagnostics)
  const { name, code, frames } = traits(error)
  return {
    code: status.INTERNAL,
    message: `a bug in the Trustform provider stopped this: ${name}${code === undefined ? '' : ` ${code}`}\n  remedy: report it with the output of the same command and --debug`,
    trace: frames,
  }
}

function several(diagnostics: readonly Diagnostic[]): Failure {
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  return {
    code: codeOf(errors[0]?.code ?? 'internal'),
    message: fitting((errors.length > 0 ? errors : diagnostics).map(sentenceOf).join('\n')),
  }
}

/**
 * A message is a header of HTTP/2, of which Node sends 64 KiB at most; a character takes up to nine bytes there, as
 * UTF-8 in percent encoding, which half of a surrogate pair does not have.
 */
function fitting(message: string): string {
  const text = message.toWellFormed()
  return text.length > 6000 ? `${text.slice(0, 6000)}…`.toWellFormed() : text
}

const byHttpStatus: Readonly<Record<number, status>> = {
  400: status.INVALID_ARGUMENT,
  401: status.UNAUTHENTICATED,
  403: status.PERMISSION_DENIED,
  404: status.NOT_FOUND,
  409: status.FAILED_PRECONDITION,
  413: status.INVALID_ARGUMENT,
  422: status.INVALID_ARGUMENT,
  429: status.RESOURCE_EXHAUSTED,
  499: status.CANCELLED,
  507: status.RESOURCE_EXHAUSTED,
}

/**
 * INTERNAL, UNKNOWN and DATA_LOSS tell the engine that nobody knows what became of the resource (plugin.go,
 * `resourceStateAndError`): only a bug says so. Trouble of a server or of the state is ABORTED, not UNAVAILABLE, by
 * which the engine means this process.
 */
function codeOf(code: ErrorCode): status {
  if (code === 'internal') return status.INTERNAL
  if (code === 'backend_timeout') return status.DEADLINE_EXCEEDED
  return byHttpStatus[errorCatalogue[code].status] ?? status.ABORTED
}

function traits(error: unknown): { name: string; code: string | undefined; frames: string } {
  if (!(error instanceof Error)) return { name: typeof error, code: undefined, frames: '' }
  const { code } = error as NodeJS.ErrnoException // absent where it is none of Node's
  const frames = (error.stack ?? '').split('\n').filter(line => /^\s+at /.test(line))
  return { name: error.name, code: typeof code === 'string' ? code : undefined, frames: frames.join('\n') }
}
