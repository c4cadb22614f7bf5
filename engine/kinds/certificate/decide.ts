import type { AcmeAccountSpec, CertificateSpec, RoleSpec } from '../../../schemas/generated/types.ts'
import { directoryUrlOf } from '../../acme/providers.ts'
import { chooseRenewalTime, renewalByLifetime } from '../../acme/renewal-info.ts'
import { parseDuration } from '../../core/duration.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import type { RecordedSubject, Subject, Verdict, World } from '../driver.ts'
import { specOf } from '../spec.ts'

type CertificateCheck = (subject: RecordedSubject, world: World) => Verdict | undefined

/** Why a recorded certificate needs a new version although nobody changed its spec; the first reason wins. */
export function decideCertificate(subject: RecordedSubject, world: World): Verdict | undefined {
  for (const check of checks) {
    const verdict = check(subject, world)
    if (verdict) return verdict
  }
  return undefined
}

const checks: readonly CertificateCheck[] = [wasRevoked, issuerIsReplaced, serverIsReplaced, renewalIsDue]

/** Recorded here, or told by the CA that issued it. */
function wasRevoked({ recorded, live }: RecordedSubject): Verdict | undefined {
  const revokedAt = recorded.status.revokedAt ?? live?.facts.revokedAt
  if (typeof revokedAt !== 'string') return undefined
  return { action: 'reissue', reason: 'drift', because: `was revoked at ${revokedAt}` }
}

/** A leaf whose authority has another key does not verify any more. */
function issuerIsReplaced(subject: RecordedSubject, world: World): Verdict | undefined {
  const authority = authorityOf(subject, world)
  if (!authority) return undefined
  const isNew = authority.planned?.action === 'replace' || authority.planned?.action === 'create'
  if (!isNew && subject.recorded.status.issuerId === authority.recorded?.id) return undefined
  return { action: 'reissue', reason: 'dependency', because: `its authority ${authority.name} is another one now` }
}

/** Staging certificates do not become production certificates by themselves. */
function serverIsReplaced(subject: RecordedSubject, world: World): Verdict | undefined {
  const account = world.find('AcmeAccount', specOf<CertificateSpec>(subject).account)
  const issuedBy = subject.recorded.status.directoryUrl
  const server = account && serverOf(specOf<AcmeAccountSpec>(account))
  if (server === undefined || typeof issuedBy !== 'string' || issuedBy === server) return undefined
  return { action: 'reissue', reason: 'dependency', because: `its account ${account?.name} is at another server now` }
}

/** Undefined for a server that does not exist, which is the account's finding. */
function serverOf({ provider, environment, directoryUrl }: AcmeAccountSpec): string | undefined {
  try {
    return directoryUrlOf({ provider, environment, ...(directoryUrl !== undefined && { directoryUrl }) })
  } catch {
    return undefined
  }
}

function renewalIsDue(subject: RecordedSubject, { now }: World): Verdict | undefined {
  const due = renewalTime(subject)
  if (!due || now < due) return undefined
  return { action: 'renew', reason: 'renewal', because: `due since ${due.toISOString()}` }
}

type Lifetime = Pick<RecordedSubject, 'recorded' | 'live' | 'spec'>

/**
 * Undefined for one that is not to be renewed.
 *
 * RFC 9773 §4.2: the CA's suggested window replaces our own guess, so that a CA that must revoke can ask early.
 * `renewBefore` can only make it earlier. Without either, two thirds of the lifetime keeps its meaning when lifetimes
 * shrink.
 */
export function renewalTime({ recorded, live, spec }: Lifetime): Date | undefined {
  const { autoRenew, renewBefore } = specOf<CertificateSpec>({ spec })
  if (!autoRenew) return undefined
  const { notBefore, notAfter, serial, window } = recorded.status
  if (typeof notBefore !== 'string' || typeof notAfter !== 'string' || typeof serial !== 'string') return undefined
  const validity = { notBefore: new Date(notBefore), notAfter: new Date(notAfter) }
  const own = renewalByLifetime(validity, renewBefore === undefined ? undefined : parseDuration(renewBefore))
  const suggested = windowOf(live?.facts.window ?? window)
  if (!suggested) return own
  const chosen = chooseRenewalTime(suggested, serial)
  return renewBefore !== undefined && own < chosen ? own : chosen
}

function windowOf(value: JsonObject[string]): { start: Date; end: Date } | undefined {
  if (!isJsonObject(value) || typeof value.start !== 'string' || typeof value.end !== 'string') return undefined
  return { start: new Date(value.start), end: new Date(value.end) }
}

/** The authority behind the certificate's role. */
export function authorityOf(subject: Pick<Subject, 'spec'>, world: World): Subject | undefined {
  const role = world.find('Role', specOf<CertificateSpec>(subject).role)
  return role && world.find('CertificateAuthority', specOf<RoleSpec>(role).ca)
}
