import type { JsonObject } from '../core/json.ts'
import type { LogQuery } from '../state/records.ts'
import type { Mutation } from '../state/store.ts'

/**
 * What is audited beside the changes of resources (`resourceAction`), with the words in which people are told. An
 * action's name is a contract: queries filter by it.
 */
export const auditActions = {
  acme_challenge_complete: 'a name was proven to a CA',
  dns_record_create: 'a record was written at a DNS provider',
  dns_record_delete: 'a record was removed at a DNS provider',
  dns_provider_verify: "a DNS provider's credentials were tried",
  certificate_revoke: 'a certificate was revoked',
  api_key_create: 'an API key was made',
  api_key_revoke: 'an API key was revoked',
  source_create: 'a source was added',
  source_update: 'a source was changed',
  source_delete: 'a source was removed',
  source_suspend: 'a source was suspended',
  source_resume: 'a source was resumed',
  source_reconcile: 'a pass over a source was asked for',
  plan_approve: 'a plan was approved',
  plan_discard: 'a plan was discarded',
  state_move: 'a recorded object was renamed',
  state_forget: 'a recorded object was forgotten',
  state_rollback: 'the recorded state was brought back to an earlier serial',
  state_import: 'an object was taken back under management',
  state_unlock: 'the lock of another run was ended',
  state_rotate_key: 'everything sealed was sealed anew',
} as const satisfies Readonly<Record<string, string>>

export type AuditAction = keyof typeof auditActions | ResourceAction

/** `dns_provider_create`, `certificate_issue`: the kind in snake case and what was done. */
export type ResourceAction = `${string}_${'create' | 'update' | 'replace' | 'delete' | 'issue' | 'renew' | 'reissue'}`

/** The name under which a change of a resource is audited; a certificate is not created but issued. */
export function resourceAction(kind: string, action: string): ResourceAction {
  const noun = kind.replaceAll(/(?<=[a-z0-9])[A-Z]/g, letter => `_${letter}`).toLowerCase()
  const verb = kind === 'Certificate' && action === 'create' ? 'issue' : action
  return `${noun}_${verb}` as ResourceAction // a plan's actions are these verbs
}

/** What is said of anything that goes into a log. */
export interface Said {
  /** ISO instant. */
  readonly at: string
  /** Who did it: `cli`, `git:<source>`, `key_…`. */
  readonly actor: string
  /** What it is about: an address, an id. */
  readonly subject: string
  /** Never a secret. */
  readonly data?: JsonObject
}

/** The mutation that audits an action, for the very commit that does it. */
export function audited(action: AuditAction, { at, actor, subject, data = {} }: Said): Mutation {
  return { type: 'append-log', entry: { log: 'audit', at, type: action, actor, subject, data } }
}

/** Which audit entries are asked for; `action` is their type. */
export interface AuditQuery extends Omit<LogQuery, 'log' | 'type'> {
  readonly action?: string
}
