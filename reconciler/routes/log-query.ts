import type { LogFilter } from '../services.ts'
import { type Paging, pagingQuery } from './paging.ts'

export interface LogQuerystring extends Paging {
  readonly subject?: string
  readonly since?: string
  readonly order: 'asc' | 'desc'
}

/** Query of both logs; `typeName`: how the log calls its entries' type. */
export function logQuery(typeName: 'type' | 'action', description: string) {
  return {
    type: 'object',
    properties: {
      ...pagingQuery,
      [typeName]: { type: 'string', maxLength: 128, description },
      subject: { type: 'string', maxLength: 300, description: 'Only entries about this address or id.' },
      since: { type: 'string', format: 'date-time', description: 'Only entries at or after this instant.' },
      order: { type: 'string', enum: ['asc', 'desc'], default: 'desc', description: 'Oldest or newest first.' },
    },
    additionalProperties: false,
  } as const
}

export function logFilter({ subject, since, order }: LogQuerystring, type: string | undefined): LogFilter {
  return {
    ...(type !== undefined && { type }),
    ...(subject !== undefined && { subject }),
    // One spelling, because instants are compared as texts.
    ...(since !== undefined && { since: new Date(since).toISOString() }),
    newestFirst: order === 'desc',
  }
}
