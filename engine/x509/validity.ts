import { formatDuration } from '../core/duration.ts'
import { EngineError } from '../core/errors.ts'

/** When something is valid; both ends belong to it. */
export interface Validity {
  readonly notBefore: Date
  readonly notAfter: Date
}

/** An issuer's validity, with the name that messages give it. */
export interface IssuerValidity extends Validity {
  readonly subjectText?: string
}

/** Clocks of verifiers run behind by this much without anybody noticing. */
const backdatedSeconds = 60

const second = (date: Date): number => Math.floor(date.getTime() / 1000)
const dateOf = (seconds: number): Date => new Date(seconds * 1000)

/** Length of a validity in seconds; the last second counts (RFC 5280 §4.1.2.5, BR 1.6.1 "Validity Period"). */
export function lifetime({ notBefore, notAfter }: Validity): number {
  return second(notAfter) - second(notBefore) + 1
}

/**
 * The validity of a new certificate of exactly `ttl` seconds, inside every issuer's. `'backdated'` starts it a minute
 * ago (a tenth of a short ttl), never before an issuer began; backdating moves the end too, so that the certificate
 * never lives longer than asked. For a root, `issuers` is empty.
 *
 * Throws `ca_expired`, `validity_exceeds_issuer`, `role_violation` (above `maxTtl` seconds) or `schema_violation`.
 */
export function nestValidity(
  issuers: readonly IssuerValidity[],
  notBefore: Date | 'backdated',
  ttl: number,
  now: Date,
  maxTtl?: number,
): Validity {
  if (!Number.isInteger(ttl) || ttl < 1) {
    throw new EngineError('schema_violation', `a certificate cannot be valid for ${ttl} seconds`, {
      remedy: 'give a lifetime of at least one second, for example 90d',
    })
  }
  for (const issuer of issuers) refuseExpired(issuer, now)
  const latestStart = Math.max(...issuers.map(issuer => second(issuer.notBefore)), Number.NEGATIVE_INFINITY)
  const start =
    notBefore === 'backdated'
      ? Math.max(second(now) - Math.min(backdatedSeconds, Math.floor(ttl / 10)), latestStart)
      : second(notBefore)
  const validity = { notBefore: dateOf(start), notAfter: dateOf(start + ttl - 1) }
  assertNested(issuers, validity, maxTtl)
  return validity
}

function refuseExpired(issuer: IssuerValidity, now: Date): void {
  if (second(issuer.notAfter) >= second(now)) return
  throw new EngineError('ca_expired', `the CA ${nameOf(issuer)} expired at ${issuer.notAfter.toISOString()}`, {
    remedy: 'renew the CA first, then issue again',
  })
}

const nameOf = (issuer: IssuerValidity): string => issuer.subjectText ?? 'above it'

/**
 * Checks a validity against every issuer up the chain and the longest lifetime allowed. Throws
 * `validity_exceeds_issuer` or `role_violation`.
 */
export function assertNested(issuers: readonly IssuerValidity[], validity: Validity, maxTtl?: number): void {
  const { notBefore, notAfter } = validity
  const seconds = lifetime(validity)
  if (seconds < 1) {
    throw new EngineError('schema_violation', 'a certificate cannot end before it begins', {
      remedy: 'give a notAfter that is later than notBefore',
    })
  }
  if (maxTtl !== undefined && seconds > maxTtl) {
    throw new EngineError(
      'role_violation',
      `a lifetime of ${formatDuration(seconds)} is longer than the ${formatDuration(maxTtl)} allowed`,
      { remedy: `ask for at most ${formatDuration(maxTtl)}` },
    )
  }
  for (const issuer of issuers) {
    if (second(notBefore) < second(issuer.notBefore)) {
      throw new EngineError(
        'validity_exceeds_issuer',
        `the certificate would begin at ${notBefore.toISOString()}, before its issuer ${nameOf(issuer)} does (${issuer.notBefore.toISOString()})`,
        { remedy: 'let it begin later, or issue it from another CA' },
      )
    }
    if (second(notAfter) > second(issuer.notAfter)) {
      const room = second(issuer.notAfter) - second(notBefore) + 1
      throw new EngineError(
        'validity_exceeds_issuer',
        `the certificate would be valid until ${notAfter.toISOString()}, but its issuer ${nameOf(issuer)} only until ${issuer.notAfter.toISOString()}`,
        {
          remedy:
            room > 0
              ? `ask for at most ${formatDuration(wholeUnits(room))}, or renew the CA first`
              : 'renew the CA first',
        },
      )
    }
  }
}

/** Rounded down to what a person would write. */
function wholeUnits(seconds: number): number {
  const unit = [86_400, 3600, 60].find(each => seconds >= each) ?? 1
  return Math.floor(seconds / unit) * unit
}
