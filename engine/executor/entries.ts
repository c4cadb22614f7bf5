import type { JsonObject } from '../core/json.ts'
import { type AuditAction, audited } from '../events/audit.ts'
import { changeEntries, failureEntries, revocationEntries } from '../events/resource-entries.ts'
import type { NewCertificate, Revocation } from '../kinds/driver.ts'
import type { Mutation } from '../state/store.ts'
import type { ExecutorPorts, RunSettings } from './ports.ts'

/** Whose run it is, and when: what every entry of the logs says. */
interface Teller {
  readonly ports: Pick<ExecutorPorts, 'clock'>
  readonly settings: Pick<RunSettings, 'actor' | 'cause'>
}

interface Acted {
  readonly address: string
  readonly kind: string
  readonly action: string
}

interface Brought {
  readonly certificates?: readonly NewCertificate[]
  readonly revocations?: readonly Revocation[]
}

const said = ({ ports, settings: { actor, cause } }: Teller) => ({
  actor,
  at: ports.clock.now().toISOString(),
  ...(cause && { cause }),
})

/** What the logs say of an outcome; part of the commit that records it. */
export function outcomeEntries(
  run: Teller,
  { address, kind, action }: Acted,
  id: string,
  brought: Brought,
): Mutation[] {
  return changeEntries({ ...said(run), address, kind, action, id, ...brought })
}

/** What the logs say of the certificates that go with a replaced object. */
export function retirementEntries(run: Teller, address: string, revocations: readonly Revocation[] = []): Mutation[] {
  return revocationEntries({ ...said(run), address, revocations })
}

/** What the logs say of a failure; a commit of its own, because nothing else was recorded. */
export function failedEntries(run: Teller, { address, kind, action }: Acted, error: unknown): Mutation[] {
  return failureEntries({ ...said(run), address, kind, action }, error)
}

/** The audit of something that was done outside on the way. */
export function auditOf(run: Teller, address: string): (action: AuditAction, data: JsonObject) => Mutation {
  return (action, data) => {
    const { cause, ...facts } = said(run)
    return audited(action, { ...facts, subject: address, data: cause ? { ...data, cause } : data })
  }
}
