import { EngineError } from '../core/errors.ts'
import { newId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { Clock, Random } from '../core/ports.ts'
import type { Secret } from '../core/secret.ts'
import { audited } from '../events/audit.ts'
import type { StoredRecord } from '../state/records.ts'
import type { Mutation, StateStore } from '../state/store.ts'
import { isToken, newToken, sameHash, tokenHash, tokenPrefix } from './key-token.ts'
import { isScope, parseScopes, type Scope } from './scopes.ts'

const collection = 'api_key'
/** Milliseconds within which a use is not written again. */
const useIsNews = 60_000

/** An API key as it may be shown: never its value. */
export interface ApiKey {
  /** `key_…`; the actor of what it does. */
  readonly id: string
  readonly tenant: string
  readonly userId: string
  readonly name: string
  /** Its first characters, to recognise it by. */
  readonly prefix: string
  readonly scopes: readonly Scope[]
  /** ISO instants. */
  readonly createdAt: string
  readonly expiresAt?: string
  readonly lastUsedAt?: string
  readonly revokedAt?: string
  /** For paging. */
  readonly sequence: number
}

export interface ApiKeyDraft {
  readonly userId: string
  /** 1 to 100 characters, for people. */
  readonly name: string
  /** Checked against the known ones. */
  readonly scopes: readonly string[]
  readonly expiresAt?: Date
}

/** Who makes or revokes a key. */
export interface Granter {
  /** For the audit log: `cli`, `key_…`. */
  readonly actor: string
  /** What it holds, and so may grant; `all` for the operator of the machine. */
  readonly scopes: ReadonlySet<string> | 'all'
}

export interface ApiKeyFilter {
  readonly userId?: string
  /** Also revoked ones. */
  readonly revoked?: boolean
  /** Keys after this sequence; oldest first. */
  readonly after?: number
  readonly limit?: number
}

/** The API keys of every tenant. */
export interface ApiKeys {
  /** The value is answered here and never again. Errors: `schema_violation`, `forbidden`. */
  create(tenant: string, draft: ApiKeyDraft, by: Granter): Promise<{ readonly key: ApiKey; readonly token: Secret }>
  /** Undefined for an unknown, expired or revoked token. Remembers the use, at most once a minute. */
  authenticate(token: string): Promise<ApiKey | undefined>
  /** Whether a key still opens what it opened. */
  isActive(tenant: string, id: string): Promise<boolean>
  list(tenant: string, filter?: ApiKeyFilter): Promise<readonly ApiKey[]>
  get(tenant: string, id: string): Promise<ApiKey | undefined>
  /** Durable when it resolves, and from then on the key opens nothing. False where there is none to revoke. */
  revoke(tenant: string, id: string, by: Pick<Granter, 'actor'>): Promise<boolean>
}

export interface ApiKeyPorts {
  readonly store: StateStore
  readonly clock: Clock
  readonly random: Random
}

export function createApiKeys({ store, clock, random }: ApiKeyPorts): ApiKeys {
  async function find(tenant: string, id: string): Promise<StoredRecord | undefined> {
    return store.record(tenant, collection, id)
  }

  async function noteUse(tenant: string, record: StoredRecord, now: Date): Promise<void> {
    const last = Date.parse(textOf(record, 'lastUsedAt') ?? '')
    if (now.getTime() - last < useIsNews) return
    const at = now.toISOString()
    try {
      // Compare-and-swap: a use must never write back a key that is being revoked.
      await store.commit(tenant, {
        mutations: [put(record, { ...record.data, lastUsedAt: at })],
        actor: record.id,
        at,
      })
    } catch {
      // Not knowing when a key was last used is no reason to lock its holder out (disk full, or another was first).
    }
  }

  return {
    async create(tenant, draft, by) {
      const granted = parseScopes(draft.scopes)
      refuseBadDraft(draft, clock.now())
      refuseUnheld(granted, by)
      const token = newToken(random)
      const id = newId('key', random)
      const at = clock.now().toISOString()
      const data: JsonObject = {
        userId: draft.userId,
        name: draft.name,
        prefix: tokenPrefix(token),
        scopes: granted,
        ...(draft.expiresAt && { expiresAt: draft.expiresAt.toISOString() }),
      }
      const record = { collection, id, name: tokenHash(token.reveal()), parent: draft.userId, data }
      await store.commit(tenant, {
        mutations: [
          { type: 'put-record', record, expectedVersion: null },
          audited('api_key_create', {
            at,
            actor: by.actor,
            subject: id,
            data: { name: draft.name, user: draft.userId, scopes: granted },
          }),
        ],
        actor: by.actor,
        at,
      })
      const made = await find(tenant, id)
      if (!made) throw new Error(`the API key ${id} vanished after it was made`)
      return { key: keyOf(tenant, made), token }
    },

    async authenticate(token) {
      // What cannot be a key is looked up all the same, so that it takes as long.
      const hash = tokenHash(isToken(token) ? token : '')
      const record = await store.recordNamed(undefined, collection, hash)
      const now = clock.now()
      if (!record || !sameHash(record.name ?? '', hash) || !isOpen(record, now)) return undefined
      await noteUse(record.tenant, record, now)
      return keyOf(record.tenant, record)
    },

    async isActive(tenant, id) {
      const record = await find(tenant, id)
      return record !== undefined && isOpen(record, clock.now())
    },

    async list(tenant, { userId, revoked = false, after = 0, limit = Number.MAX_SAFE_INTEGER } = {}) {
      const keys: ApiKey[] = []
      for (let from = after; keys.length < limit; ) {
        const page = await store.records(tenant, {
          collection,
          after: from,
          limit: Math.min(limit, 500),
          ...(userId !== undefined && { parent: userId }),
        })
        keys.push(...page.map(record => keyOf(tenant, record)).filter(key => revoked || key.revokedAt === undefined))
        const last = page.at(-1)
        if (!last) break
        from = last.sequence
      }
      return keys.slice(0, limit)
    },

    async get(tenant, id) {
      const record = await find(tenant, id)
      return record && keyOf(tenant, record)
    },

    async revoke(tenant, id, { actor }) {
      for (;;) {
        const record = await find(tenant, id)
        if (!record || textOf(record, 'revokedAt') !== undefined) return false
        const at = clock.now().toISOString()
        const { name, userId } = keyOf(tenant, record)
        try {
          await store.commit(tenant, {
            mutations: [
              put(record, { ...record.data, revokedAt: at }),
              audited('api_key_revoke', { at, actor, subject: id, data: { name, user: userId } }),
            ],
            actor,
            at,
          })
          return true
        } catch (error) {
          // The key was used in between; what was read is old.
          if (!(error instanceof EngineError) || error.code !== 'state_conflict') throw error
        }
      }
    },
  }
}

function isOpen(record: StoredRecord, now: Date): boolean {
  const expires = textOf(record, 'expiresAt')
  if (textOf(record, 'revokedAt') !== undefined) return false
  return expires === undefined || now.getTime() < Date.parse(expires)
}

function refuseBadDraft({ name, userId, expiresAt }: ApiKeyDraft, now: Date): void {
  if (name.trim() === '' || name.length > 100) {
    throw new EngineError('schema_violation', 'the name of an API key has 1 to 100 characters', {
      remedy: 'name it after who uses it',
    })
  }
  if (!/^[\w.@+:-]{1,100}$/.test(userId)) {
    throw new EngineError('schema_violation', 'the user of an API key is not a user id', {
      remedy: 'use letters, digits and . _ @ + : -',
    })
  }
  if (expiresAt && !(expiresAt.getTime() > now.getTime())) {
    throw new EngineError('schema_violation', 'an API key must expire in the future', { remedy: 'choose a later time' })
  }
}

function refuseUnheld(asked: readonly Scope[], { scopes }: Granter): void {
  if (scopes === 'all') return
  const unheld = asked.filter(scope => !scopes.has(scope))
  if (unheld.length === 0) return
  throw new EngineError('forbidden', `a key cannot grant what it does not hold: ${unheld.join(', ')}`, {
    remedy: 'ask for fewer scopes, or use a key that holds them',
    details: { scopes: unheld },
  })
}

function put({ id, name, parent, version }: StoredRecord, data: JsonObject): Mutation {
  return {
    type: 'put-record',
    record: { collection, id, data, ...(name !== undefined && { name }), ...(parent !== undefined && { parent }) },
    expectedVersion: version,
  }
}

function keyOf(tenant: string, record: StoredRecord): ApiKey {
  const { id, data, createdAt, sequence } = record
  const list: readonly unknown[] = Array.isArray(data.scopes) ? data.scopes : []
  const instant = (field: string) => {
    const text = textOf(record, field)
    return text === undefined ? {} : { [field]: text }
  }
  return {
    id,
    tenant,
    userId: textOf(record, 'userId') ?? '',
    name: textOf(record, 'name') ?? '',
    prefix: textOf(record, 'prefix') ?? '',
    scopes: list.filter((scope): scope is Scope => typeof scope === 'string' && isScope(scope)),
    createdAt,
    ...instant('expiresAt'),
    ...instant('lastUsedAt'),
    ...instant('revokedAt'),
    sequence,
  }
}

function textOf({ data }: StoredRecord, field: string): string | undefined {
  const value = data[field]
  return typeof value === 'string' ? value : undefined
}
