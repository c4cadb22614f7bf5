import type { CertificateSpec, RoleSpec } from '../../../schemas/generated/types.ts'
import { formatDuration, parseDuration } from '../../core/duration.ts'
import { nameConstraintViolations } from '../../x509/name-constraints.ts'
import { policyViolations, type RolePolicy } from '../../x509/role-policy.ts'
import { authorityChain, constraintsOf, plannedEnd, secondsAhead } from '../authority-chain.ts'
import type { Finding, Subject, World } from '../driver.ts'
import { authorityOf } from './decide.ts'
import { type CertificateRequest, ttlOf } from './request.ts'

interface RoleQuestion {
  readonly subject: Subject
  readonly spec: CertificateSpec
  readonly request: CertificateRequest
  readonly role: RoleSpec
}

/** Holds a certificate against its role and against every authority above it. */
export function checkAgainstRole(question: RoleQuestion, world: World): readonly Finding[] {
  const chain = authorityChain(authorityOf(question.subject, world), world)
  return [
    ...roleAllows(question),
    ...endsBeforeItsIssuers(question, chain, world.now),
    ...staysInsideConstraints(question, chain),
    ...renewsInsideItsLifetime(question),
  ]
}

/** A role's rule with durations in seconds. */
export function policyOf(role: RoleSpec): RolePolicy {
  const { keyBits, ...rest } = role
  return { ...rest, maxTtl: parseDuration(role.maxTtl), ...(keyBits !== undefined && { keyBits }) }
}

function roleAllows({ spec, request, role }: RoleQuestion): readonly Finding[] {
  const { commonName, names, key } = request
  const asked = { names, key, ttl: ttlOf(spec, role), ...(commonName !== undefined && { commonName }) }
  return policyViolations(policyOf(role), asked).map(violation => ({
    check: 'role-policy',
    level: 'error',
    code: 'role_violation',
    message: violation.message,
    remedy: violation.remedy,
    pointer: fieldOf(spec, violation.subject),
  }))
}

/** Validity is nested in every issuer up the chain (RFC 5280 §6.1 checks each certificate at the same instant). */
function endsBeforeItsIssuers(
  { subject, spec, role }: RoleQuestion,
  chain: readonly Subject[],
  now: Date,
): readonly Finding[] {
  const ttl = ttlOf(spec, role)
  const needed = secondsAhead(subject, ttl, now)
  for (const authority of chain) {
    const left = Math.floor((plannedEnd(authority, now).getTime() - now.getTime()) / 1000)
    if (left >= needed && left > 0) continue
    const remedy = `renew ${authority.address} first${left > 0 ? `, or lower ttl to at most ${hours(left)}` : ''}`
    return [
      left <= 0
        ? { check: 'validity', level: 'error', code: 'ca_expired', message: `${authority.address} has expired`, remedy }
        : {
            check: 'validity',
            level: 'error',
            code: 'validity_exceeds_issuer',
            message: `the lifetime ${formatDuration(ttl)} goes beyond the end of ${authority.address}`,
            remedy,
            pointer: '/spec/ttl',
          },
    ]
  }
  return []
}

const hours = (seconds: number) => formatDuration(Math.max(60, seconds - (seconds % (seconds > 86_400 ? 3600 : 60))))

function staysInsideConstraints({ spec, request }: RoleQuestion, chain: readonly Subject[]): readonly Finding[] {
  const constraints = constraintsOf(chain)
  if (constraints.length === 0) return []
  return nameConstraintViolations(request.names, constraints).map(({ name, because }) => ({
    check: 'name-constraints',
    level: 'error',
    code: 'name_constraint_violation',
    message: `the name constraints above it forbid "${name}": ${because}`,
    remedy: 'use a name that they permit, or an authority without them',
    pointer: fieldOf(spec, name),
  }))
}

/** A certificate that is due the moment it is issued would be renewed without end. */
function renewsInsideItsLifetime({ spec, role }: RoleQuestion): readonly Finding[] {
  if (spec.renewBefore === undefined || parseDuration(spec.renewBefore) < ttlOf(spec, role)) return []
  return [
    {
      check: 'renewal',
      level: 'error',
      code: 'schema_violation',
      message: `renewBefore ${spec.renewBefore} is not shorter than the lifetime ${formatDuration(ttlOf(spec, role))}`,
      remedy: 'lower renewBefore; a third of the lifetime is usual',
      pointer: '/spec/renewBefore',
    },
  ]
}

/** The field of the spec that holds a value. */
function fieldOf(spec: CertificateSpec, value: string): string {
  const lists = { domains: spec.domains, ipAddresses: spec.ipAddresses, emails: spec.emails, uris: spec.uris }
  for (const [field, names] of Object.entries(lists)) {
    const index = names?.indexOf(value) ?? -1
    if (index >= 0) return `/spec/${field}/${index}`
  }
  return spec.commonName === value ? '/spec/commonName' : '/spec'
}
