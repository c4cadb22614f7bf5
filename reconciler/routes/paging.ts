import { EngineError } from '../../engine/index.ts'
import type { Page, PageRequest } from '../services.ts'

/** Query of every list. */
export const pagingQuery = {
  limit: { type: 'integer', minimum: 1, maximum: 200, default: 50, description: 'Items of a page.' },
  cursor: { type: 'string', maxLength: 64, description: '`next_cursor` of the page before.' },
} as const

/** Query of the lists of what belongs to a source. */
export const sourceQuery = {
  source: { type: 'string', maxLength: 128, description: "Only this source's, by id." },
} as const

export interface Paging {
  readonly limit: number
  readonly cursor?: string
}

/** Cursors are opaque, so that what they are made of may change. Throws `schema_violation`. */
export function pageRequest({ limit, cursor }: Paging): PageRequest {
  if (cursor === undefined) return { limit }
  const text = Buffer.from(cursor, 'base64url').toString('latin1')
  if (/^s\d{1,15}$/.test(text)) return { limit, after: Number(text.slice(1)) }
  throw new EngineError('schema_violation', 'the cursor is not one of this service', {
    remedy: 'use next_cursor as it was answered, or none',
  })
}

/** A page as every list answers it: `{data, has_more, next_cursor}`. */
export function pageView<T, V>({ items, next }: Page<T>, view: (item: T) => V) {
  return {
    data: items.map(view),
    has_more: next !== undefined,
    ...(next !== undefined && { next_cursor: Buffer.from(`s${next}`, 'latin1').toString('base64url') }),
  }
}

/** What was asked for, or the same answer for what does not exist and for another tenant's. */
export function found<T>(object: T | undefined, what: string, id: string): T {
  if (object !== undefined) return object
  throw new EngineError('not_found', `there is no ${what} "${id}"`, {
    remedy: 'check the id; lists show those you have',
  })
}

export const idParams = (name: string, description: string) => ({
  type: 'object',
  properties: { [name]: { type: 'string', minLength: 1, maxLength: 128, pattern: '^[\\w.-]+$', description } },
  required: [name],
})
