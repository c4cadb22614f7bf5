import { EngineError, isJsonObject, type Json, type JsonObject } from '../../../engine/index.ts'
import { type Transport, wordsOf } from '../transport.ts'

/** Gitea's REST API, as Forgejo keeps it too. What is not found is undefined. */
export interface Rest {
  get(path: string): Promise<JsonObject | undefined>
  /** Every page of a list. */
  all(path: string): Promise<readonly JsonObject[] | undefined>
  send(method: 'POST' | 'PATCH', path: string, body: JsonObject): Promise<JsonObject | undefined>
}

/** Gitea answers at most `MAX_RESPONSE_ITEMS`, 50 by default, whatever is asked for. */
const pageSize = 50
/** A repository with more open pull requests or reviews than this is not read to its end. */
const pageLimit = 200

export function createRest(transport: Transport, root: string, token: string, forge: string): Rest {
  async function exchange(method: string, path: string, body?: JsonObject) {
    const response = await transport.request({
      method,
      url: `${root}/${path}`,
      headers: {
        accept: 'application/json',
        authorization: `token ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    if (response.status === 404) return undefined
    if (response.status >= 400) {
      throw new EngineError('forge_failed', `${forge} refused: ${wordsOf(response.text, token)}`, {
        remedy: 'look at the message of the forge',
        details: { status: response.status },
      })
    }
    return { json: read(response.text, forge), headers: response.headers }
  }

  return {
    async get(path) {
      const found = await exchange('GET', path)
      return found && object(found.json, forge)
    },
    async all(path) {
      const items: JsonObject[] = []
      for (let page = 1; page <= pageLimit; page++) {
        const found = await exchange('GET', `${path}${path.includes('?') ? '&' : '?'}limit=${pageSize}&page=${page}`)
        if (found === undefined) return undefined
        if (!Array.isArray(found.json)) throw malformed(forge)
        items.push(...(found.json as readonly Json[]).filter(isJsonObject))
        // Comments come all at once, without links to further pages.
        if (!/rel="next"/.test(found.headers.link ?? '')) break
      }
      return items
    },
    async send(method, path, body) {
      const found = await exchange(method, path, body)
      return found && object(found.json, forge)
    },
  }
}

function read(text: string, forge: string): Json {
  if (text === '') return {}
  try {
    return JSON.parse(text)
  } catch {
    throw malformed(forge)
  }
}

function object(json: Json, forge: string): JsonObject {
  if (isJsonObject(json)) return json
  throw malformed(forge)
}

function malformed(forge: string): EngineError {
  return new EngineError('forge_failed', `${forge} answered with something that is not its API`, {
    remedy: 'check the URL of the forge, and what stands between',
  })
}
