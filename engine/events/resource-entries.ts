import { EngineError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import type { Mutation } from '../state/store.ts'
import { audited, resourceAction, type Said } from './audit.ts'
import { type EventType, told } from './events.ts'

/** An operation on a resource, as the executor knows it when it ends. */
export interface ResourceChange {
  readonly address: string
  readonly kind: string
  readonly id: string
  /** create, update, replace, renew, reissue or delete. */
  readonly action: string
  readonly actor: string
  /** ISO instant. */
  readonly at: string
  /** What made it happen: a commit, a run; goes into every entry. */
  readonly cause?: JsonObject
  readonly certificates?: readonly { readonly id: string; readonly serial: string; readonly notAfter: string }[]
  readonly revocations?: readonly { readonly certificateId: string; readonly reason: string }[]
}

const certificateEvents: Readonly<Record<string, EventType>> = {
  create: 'certificate.issued',
  replace: 'certificate.issued',
  reissue: 'certificate.issued',
  renew: 'certificate.renewed',
  delete: 'certificate.deleted',
}
const resourceEvents: Readonly<Record<string, EventType>> = {
  create: 'resource.created',
  update: 'resource.updated',
  replace: 'resource.replaced',
  reissue: 'resource.renewed',
  renew: 'resource.renewed',
  delete: 'resource.deleted',
}

/** Audit and event entries of a change that is recorded by the same commit. */
export function changeEntries(change: ResourceChange): Mutation[] {
  const { kind, action, id, certificates = [] } = change
  const [newest] = certificates
  const said = saidOf(change, {
    id,
    ...(newest && { certificate: newest.id, serial: newest.serial, notAfter: newest.notAfter }),
  })
  const type = (kind === 'Certificate' ? certificateEvents[action] : undefined) ?? resourceEvents[action]
  return [
    audited(resourceAction(kind, action), said),
    ...(type === undefined ? [] : [told(type, { ...said, data: { kind, ...said.data } })]),
    ...revocationEntries(change),
  ]
}

/** Entries of the certificates that were revoked on the way. */
export function revocationEntries(change: Omit<ResourceChange, 'id' | 'kind' | 'action'>): Mutation[] {
  return (change.revocations ?? []).flatMap(({ certificateId, reason }) => {
    const revoked = saidOf(change, { certificate: certificateId, reason })
    return [audited('certificate_revoke', revoked), told('certificate.revoked', revoked)]
  })
}

/** The event of an operation that failed; nothing was recorded, so nothing is audited. */
export function failureEntries(change: Omit<ResourceChange, 'id'>, error: unknown): Mutation[] {
  const { kind, action } = change
  const type: EventType =
    kind !== 'Certificate' || action === 'delete' || action === 'update'
      ? 'resource.failed'
      : action === 'renew'
        ? 'certificate.renewal_failed'
        : 'certificate.issue_failed'
  return [told(type, saidOf(change, { kind, action, ...failureOf(error) }))]
}

/** Code and words of a failure. What is no `EngineError` is a bug, and its words may hold anything. */
function failureOf(error: unknown): JsonObject {
  const first = error instanceof AggregateError ? error.errors[0] : error
  if (!(first instanceof EngineError)) return { code: 'internal', message: 'an unexpected error' }
  const { code, message, remedy } = first
  return { code, message, ...(remedy !== undefined && { remedy }) }
}

function saidOf({ at, actor, address, cause }: Omit<ResourceChange, 'id' | 'kind' | 'action'>, data: JsonObject): Said {
  return { at, actor, subject: address, data: cause === undefined ? data : { ...data, cause } }
}
