import { dirname } from 'node:path'
import type { Address } from '../core/address.ts'
import { EngineError } from '../core/errors.ts'
import { valueAt } from '../core/pointer.ts'
import type { Pointer } from '../core/resource.ts'
import type { Secret } from '../core/secret.ts'
import { execute } from '../executor/execute.ts'
import type { ExecutorPorts, RunEvent, RunResult } from '../executor/ports.ts'
import { loadDrivers } from '../kinds/registry.ts'
import type { Plan, PlannedOperation } from '../planner/plan.ts'
import { assertFresh } from '../planner/saved-plan.ts'
import type { Lease, Snapshot } from '../state/store.ts'
import { fingerprintOf, holdsFingerprint, secretResolver, specPointer } from './secrets.ts'
import type { Session } from './session.ts'

export interface ApplyOptions {
  readonly lease: Lease
  readonly parallelism?: number
  readonly drain?: AbortSignal
  readonly abort?: AbortSignal
  readonly onEvent?: (event: RunEvent) => void
}

const never = new AbortController().signal

/**
 * Runs a plan under a lease: one just made, or a saved one, which must still stand on the state that it was made on.
 * Throws `plan_stale`; failures of single operations are in the result.
 */
export async function applyPlan(
  session: Session,
  plan: Plan,
  snapshot: Snapshot,
  options: ApplyOptions,
): Promise<RunResult> {
  const revisions = new Map(snapshot.resources.map(({ address, revision }) => [address as string, revision]))
  // A plan on a state that nobody has written yet has no lineage to compare.
  const lineage = snapshot.lineage === '' ? plan.document.lineage : snapshot.lineage
  const fresh = plan.document.lineage === '' && plan.document.serial === 0 && snapshot.serial === 0
  assertFresh(plan, {
    lineage: fresh ? '' : lineage,
    revisionOf: address => revisions.get(address),
  })
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
    owner: session.owner,
    actor: session.actor,
    lease: options.lease,
    parallelism: options.parallelism ?? 10,
    drain: options.drain ?? never,
    abort: options.abort ?? never,
    onEvent: options.onEvent ?? (() => {}),
    settled: settledBy(plan),
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
      const at = specPointer(pointer)
      const place = { folder: dirname(operation.file), address: operation.address }
      const value = await resolver.resolve(reference, place)
      const fingerprint = await fingerprintOf(session, operation.address, at, value)
      if (!holdsFingerprint(valueAt(operation.spec, at), fingerprint)) throw secretChanged(operation.address, at)
      values.set(at, value)
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

/** An address is settled when the plan looked at it and has nothing to do there. */
function settledBy({ document }: Plan): (address: Address) => boolean {
  const actions = new Map(document.changes.map(({ address, action }) => [address, action]))
  return address => actions.get(address) === 'no-op' || (!actions.has(address) && !document.partial)
}
