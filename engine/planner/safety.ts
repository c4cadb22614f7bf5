import type { Address } from '../core/address.ts'
import type { Lifecycle, RecordedResource } from '../core/resource.ts'
import type { Action, Driver } from '../kinds/driver.ts'
import type { Blocked } from './plan.ts'

/** Deletions and replacements beyond this share of at least this many recorded resources need a word. */
const massLimit = { percent: 30, ofAtLeast: 10 } as const

export interface SafetyQuestion {
  readonly address: Address
  readonly action: Action
  readonly driver: Driver
  readonly recorded: RecordedResource | undefined
  /** What the configuration says of it now, where it still does. */
  readonly desired: Lifecycle | undefined
  readonly owner: string
  readonly adopt: boolean
  readonly allow: readonly string[]
}

/** Ordered checks of one change; the first that refuses explains it. Protection is never overridden. */
export function refuse(question: SafetyQuestion): Blocked | undefined {
  return notOurs(question) ?? isProtected(question) ?? isGuarded(question)
}

const destructive = (action: Action) => action === 'delete' || action === 'replace'

function notOurs({ recorded, owner, adopt, action, address }: SafetyQuestion): Blocked | undefined {
  if (!recorded || recorded.owner === owner || adopt || action === 'no-op' || action === 'renew') return undefined
  return {
    code: 'owned_by',
    message: `${address} is owned by ${recorded.owner}`,
    remedy: `remove it there, rename it here, or take it over with --adopt`,
  }
}

function isProtected({ recorded, desired, action, address }: SafetyQuestion): Blocked | undefined {
  if (!destructive(action) || !(recorded?.lifecycle.protect || desired?.protect)) return undefined
  return {
    code: 'plan_blocked',
    message: `${address} is protected and would be ${action === 'delete' ? 'deleted' : 'replaced'}`,
    remedy: 'set lifecycle.protect to false and apply that first',
  }
}

function isGuarded({ driver, action, address, allow }: SafetyQuestion): Blocked | undefined {
  if (!destructive(action) || !driver.guarded || allowed(address, allow)) return undefined
  return {
    code: 'plan_blocked',
    message: `${action === 'delete' ? 'deleting' : 'replacing'} a ${driver.kind} needs an explicit word`,
    remedy: `if you mean it, add --allow ${address}`,
    allow: address,
  }
}

/** Refuses many deletions and replacements at once, whatever their kinds. */
export function refuseMass(
  changes: readonly { readonly address: Address; readonly action: Action }[],
  recordedCount: number,
  allow: readonly string[],
): Blocked | undefined {
  const destroyed = changes.filter(change => destructive(change.action))
  if (recordedCount < massLimit.ofAtLeast || destroyed.length * 100 <= recordedCount * massLimit.percent)
    return undefined
  if (destroyed.every(change => allowed(change.address, allow))) return undefined
  return {
    code: 'plan_blocked',
    message: `this plan deletes or replaces ${destroyed.length} of ${recordedCount} resources, more than ${massLimit.percent} %`,
    remedy: 'check that the configuration is complete; if you mean it, add --allow all-deletes',
    allow: 'all-deletes',
  }
}

function allowed(address: Address, allow: readonly string[]): boolean {
  return allow.includes('all-deletes') || allow.includes(address)
}
