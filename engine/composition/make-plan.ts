import { createHash } from 'node:crypto'
import { canonicalJson } from '../core/canonical-json.ts'
import type { Json } from '../core/json.ts'
import type { Configuration } from '../core/resource.ts'
import { loadDrivers } from '../kinds/registry.ts'
import type { Plan } from '../planner/plan.ts'
import { plan } from '../planner/planner.ts'
import type { DesiredInput, LeftReason, PlanMode, PlanRequest } from '../planner/request.ts'
import type { Snapshot } from '../state/store.ts'
import { concernOf } from './concern.ts'
import { fieldFacts } from './field-facts.ts'
import { observe } from './observe.ts'
import { desiredInputs, secretResolver } from './secrets.ts'
import type { Session } from './session.ts'

export interface PlanOptions {
  /** Absent in `destroy` and `renew` mode. */
  readonly configuration?: Configuration
  readonly mode?: PlanMode
  /** Ask nothing outside and resolve no secret. */
  readonly offline?: boolean
  readonly targets?: readonly string[]
  readonly excludes?: readonly string[]
  readonly allow?: readonly string[]
  readonly adopt?: boolean
  /** In `renew` mode: addresses renewed whether due or not. */
  readonly force?: readonly string[]
  /** In `renew` mode: addresses left as they are although due; what stands on them is not held up. */
  readonly hold?: readonly string[]
  /** Changes that only these reasons of a kind ask for are left undone: drift that is only to be shown. */
  readonly leave?: readonly LeftReason[]
  readonly signal?: AbortSignal
}

/** A plan together with the state that it was made on. */
export interface MadePlan {
  readonly plan: Plan
  readonly snapshot: Snapshot
}

/** Reads desired, recorded and live, and plans. Throws `secret_unresolved` (all at once) and what planning throws. */
export async function makePlan(session: Session, options: PlanOptions): Promise<MadePlan> {
  const { mode = 'apply', offline = false } = options
  const configuration = mode === 'apply' ? (options.configuration ?? nothing) : nothing
  const snapshot = await session.store.snapshot(session.tenant)
  // Applying needs the master key of a state that has one; a wrong one is told now.
  if (!offline) await session.expectKeys()
  const resolver = offline ? undefined : secretResolver(session, configuration.resources, snapshot.resources)
  const desired = await desiredInputs(session, configuration, resolver)
  const drivers = await loadDrivers([...configuration.resources, ...snapshot.resources].map(({ kind }) => kind))
  const { owner } = session
  const { targets = [], excludes = [] } = options
  const recorded = concernOf(snapshot, { mode, owner, desired, drivers, targets, excludes })
  const base = { mode, owner, desired, recorded, now: session.clock.now() }
  const live = offline || mode === 'destroy' ? new Map() : await observe(session, base, drivers, options.signal)
  const request: PlanRequest = {
    ...base,
    live,
    drivers,
    offline,
    lineage: snapshot.lineage,
    serial: snapshot.serial,
    configDigest: digestOf(desired),
    adopt: options.adopt ?? false,
    targets,
    excludes,
    allow: options.allow ?? [],
    force: new Set(options.force),
    hold: new Set(options.hold),
    leave: new Set(options.leave),
    fields: fieldFacts,
  }
  return { plan: plan(request), snapshot }
}

const nothing: Configuration = { resources: [], warnings: [] }

/** A digest of what is declared; secrets enter by their fingerprints. */
export function digestOf(desired: readonly DesiredInput[]): string {
  const hash = createHash('sha256')
  for (const text of textsOf(desired)) hash.update(text)
  return `sha256:${hash.digest('hex')}`
}

/** What is declared, each in one spelling and in one order. */
export function textsOf(desired: readonly DesiredInput[]): string[] {
  const byAddress = desired.toSorted((a, b) => (a.resource.address < b.resource.address ? -1 : 1))
  return byAddress.map(({ resource, spec }) => {
    const { address, labels, lifecycle } = resource
    return canonicalJson({ address, labels, lifecycle, spec } as unknown as Json) // JSON by construction
  })
}
