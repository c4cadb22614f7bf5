import type { ApiKey, ApiKeys as Keys } from '../../engine/index.ts'
import type { ApiKeys, ApiKeyView } from '../services.ts'

/** The engine's API keys as the application asks for them: always within the caller's tenant. */
export function createApiKeyPort(keys: Keys): ApiKeys {
  async function ofUser(tenant: string, user: string, id: string): Promise<ApiKey | undefined> {
    const key = await keys.get(tenant, id)
    return key?.userId === user && key.revokedAt === undefined ? key : undefined
  }

  return {
    async authenticate(token) {
      const key = await keys.authenticate(token)
      return key && { keyId: key.id, tenant: key.tenant, user: key.userId, scopes: new Set(key.scopes) }
    },
    isActive: ({ tenant, keyId }) => keys.isActive(tenant, keyId),
    async create(caller, { user, name, scopes, expiresAt }) {
      const draft = { userId: user, name, scopes, ...(expiresAt && { expiresAt }) }
      const { key, token } = await keys.create(caller.tenant, draft, { actor: caller.keyId, scopes: caller.scopes })
      return { view: viewOf(key), key: token.reveal() }
    },
    async list({ tenant }, user, { after, limit }) {
      const found = await keys.list(tenant, { userId: user, ...(after !== undefined && { after }), limit: limit + 1 })
      const last = found[limit - 1]
      const items = found.slice(0, limit).map(viewOf)
      return { items, ...(found.length > limit && last && { next: last.sequence }) }
    },
    async get({ tenant }, user, id) {
      const key = await ofUser(tenant, user, id)
      return key && viewOf(key)
    },
    async revoke({ tenant, keyId }, user, id) {
      const key = await ofUser(tenant, user, id)
      return key !== undefined && keys.revoke(tenant, id, { actor: keyId })
    },
  }
}

function viewOf({ id, userId, name, prefix, scopes, createdAt, expiresAt, lastUsedAt }: ApiKey): ApiKeyView {
  return {
    ...{ id, user: userId, name, prefix, scopes, createdAt },
    ...(expiresAt !== undefined && { expiresAt }),
    ...(lastUsedAt !== undefined && { lastUsedAt }),
  }
}
