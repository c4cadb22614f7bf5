import { createHash } from 'node:crypto'
import { inParallel } from '../acme/in-parallel.ts'
import type { Address } from '../core/address.ts'
import { canonicalJson } from '../core/canonical-json.ts'
import type { Json } from '../core/json.ts'
import type { Configuration } from '../core/resource.ts'
import type { Driver, Observation, ReadContext } from '../kinds/driver.ts'
import { loadDrivers } from '../kinds/registry.ts'
import type { Plan } from '../planner/plan.ts'
import { plan } from '../planner/planner.ts'
import type { DesiredInput, LeftReason, PlanMode, PlanRequest } from '../planner/request.ts'
import { worldOf } from '../planner/world.ts'
import type { Snapshot } from '../state/store.ts'
import { fieldFacts } from './field-facts.ts'
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

/** Questions put to others at the same time while a plan is made. */
const readParallelism = 16

/** Reads desired, recorded and live, and plans. Throws `secret_unresolved` (all at once) and what planning throws. */
export async function makePlan(session: Session, options: PlanOptions): Promise<MadePlan> {
  const { mode = 'apply', offline = false } = options
  const configuration = mode === 'apply' ? (options.configuration ?? nothing) : nothing
  const snapshot = await session.store.snapshot(session.tenant)
  // Applying needs the master key of a state that has one; a wrong one is told now.
  if (!offline && (await session.store.dataKeys(session.tenant)).length > 0) await session.keyring()
  const resolver = offline ? undefined : secretResolver(session, configuration.resources, snapshot.resources)
  const desired = await desiredInputs(session, configuration, resolver)
  const drivers = await loadDrivers([...configuration.resources, ...snapshot.resources].map(({ kind }) => kind))
  const { owner } = session
  const base = { mode, owner, desired, recorded: snapshot.resources, now: session.clock.now() }
  const live = offline ? new Map() : await observe(session, base, drivers, options.signal)
  const request: PlanRequest = {
    ...base,
    live,
    drivers,
    offline,
    lineage: snapshot.lineage,
    serial: snapshot.serial,
    configDigest: digestOf(desired),
    adopt: options.adopt ?? false,
    targets: options.targets ?? [],
    excludes: options.excludes ?? [],
    allow: options.allow ?? [],
    force: new Set(options.force),
    hold: new Set(options.hold),
    leave: new Set(options.leave),
    fields: fieldFacts,
  }
  return { plan: plan(request), snapshot }
}

const nothing: Configuration = { resources: [], warnings: [] }

/**
 * What each driver sees outside. A resource that is to go is not asked for. Kinds that stand on what others see (a
 * certificate on its providers' zones) look second.
 */
async function observe(
  session: Session,
  base: Pick<PlanRequest, 'mode' | 'owner' | 'desired' | 'recorded' | 'now'>,
  drivers: ReadonlyMap<string, Driver>,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<Address, Observation>> {
  if (base.mode === 'destroy') return new Map()
  const context: ReadContext = {
    clock: session.clock,
    http: session.http,
    log: session.log,
    trace: session.trace,
    network: session.network,
    unseal: session.unseal,
    certificate: async objectId => (await session.store.certificates(session.tenant, { objectId, limit: 1 }))[0],
    ...(signal && { signal }),
  }
  const live = new Map<Address, Observation>()
  let world = worldOf({ ...base, live })
  for (const second of [false, true]) {
    if (second && live.size > 0) world = worldOf({ ...base, live })
    const asked = [...world.subjects.values()].filter(({ kind, declared }) => {
      const driver = drivers.get(kind)
      return driver?.read && (declared || base.mode === 'renew') && second === (driver.requires !== undefined)
    })
    await inParallel(asked, readParallelism, async subject => {
      const seen = await drivers.get(subject.kind)?.read?.(subject, world, context)
      if (seen) live.set(subject.address, seen)
    })
  }
  return live
}

/** A digest of what is declared; secrets enter by their fingerprints. */
function digestOf(desired: readonly DesiredInput[]): string {
  const hash = createHash('sha256')
  const byAddress = desired.toSorted((a, b) => (a.resource.address < b.resource.address ? -1 : 1))
  for (const { resource, spec } of byAddress) {
    const { address, labels, lifecycle } = resource
    hash.update(canonicalJson({ address, labels, lifecycle, spec } as unknown as Json)) // JSON by construction
  }
  return `sha256:${hash.digest('hex')}`
}
