import { EngineError } from '../core/errors.ts'

/**
 * Everything that an API key can be allowed, with the words in which people are told. A scope exists once something
 * checks it; names are a contract.
 */
export const scopes = {
  'sources:read': 'see sources and their conditions',
  'sources:write': 'add, change, suspend, remove sources and ask for passes over them',
  'plans:read': 'see plans',
  'plans:approve': 'approve and discard plans',
  'runs:read': 'see runs and their logs',
  'events:read': 'see events and follow them',
  'audit:read': 'see the audit log and verify it',
  'apikeys:read': 'see API keys, never their values',
  'apikeys:write': 'make and revoke API keys',
  'users:read': 'see who holds API keys',
  'status:read': 'see the status page and metrics',
  'pki:admin': 'change certificate authorities, roles, accounts and providers',
  'pki:issue': 'issue, sign, renew and revoke certificates',
  'zones:read': 'see the zones that DNS providers offer',
  'records:read': 'see DNS records',
  'records:write': 'write and remove DNS records',
} as const satisfies Readonly<Record<string, string>>

export type Scope = keyof typeof scopes

export function isScope(text: string): text is Scope {
  return Object.hasOwn(scopes, text)
}

/** The scopes as asked for, each once. Throws `schema_violation` that names the unknown ones and lists the known. */
export function parseScopes(asked: readonly string[]): Scope[] {
  const known = Object.keys(scopes).join(', ')
  const unknown = asked.filter(text => !isScope(text))
  if (unknown.length > 0) {
    const names = unknown.map(text => JSON.stringify(text.slice(0, 64))).join(', ')
    throw new EngineError('schema_violation', `unknown ${unknown.length === 1 ? 'scope' : 'scopes'} ${names}`, {
      remedy: `use some of: ${known}`,
      details: { unknown: unknown.map(text => text.slice(0, 64)), known: Object.keys(scopes) },
    })
  }
  if (asked.length === 0) {
    throw new EngineError('schema_violation', 'a key without scopes may do nothing', {
      remedy: `use some of: ${known}`,
    })
  }
  return [...new Set(asked.filter(isScope))]
}
