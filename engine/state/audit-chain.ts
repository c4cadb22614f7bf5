import { createHash } from 'node:crypto'
import { canonicalJson } from '../core/canonical-json.ts'
import type { LogEntry, LogHead } from './records.ts'

/**
 * The hash of an audit entry: SHA-256 (hex) over the hash of the entry before it ('' for the first) and the canonical
 * JSON of this one. Whoever changes, removes or inserts an entry has to rewrite all that follow.
 */
export function chainHash(previous: string, entry: Omit<LogEntry, 'hash'>): string {
  const { log, sequence, at, type, actor, subject, data } = entry
  return createHash('sha256')
    .update(previous)
    .update(canonicalJson({ log, sequence, at, type, actor, subject, data }))
    .digest('hex')
}

/** Follows a chain entry by entry, in order, and says what does not fit. */
export interface ChainCheck {
  /** The fault of this entry as a sentence; undefined when it continues the chain. */
  next(entry: LogEntry): string | undefined
  /** The fault at the end, given where the log says that it ends. */
  end(head: LogHead | undefined): string | undefined
}

export function checkChain(): ChainCheck {
  let last: LogHead = { sequence: 0, hash: '' }
  return {
    next(entry) {
      const { sequence, hash } = last
      last = entry
      if (entry.sequence !== sequence + 1) {
        return `the audit log has no entry ${sequence + 1} before entry ${entry.sequence}`
      }
      if (entry.hash !== chainHash(hash, entry)) return `audit entry ${entry.sequence} is not what was written`
      return undefined
    },
    end(head = { sequence: 0, hash: '' }) {
      if (last.sequence < head.sequence)
        return `the audit log ends at ${last.sequence}, but ${head.sequence} were written`
      if (last.sequence > head.sequence || last.hash !== head.hash) {
        return `the audit log ends with entry ${last.sequence}, which is not the last that was written`
      }
      return undefined
    },
  }
}
