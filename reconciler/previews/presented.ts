import { type Address, needsApproval, type PlanDocument } from '../../engine/index.ts'
import type { PreviewContext } from './content.ts'

/** Kinds whose loss takes others down with it; nobody decides on that alone. */
const guarded: ReadonlySet<string> = new Set(['CertificateAuthority', 'AcmeAccount', 'TrustAnchor'])

/** Changes by which an authority, an account or an anchor goes. */
export function guardedDeletions({ changes }: Pick<PlanDocument, 'changes'>): readonly Address[] {
  return changes
    .filter(({ kind, action }) => guarded.has(kind) && (action === 'delete' || action === 'replace'))
    .map(({ address }) => address)
}

/**
 * A plan as a pull request shows it: what was approved is held back no more, and what is to be approved says how that
 * is done here, where there is no command line.
 */
export function presented(
  document: PlanDocument,
  {
    approvedBy = [],
    discardedBy,
    apply,
    fromFork = false,
  }: Pick<PreviewContext, 'approvedBy' | 'discardedBy' | 'apply' | 'fromFork'>,
): PlanDocument {
  if (apply === 'elsewhere') return document
  if (approvedBy.length > 0 && needsApproval(document)) {
    const changes = document.changes.map(({ blocked: _approved, ...change }) => change)
    return { ...document, changes, summary: { ...document.summary, blocked: 0 } }
  }
  const remedy = fromFork
    ? 'merged from a fork, it waits for an approval by the API'
    : discardedBy !== undefined
      ? 'it was discarded; leave it out, or approve it by the API after all'
      : 'look at what it takes along; if it is meant, approve it as told below'
  const changes = document.changes.map(change =>
    change.blocked?.allow === undefined ? change : { ...change, blocked: { ...change.blocked, remedy } },
  )
  return { ...document, changes }
}
