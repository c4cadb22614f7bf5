import type { Mutation } from '../state/store.ts'
import type { Said } from './audit.ts'

/** What subscribers can hear of, with the words in which people are told. A type's name is a contract. */
export const eventTypes = {
  'certificate.issued': 'a certificate was issued',
  'certificate.renewed': 'a certificate was renewed',
  'certificate.issue_failed': 'a certificate could not be issued',
  'certificate.renewal_failed': 'a certificate could not be renewed',
  'certificate.expiring': 'a certificate nears its end and its renewal fails',
  'certificate.revoked': 'a certificate was revoked',
  'certificate.deleted': 'a certificate is no longer managed',
  'resource.created': 'an object was made',
  'resource.updated': 'an object was changed',
  'resource.replaced': 'an object was replaced by a new one',
  'resource.renewed': "an authority's own certificate was renewed",
  'resource.deleted': 'an object was removed',
  'resource.failed': 'an object could not be brought to what is declared',
  'plan.created': 'a plan waits for somebody to look at it',
  'plan.approved': 'a plan was approved',
  'plan.discarded': 'a plan was discarded',
  'plan.superseded': 'a newer plan took the place of a plan',
  'plan.applied': 'a plan was applied',
  'run.started': 'a pass over a source began to change things',
  'run.finished': 'a pass over a source ended',
  'source.created': 'a source was added',
  'source.updated': 'a source was changed',
  'source.deleted': 'a source was removed',
  'source.suspended': 'a source was suspended',
  'source.resumed': 'a source was resumed',
  'source.ready': 'a source is what its repository declares',
  'source.waiting': 'a source waits for something outside',
  'source.stalled': 'a source needs somebody to act',
  'source.force_pushed': 'the branch of a source no longer holds what was seen of it',
  'source.drifted': 'something outside is no longer what was applied',
} as const satisfies Readonly<Record<string, string>>

export type EventType = keyof typeof eventTypes

/** The mutation that tells subscribers, for the very commit that makes it true. */
export function told(type: EventType, { at, actor, subject, data = {} }: Said): Mutation {
  return { type: 'append-log', entry: { log: 'event', at, type, actor, subject, data } }
}
