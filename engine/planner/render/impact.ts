import type { Address } from '../../core/address.ts'
import type { Change, PlanDocument } from '../plan.ts'

/** How far one change reaches. */
export interface Impact {
  readonly change: Change
  /** What stands on it, directly or not, counted by kind. */
  readonly dependents: ReadonlyMap<string, number>
  readonly total: number
}

/** Certificates that will be ordered or issued, by what issues them. */
export interface Issuance {
  readonly issuer: Address
  readonly count: number
}

/** Actions after which what stands on the resource may no longer hold. */
const disruptive: ReadonlySet<string> = new Set(['delete', 'replace', 'reissue', 'renew', 'forget', 'update'])
const issuers: ReadonlySet<string> = new Set(['AcmeAccount', 'Role', 'CertificateAuthority'])

/** Changes that others stand on, the farthest reaching first. */
export function impactsOf({ changes }: Pick<PlanDocument, 'changes'>): readonly Impact[] {
  const dependents = new Map<Address, Change[]>()
  for (const change of changes) {
    for (const address of change.dependsOn) {
      const known = dependents.get(address)
      if (known) known.push(change)
      else dependents.set(address, [change])
    }
  }
  return changes
    .filter(({ action, address }) => disruptive.has(action) && dependents.has(address))
    .map(change => reach(change, dependents))
    .filter(({ total }) => total > 0)
    .toSorted((a, b) => b.total - a.total)
}

function reach(change: Change, dependents: ReadonlyMap<Address, readonly Change[]>): Impact {
  const seen = new Set<Address>([change.address])
  const kinds = new Map<string, number>()
  const open: Address[] = [change.address]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const { address, kind, action } of dependents.get(next) ?? []) {
      if (seen.has(address)) continue
      seen.add(address)
      open.push(address)
      // What goes too, or comes only now, does not suffer from it.
      if (action !== 'delete' && action !== 'create') kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    }
  }
  const total = [...kinds.values()].reduce((sum, count) => sum + count, 0)
  return { change, dependents: kinds, total }
}

/** What the plan asks of each issuer: public ones limit how much they issue. */
export function issuancesOf({ changes }: Pick<PlanDocument, 'changes'>): readonly Issuance[] {
  const counts = new Map<Address, number>()
  for (const { kind, action, dependsOn } of changes) {
    if (kind !== 'Certificate' || !['create', 'replace', 'reissue', 'renew'].includes(action)) continue
    const issuer = dependsOn.find(address => issuers.has(address.slice(0, address.indexOf('/'))))
    if (issuer !== undefined) counts.set(issuer, (counts.get(issuer) ?? 0) + 1)
  }
  return [...counts].map(([issuer, count]) => ({ issuer, count })).toSorted((a, b) => b.count - a.count)
}
