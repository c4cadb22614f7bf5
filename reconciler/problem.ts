import { STATUS_CODES } from 'node:http'
import { type Diagnostic, DiagnosticsError, EngineError, type ErrorCode, errorCatalogue } from '../engine/index.ts'

/** RFC 9457 problem document, with what helps a program or a person to go on. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: ErrorCode
  readonly detail: string
  readonly remedy?: string
  /** Seconds. */
  readonly retry_after?: number
  readonly request_id?: string
  /** Each failure by itself, where there are several or where it has a place. */
  readonly errors?: readonly ProblemPart[]
}

export interface ProblemPart {
  readonly code: ErrorCode
  readonly detail: string
  readonly remedy?: string
  /** JSON pointer into the request body, or the name of a parameter. */
  readonly pointer?: string
  readonly address?: string
}

export const problemType = 'application/problem+json; charset=utf-8'

/** What fastify and its validators throw, as far as we read it. */
interface HttpError {
  readonly statusCode?: number
  readonly code?: string
  readonly message?: string
  readonly validation?: readonly ValidationIssue[]
  readonly validationContext?: string
}

interface ValidationIssue {
  readonly keyword: string
  readonly instancePath: string
  readonly message?: string
  readonly params: Readonly<Record<string, unknown>>
}

/** Any failure as a problem. A bug is told as one, without its words: they may hold anything. */
export function problemOf(error: unknown): Problem {
  if (error instanceof EngineError) return ofDiagnostic(error.toDiagnostic())
  if (error instanceof DiagnosticsError) return ofDiagnostics(error.diagnostics)
  const { validation, validationContext, statusCode, code } = (error ?? {}) as HttpError // only read, each field checked
  if (validation) return ofValidation(validation, validationContext ?? 'body')
  const known = byFastifyCode[code ?? ''] ?? (statusCode === undefined ? undefined : byStatus[statusCode])
  return problem(...(known ?? ['internal', 'the service failed at this request', 'report it with the request id']))
}

/** A problem by its code. */
export function problem(code: ErrorCode, detail: string, remedy?: string, more: Partial<Problem> = {}): Problem {
  const { status } = errorCatalogue[code]
  return {
    // A name, not an address: what it stands for is in the catalogue at /docs.
    type: `urn:trustform:problem:${code}`,
    title: STATUS_CODES[status] ?? (status === 499 ? 'Interrupted' : 'Error'),
    status,
    code,
    detail,
    ...(remedy !== undefined && { remedy }),
    ...more,
  }
}

const byFastifyCode: Readonly<Record<string, readonly [code: ErrorCode, detail: string, remedy: string]>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: ['malformed', 'the request body is not JSON', 'send one valid JSON document'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['malformed', 'the request body is empty', 'send a JSON document, or no content type'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    'malformed',
    'the request body is not as long as its header says',
    'send it whole',
  ],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'unsupported_media_type',
    'the request body is of a type that this route does not take',
    'send application/json',
  ],
  FST_ERR_CTP_BODY_TOO_LARGE: ['input_too_large', 'the request body is too large', 'send less at once'],
  FST_ERR_BAD_URL: ['malformed', 'the path is not a valid URL', 'percent-encode what is special in it'],
  FST_ERR_MAX_PARAM_LENGTH: ['not_found', 'there is nothing at this path', 'see /docs'],
}

const byStatus: Readonly<Record<number, readonly [code: ErrorCode, detail: string, remedy: string]>> = {
  400: ['malformed', 'the request is malformed', 'correct it'],
  404: ['not_found', 'there is nothing at this path', 'see /docs'],
  413: ['input_too_large', 'the request is too large', 'send less at once'],
  415: [
    'unsupported_media_type',
    'the request body is of a type that this route does not take',
    'send application/json',
  ],
}

function ofDiagnostic({ code, message, remedy, retryAfter, address }: Diagnostic): Problem {
  const part = { code, detail: message, ...(remedy !== undefined && { remedy }) }
  return problem(code, message, remedy, {
    ...(retryAfter !== undefined && { retry_after: Math.ceil(retryAfter) }),
    ...(address !== undefined && { errors: [{ ...part, address }] }),
  })
}

/** The gravest decides the status; all are listed. */
function ofDiagnostics(diagnostics: readonly Diagnostic[]): Problem {
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  const [first] = errors.toSorted((a, b) => errorCatalogue[b.code].status - errorCatalogue[a.code].status)
  if (!first) return problem('internal', 'the service failed at this request', 'report it with the request id')
  const more = errors.length > 1 ? ` and ${errors.length - 1} more` : ''
  const waits = errors.flatMap(({ retryAfter }) => retryAfter ?? [])
  return problem(first.code, `${first.message}${more}`, first.remedy, {
    ...(waits.length > 0 && { retry_after: Math.ceil(Math.max(...waits)) }),
    errors: errors.map(({ code, message, remedy, address, details }) => ({
      code,
      detail: message,
      ...(remedy !== undefined && { remedy }),
      ...(address !== undefined && { address }),
      ...(typeof details?.pointer === 'string' && { pointer: details.pointer }),
    })),
  })
}

/** Values are not repeated: one of them may be a secret that was put in the wrong place. */
function ofValidation(issues: readonly ValidationIssue[], context: string): Problem {
  const errors = issues.slice(0, 50).map(issue => partOf(issue, context))
  const [first] = errors
  const where = context === 'body' ? 'the request body' : `the ${context === 'querystring' ? 'query' : 'path'}`
  const more = errors.length > 1 ? ` and ${errors.length - 1} more` : ''
  const detail = `${where} is not as it should be: ${first?.detail ?? 'see the schema'}${more}`
  // A path whose parameter cannot be anything's name names nothing.
  if (context === 'params') return problem('not_found', 'there is nothing at this path', 'see /docs', { errors })
  return problem('schema_violation', detail, first?.remedy ?? 'see /docs', { errors })
}

function partOf({ keyword, instancePath, message, params }: ValidationIssue, context: string): ProblemPart {
  const inner = params.additionalProperty ?? params.missingProperty
  const path = inner === undefined ? instancePath : `${instancePath}/${String(inner)}`
  const pointer = context === 'body' ? path : path.replace(/^\//, '')
  const field = pointer === '' ? 'it' : pointer
  if (keyword === 'additionalProperties') {
    return { code: 'field_unknown', detail: `${field} is not a known field`, remedy: 'remove it', pointer }
  }
  if (keyword === 'required')
    return { code: 'schema_violation', detail: `${field} is missing`, remedy: 'add it', pointer }
  const allowed = Array.isArray(params.allowedValues) ? `: ${params.allowedValues.join(', ')}` : ''
  const detail = `${field} ${message ?? 'is not valid'}${allowed}`
  return { code: 'schema_violation', detail, remedy: 'correct it; /docs shows the schema', pointer }
}
