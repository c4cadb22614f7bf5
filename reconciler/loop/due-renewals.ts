import type { MadePlan } from '../../engine/index.ts'
import type { FailedRenewal } from './failed-renewals.ts'

/** Something with an end whose time to be renewed has come. */
export interface DueRenewal {
  readonly address: string
  readonly revision: number
  /** ISO instants. */
  readonly notBefore: string
  readonly notAfter: string
  /** Addresses of everything below it. */
  readonly standsOn: ReadonlySet<string>
}

/**
 * What is due by a plan of renewals, the soonest to end first. What failed before is due until another revision of it
 * is recorded, also where only the CA's own answer had said so and this plan did not ask.
 */
export function dueRenewals(
  { plan, snapshot }: MadePlan,
  failed: ReadonlyMap<string, FailedRenewal>,
): readonly DueRenewal[] {
  const { changes } = plan.document
  const below = new Map<string, readonly string[]>(changes.map(({ address, dependsOn }) => [address, dependsOn]))
  const wanted = new Set<string>(changes.filter(({ action }) => action !== 'no-op').map(({ address }) => address))
  const due = snapshot.resources.flatMap(({ address, revision, status }): DueRenewal[] => {
    const { notBefore, notAfter } = status
    if (typeof notBefore !== 'string' || typeof notAfter !== 'string') return []
    if (!wanted.has(address) && failed.get(address)?.revision !== revision) return []
    return [{ address, revision, notBefore, notAfter, standsOn: reach(address, below) }]
  })
  return due.toSorted((a, b) => Date.parse(a.notAfter) - Date.parse(b.notAfter))
}

function reach(from: string, below: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const found = new Set<string>()
  const queue = [from]
  for (let address = queue.pop(); address !== undefined; address = queue.pop()) {
    for (const target of below.get(address) ?? []) {
      if (!found.has(target)) queue.push(target)
      found.add(target)
    }
  }
  return found
}
