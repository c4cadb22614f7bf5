import type { CertificateAuthoritySpec } from '../../../schemas/generated/types.ts'
import { parseDuration } from '../../core/duration.ts'
import type { RecordedSubject, Verdict, World } from '../driver.ts'
import { specOf } from '../spec.ts'

/** Why an authority needs a new certificate over its key, or a new key; the first reason wins. */
export function decideAuthority(subject: RecordedSubject, world: World): Verdict | undefined {
  return keyIsLost(subject) ?? wasRevoked(subject) ?? parentIsReplaced(subject, world) ?? renewalIsDue(subject, world)
}

/** After a rollback to before its key was destroyed. */
function keyIsLost({ recorded }: RecordedSubject): Verdict | undefined {
  if (recorded.status.keyId !== null) return undefined
  return { action: 'replace', reason: 'drift', because: 'its key was destroyed' }
}

function wasRevoked({ recorded }: RecordedSubject): Verdict | undefined {
  const { revokedAt } = recorded.status
  if (typeof revokedAt !== 'string') return undefined
  return { action: 'reissue', reason: 'drift', because: `was revoked at ${revokedAt}` }
}

/** A parent with another key did not sign this certificate; the key below it can stay. */
function parentIsReplaced(subject: RecordedSubject, world: World): Verdict | undefined {
  const parent = world.find('CertificateAuthority', specOf<CertificateAuthoritySpec>(subject).parent)
  if (!parent) return undefined
  const isNew = parent.planned?.action === 'replace' || parent.planned?.action === 'create'
  if (!isNew && subject.recorded.status.issuerId === parent.recorded?.id) return undefined
  return { action: 'reissue', reason: 'dependency', because: `its parent ${parent.name} is another one now` }
}

function renewalIsDue(subject: RecordedSubject, { now }: World): Verdict | undefined {
  const due = authorityRenewalTime(subject)
  if (!due || now < due) return undefined
  return { action: 'renew', reason: 'renewal', because: `due since ${due.toISOString()}` }
}

/**
 * The last third of the lifetime, however long it is: what an authority signs must end before it does, so it has to
 * be renewed long before its own end.
 */
export function authorityRenewalTime({ recorded, spec }: Pick<RecordedSubject, 'recorded' | 'spec'>): Date | undefined {
  const { notBefore, notAfter } = recorded.status
  if (typeof notBefore !== 'string' || typeof notAfter !== 'string') return undefined
  const [start, end] = [Date.parse(notBefore), Date.parse(notAfter)]
  const { renewBefore } = specOf<CertificateAuthoritySpec>({ spec })
  const before = renewBefore === undefined ? (end - start) / 3 : parseDuration(renewBefore) * 1000
  return new Date(end - before)
}
