import { dirname } from 'node:path'
import type { Address } from '../core/address.ts'
import { EngineError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import { valueAt } from '../core/pointer.ts'
import type { Pointer } from '../core/resource.ts'
import type { Secret } from '../core/secret.ts'
import { execute } from '../executor/execute.ts'
import type { ExecutorPorts, RunEvent, RunResult, RunSettings } from '../executor/ports.ts'
import { loadDrivers } from '../kinds/registry.ts'
import type { Plan, PlannedOperation } from '../planner/plan.ts'
import { assertFresh } from '../planner/saved-plan.ts'
import type { Lease, Snapshot } from '../state/store.ts'
import { fingerprintOf, holdsFingerprint, secretResolver } from './secrets.ts'
import type { Session } from './session.ts'

export interface ApplyOptions {
  readonly lease: Lease
  readonly parallelism?: number
  readonly drain?: AbortSignal
  readonly abort?: AbortSignal
  readonly onEvent?: (event: RunEvent) => void
  /** For the audit and event logs: what made it happen, such as a commit and a run. Never a secret. */
  readonly cause?: JsonObject
  /** What there is only one of for all that is applied under the lease. */
  readonly memory?: Map<string, Promise<unknown>>
  /** What the plan needs of the state, already read under the lease. */
  readonly state?: Snapshot
}

const never = new AbortController().signal

/**
 * Runs a plan under a lease: one just made, or a saved one, which must still stand on the state that it was made on.
 * Throws `plan_blocked`, `owned_by`, `preflight_failed` or `plan_stale`; failures of single operations are in the
 * result.
 */
export async function applyPlan(session: Session, plan: Plan, options: ApplyOptions): Promise<RunResult> {
  refuseBlocked(plan)
  // Read under the lease: what was seen while planning may be older than what another holder has done since.
  const snapshot = options.state ?? (await session.store.snapshot(session.tenant))
  const revisions = new Map(snapshot.resources.map(({ address, revision }) => [address as string, revision]))
  assertFresh(plan, { lineage: snapshot.lineage, revisionOf: address => revisions.get(address) })
  const keyring = await session.keyring()
  await keyring.prepare()
  const leftovers = await session.store.operations(session.tenant)
  const kinds = [
    ...plan.operations.map(({ kind }) => kind),
    ...leftovers.map(({ address }) => address.split('/')[0] ?? ''),
  ]
  const ports: ExecutorPorts = {
    store: session.store,
    sealer: keyring,
    unseal: session.unseal,
    clock: session.clock,
    random: session.random,
    log: session.log,
    trace: session.trace,
    http: session.http,
    network: session.network,
    drivers: await loadDrivers(kinds),
    resolveSecrets: secretsOf(session, plan, snapshot),
  }
  return execute(plan.operations, snapshot.resources, ports, {
    tenant: session.tenant,
    actor: session.actor,
    lease: options.lease,
    parallelism: options.parallelism ?? 10,
    drain: options.drain ?? never,
    abort: options.abort ?? never,
    onEvent: options.onEvent ?? (() => {}),
    settled: settledBy(plan, snapshot),
    ...(options.cause && { cause: options.cause }),
    ...(options.memory && { memory: options.memory }),
  })
}

/** Values of an operation's secrets; one that is not what the plan was made with makes the plan stale. */
function secretsOf(session: Session, plan: Plan, snapshot: Snapshot) {
  const declared = plan.operations.map(({ address, kind, name, labels, lifecycle, spec, secrets, file }) => ({
    address,
    kind,
    name,
    labels,
    lifecycle,
    spec,
    secrets,
    file,
    references: [],
    locate: () => undefined,
  }))
  const resolver = secretResolver(session, declared, snapshot.resources)
  return async (operation: PlannedOperation): Promise<ReadonlyMap<Pointer, Secret>> => {
    const values = new Map<Pointer, Secret>()
    if (operation.action === 'delete') return values
    for (const { pointer, reference } of operation.secrets) {
      const place = { folder: dirname(operation.file), address: operation.address }
      const value = await resolver.resolve(reference, place)
      const planned = valueAt(operation.spec, pointer)
      if (holdsFingerprint(planned, 'unknown')) throw notResolved(operation.address, pointer)
      const fingerprint = await fingerprintOf(session, operation.address, pointer, value)
      if (!holdsFingerprint(planned, fingerprint)) throw secretChanged(operation.address, pointer)
      values.set(pointer, value)
    }
    return values
  }
}

function secretChanged(address: Address, pointer: Pointer): EngineError {
  return new EngineError('plan_stale', `the secret at /spec${pointer} of ${address} changed since the plan was made`, {
    address,
    remedy: 'plan again',
  })
}

function notResolved(address: Address, pointer: Pointer): EngineError {
  return new EngineError(
    'plan_stale',
    `the plan was made offline, without the secret at /spec${pointer} of ${address}`,
    {
      address,
      remedy: 'plan again without --offline',
    },
  )
}

/** The doors ask before they apply; what is blocked does not run whoever asks. */
function refuseBlocked({ document }: Plan): void {
  for (const { address, blocked } of document.changes) {
    if (blocked) throw new EngineError(blocked.code, blocked.message, { address, remedy: blocked.remedy })
  }
  const error = document.preflight.find(({ level }) => level === 'error')
  if (!error) return
  const { address, message, remedy } = error
  throw new EngineError('preflight_failed', message, { address, remedy, details: { code: error.code } })
}

/**
 * What an interrupted run left is of no use any more where this plan looked and has nothing to do, or where nothing is
 * declared or recorded, not where it leaves the work to somebody else. Renewals know nothing of what a configuration began; they only undo other renewals. What
 * belongs to another owner is left to that one.
 */
function settledBy({ mode, document, left: leftTo }: Plan, { resources }: Snapshot): RunSettings['settled'] {
  const actions = new Map(document.changes.map(({ address, action }) => [address, action]))
  const recorded = new Set(resources.map(({ address }) => address))
  return left => {
    const nothingToDo = actions.get(left.address) === 'no-op' && !leftTo?.includes(left.address)
    if (mode === 'renew') return nothingToDo && left.action === 'renew'
    return nothingToDo || (!actions.has(left.address) && !recorded.has(left.address) && !document.partial)
  }
}
