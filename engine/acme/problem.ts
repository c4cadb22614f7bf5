import type { ErrorCode } from '../core/error-catalogue.ts'
import { EngineError } from '../core/errors.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { type Answer, excerpt, malformed } from './answer.ts'
import { linksOf } from './link-header.ts'
import { parseRetryAfter, retryAfterInWords } from './retry-after.ts'

/** An RFC 7807 problem document with RFC 8555 §6.7's fields. `type` is without the ACME namespace where it has it. */
export interface Problem {
  readonly type: string
  readonly detail: string
  readonly status: number
  readonly identifier?: { readonly type: string; readonly value: string }
  readonly subproblems: readonly Problem[]
}

const namespace = 'urn:ietf:params:acme:error:'

interface ProblemFacts {
  readonly code: ErrorCode
  readonly remedy: string
}

/** RFC 8555 §6.7 and RFC 9773 §7.4 types that ask for something else than the general answer. */
const problemFacts: Readonly<Record<string, ProblemFacts>> = {
  accountDoesNotExist: {
    code: 'acme_account_missing',
    remedy: 'apply the AcmeAccount again: it registers the same key',
  },
  externalAccountRequired: {
    code: 'acme_eab_required',
    remedy: 'set externalAccountBinding.kid and .hmacKey to the values that the CA gives to its customers',
  },
  userActionRequired: {
    code: 'acme_terms_changed',
    remedy: "read and agree to the CA's new terms at the address in the message, then apply again",
  },
  rateLimited: {
    code: 'backend_rate_limited',
    remedy: 'wait until the limit allows it, or use the staging environment',
  },
  caa: { code: 'acme_refused', remedy: "add the CA's name to the CAA records of the domain, or remove them" },
  rejectedIdentifier: { code: 'acme_refused', remedy: 'remove the names that the CA does not issue for' },
  badRevocationReason: {
    code: 'acme_refused',
    remedy: 'use one of the reasons unspecified, keyCompromise, superseded or cessationOfOperation',
  },
  badPublicKey: { code: 'acme_refused', remedy: 'use another key type or size' },
  badSignatureAlgorithm: { code: 'acme_refused', remedy: 'use another keyType for the account: ec with 256 bits' },
  invalidContact: { code: 'acme_refused', remedy: 'correct the e-mail address of the account' },
  unsupportedContact: { code: 'acme_refused', remedy: 'correct the e-mail address of the account' },
  invalidProfile: { code: 'acme_refused', remedy: 'use a profile that the CA offers, or none' },
  unauthorized: { code: 'acme_refused', remedy: 'check that the account is active and owns what it asks for' },
}

const otherwise: ProblemFacts = {
  code: 'acme_refused',
  remedy: "correct what the CA's message names, then apply again",
}

/** Reads a problem object that stands in an answer or in a resource's `error`. */
export function problemOf(object: JsonObject, status: number): Problem {
  const text = (name: string) => (typeof object[name] === 'string' ? object[name] : '')
  const { identifier, subproblems } = object
  const type = text('type')
  return {
    type: type.startsWith(namespace) ? type.slice(namespace.length) : type || 'about:blank',
    detail: text('detail') || text('title'),
    status: typeof object.status === 'number' ? object.status : status,
    ...(isJsonObject(identifier) && {
      identifier: { type: String(identifier.type ?? ''), value: String(identifier.value ?? '') },
    }),
    subproblems: Array.isArray(subproblems)
      ? subproblems.filter(isJsonObject).map(each => problemOf(each, status))
      : [],
  }
}

/** The problem of an answer that is not a success, or undefined where its body is no problem document. */
export function readProblem(answer: Answer): Problem | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(answer.body))
    // Some servers forget the media type, so the shape decides.
    return isJsonObject(value) && (typeof value.type === 'string' || typeof value.detail === 'string')
      ? problemOf(value, answer.status)
      : undefined
  } catch {
    return undefined
  }
}

/** The words of a problem and of all below it: `detail (a.example: …; b.example: …)`. */
export function describeProblem(problem: Problem): string {
  const own = excerpt(problem.detail) || problem.type
  const inner = problem.subproblems.map(
    each => `${each.identifier ? `${each.identifier.value}: ` : ''}${describeProblem(each)}`,
  )
  return inner.length === 0 ? own : `${own} (${inner.join('; ')})`
}

/** The problem as facts for machines, in `EngineError.details.problem`. */
export function problemDetails(problem: Problem): JsonObject {
  return {
    type: problem.type,
    detail: problem.detail,
    status: problem.status,
    ...(problem.identifier && { identifier: { ...problem.identifier } }),
    ...(problem.subproblems.length > 0 && { subproblems: problem.subproblems.map(problemDetails) }),
  }
}

/** The type of the ACME problem behind an error, e.g. `alreadyReplaced`. */
export function problemType(error: unknown): string | undefined {
  if (!(error instanceof EngineError) || !isJsonObject(error.details?.problem)) return undefined
  const { type } = error.details.problem
  return typeof type === 'string' ? type : undefined
}

/** The HTTP status behind an error of this folder. */
export function upstreamStatus(error: unknown): number | undefined {
  const status = error instanceof EngineError ? error.details?.status : undefined
  return typeof status === 'number' ? status : undefined
}

/** The error for an answer that is not a success. */
export function errorOf(answer: Answer, now: Date): EngineError {
  const problem = readProblem(answer)
  const retryAfter = parseRetryAfter(answer.header('retry-after'), now)
  if (answer.status >= 500) return serverFailed(answer, problem, retryAfter)
  if (!problem) {
    if (answer.status === 429) {
      return new EngineError('backend_rate_limited', `${answer.url} answered 429: "${excerpt(answer.body)}"`, {
        ...(retryAfter !== undefined && { retryAfter }),
        remedy: 'wait until the limit allows it',
        details: { url: answer.url, status: 429 },
      })
    }
    const target = answer.header('location')
    const redirect = answer.status >= 300 && answer.status < 400 && target ? ` to ${target}` : ''
    return malformed(answer, `answered ${answer.status}${redirect} without a problem document`)
  }
  const facts = problemFacts[problem.type] ?? otherwise
  // RFC 8555 §7.3.3: the instance or the terms-of-service link is where the person has to go.
  const terms = linksOf(answer.headers('link'), 'terms-of-service', answer.url)[0]
  const where = problem.type === 'userActionRequired' && terms ? `: ${terms}` : ''
  const wait = retryAfter ?? retryAfterInWords(problem.detail, now)
  return new EngineError(facts.code, `the CA refused (${problem.type}): ${describeProblem(problem)}${where}`, {
    remedy: facts.remedy,
    ...(wait !== undefined && { retryAfter: wait }),
    details: { url: answer.url, status: answer.status, problem: problemDetails(problem) },
  })
}

function serverFailed(answer: Answer, problem: Problem | undefined, retryAfter: number | undefined): EngineError {
  const words = problem ? describeProblem(problem) : excerpt(answer.body)
  return new EngineError('acme_unreachable', `${answer.url} answered ${answer.status}${words ? `: "${words}"` : ''}`, {
    remedy: "try again later; the CA's status page may say more",
    ...(retryAfter !== undefined && { retryAfter }),
    details: { url: answer.url, status: answer.status, ...(problem && { problem: problemDetails(problem) }) },
  })
}
