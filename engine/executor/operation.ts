import { createHash } from 'node:crypto'
import { parseAddress } from '../core/address.ts'
import { canonicalJson } from '../core/canonical-json.ts'
import { EngineError } from '../core/errors.ts'
import { newId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { Pointer, RecordedResource } from '../core/resource.ts'
import type { Secret } from '../core/secret.ts'
import type { Driver, Operation, OperationContext } from '../kinds/driver.ts'
import type { PlannedOperation } from '../planner/plan.ts'
import type { Mutation, OpenOperation } from '../state/store.ts'
import type { SharedContext } from './context.ts'
import { auditOf, outcomeEntries, retirementEntries } from './entries.ts'
import { DurableJournal } from './journal.ts'
import { draftOf, outcomeMutations, recordedAgain, releasedBy, removalOf } from './mutations.ts'
import type { ExecutorPorts, RunSettings } from './ports.ts'
import type { RecordedIndex } from './recorded.ts'

/** A run's shared parts, handed to each operation. */
export interface Run {
  readonly ports: ExecutorPorts
  readonly settings: RunSettings
  readonly recorded: RecordedIndex
  readonly shared: SharedContext
  /** Operations that an interrupted run left open, by address. */
  readonly open: Map<string, OpenOperation>
}

/** Runs one planned operation to its durable end. */
export async function runOperation(run: Run, planned: PlannedOperation): Promise<void> {
  const { ports, recorded } = run
  const driver = driverFor(ports, planned.kind)
  const before = recorded.get(planned.address)
  if ((before?.revision ?? null) !== planned.expectedRevision) {
    throw new EngineError('state_conflict', `${planned.address} changed since the plan was made`, {
      address: planned.address,
      remedy: 'plan again',
    })
  }
  const secrets = await ports.resolveSecrets(planned)
  const journal = await openJournal(run, planned, driver)
  const operation = operationOf(planned, before, secrets, driver, run)
  const context = contextOf(run, planned, journal)

  if (planned.action === 'delete') {
    const removal = await driver.delete(operation, context)
    const entries = outcomeEntries(run, planned, operation.id, removal)
    const released = releasedBy(planned, recorded)
    const removed = [...removalOf(operation, removal, run), ...released.map(recordedAgain)]
    const { revisions } = await commit(
      run,
      [...removed, ...journal.ending('done'), ...entries],
      'state.remove',
      planned,
    )
    recorded.delete(planned.address)
    for (const each of released) recorded.set({ ...each, revision: revisions.get(each.address) ?? each.revision })
    return
  }
  const outcome = await perform(driver, operation, context)
  const draft = draftOf(planned, operation, outcome, run.ports.clock.now())
  const replaced = planned.action === 'replace' ? before : undefined
  const mutations = outcomeMutations(operation, draft, planned, outcome, secrets, run)
  // What the journal kept secret has its place with the outcome now; a copy would outlive the key's destruction.
  mutations.push(...journal.surrender())
  if (replaced) mutations.push(...journal.intention('retire', { recorded: asJson(replaced) }))
  else if (!outcome.afterwards) mutations.push(...journal.ending('done'))
  mutations.push(...outcomeEntries(run, planned, operation.id, outcome))
  const committed = await commit(run, mutations, 'state.record', planned)
  recorded.set({ ...draft, revision: committed.revisions.get(planned.address) ?? 1 })

  if (replaced || outcome.afterwards)
    await tidy(run, planned, async () => {
      await outcome.afterwards?.()
      if (replaced) await retire(run, driver, replaced, context)
      if (journal.isOpen) await commit(run, journal.ending('done'), 'state.end', planned)
    })
}

/**
 * What follows a durable outcome may fail without undoing it: the journal stays open and the next run does the rest.
 */
async function tidy(run: Run, { address }: PlannedOperation, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    run.settings.onEvent({ type: 'left-open', address, error })
  }
}

/** What an interrupted run left for this address: adopted when its inputs are ours, otherwise undone. */
async function openJournal(run: Run, planned: PlannedOperation, driver: Driver): Promise<DurableJournal> {
  const inputHash = hashOf(planned, run.recorded)
  const left = run.open.get(planned.address)
  if (left && left.inputHash === inputHash && left.action === planned.action) {
    const { steps: _steps, ...operation } = left
    return journalOf(run, { ...operation, attempt: left.attempt + 1, epoch: run.settings.lease.epoch }, left)
  }
  if (left) await abandon(run, left, driver)
  return journalOf(run, {
    id: newId('op', run.ports.random),
    address: planned.address,
    action: planned.action,
    inputHash,
    attempt: 1,
    epoch: run.settings.lease.epoch,
    startedAt: run.ports.clock.now().toISOString(),
  })
}

/** Undoes what an interrupted operation left outside and closes its journal. */
export async function abandon(run: Run, left: OpenOperation, driver: Driver): Promise<void> {
  const { kind, name } = parseAddress(left.address)
  const before = run.recorded.get(left.address)
  const journal = journalOf(run, left, left)
  const context = contextOf(run, left, journal)
  const unretired = journal.recall('retire')
  // The journal holds the resource exactly as it was recorded.
  if (unretired) await retire(run, driver, unretired.data.recorded as unknown as RecordedResource, context)
  await driver.abandon?.(
    {
      address: left.address,
      kind,
      name,
      id: before?.id ?? '',
      action: 'no-op',
      spec: before?.spec ?? {},
      lifecycle: before?.lifecycle ?? {},
      secrets: new Map(),
      ...(before && { recorded: before }),
    },
    context,
  )
  await commit(run, [{ type: 'end-operation', operationId: left.id, outcome: 'abandoned' }], 'state.end', left)
  run.open.delete(left.address)
}

function journalOf(run: Run, operation: Omit<OpenOperation, 'steps'>, adopted?: OpenOperation): DurableJournal {
  const { sealer, clock, trace, unseal } = run.ports
  const write = (mutations: readonly Mutation[]) => commitRaw(run, mutations)
  const audit = auditOf(run, operation.address)
  return new DurableJournal({ sealer, clock, trace, commit: write, unseal, audit }, operation, adopted)
}

function contextOf(run: Run, { address }: { readonly address: PlannedOperation['address'] }, journal: DurableJournal) {
  const progress = (message: string) => run.settings.onEvent({ type: 'progress', address, message })
  return { ...run.shared, journal, progress }
}

function operationOf(
  planned: PlannedOperation,
  before: RecordedResource | undefined,
  secrets: ReadonlyMap<Pointer, Secret>,
  driver: Driver,
  run: Run,
): Operation {
  const fresh = !before || planned.action === 'create' || planned.action === 'replace'
  return {
    address: planned.address,
    kind: planned.kind,
    name: planned.name,
    id: fresh ? newId(driver.idPrefix, run.ports.random) : before.id,
    action: planned.action,
    spec: planned.spec,
    lifecycle: planned.lifecycle,
    secrets,
    ...(before && { recorded: before }),
  }
}

/** The verb that the plan names; nothing is decided here. */
async function perform(driver: Driver, operation: Operation, context: OperationContext) {
  switch (operation.action) {
    case 'create':
    case 'replace':
      return driver.create(operation, context)
    case 'update':
      return driver.update(operation, context)
    case 'renew':
      if (driver.renew) return driver.renew(operation, context)
      break
    case 'reissue':
      if (driver.reissue) return driver.reissue(operation, context)
      break
  }
  throw new Error(`${operation.kind} has no verb for the action "${operation.action}"`)
}

/** The old object of a replacement goes once the new one is durable. */
async function retire(run: Run, driver: Driver, old: RecordedResource, context: OperationContext): Promise<void> {
  const { address, kind, name, id, spec, lifecycle } = old
  const operation: Operation = {
    address,
    kind,
    name,
    id,
    action: 'delete',
    spec,
    lifecycle,
    secrets: new Map(),
    recorded: old,
  }
  const removal = await driver.delete(operation, context)
  const mutations = removalOf(operation, removal, run).filter(mutation => mutation.type !== 'delete-resource')
  const entries = retirementEntries(run, address, removal.revocations)
  if (mutations.length > 0) await commit(run, [...mutations, ...entries], 'state.retire', old)
}

function commit(run: Run, mutations: readonly Mutation[], span: string, { address }: { readonly address: string }) {
  return run.ports.trace.span(span, { address }, () => commitRaw(run, mutations))
}

function commitRaw(run: Run, mutations: readonly Mutation[]) {
  const { store, clock } = run.ports
  const { tenant, lease, actor } = run.settings
  return store.commit(tenant, { mutations, lease, actor, at: clock.now().toISOString() })
}

/** A recorded resource is JSON by construction; interfaces lack the index signature that says so. */
function asJson(resource: RecordedResource): JsonObject {
  return resource as unknown as JsonObject
}

/** What an attempt must share with an earlier one to continue it; an order belongs to the account that made it. */
function hashOf({ address, action, spec, expectedRevision, dependsOn }: PlannedOperation, recorded: RecordedIndex) {
  const on = dependsOn.map(each => recorded.get(each)?.id ?? null).sort()
  return createHash('sha256').update(canonicalJson({ address, action, spec, expectedRevision, on })).digest('hex')
}

function driverFor(ports: ExecutorPorts, kind: string): Driver {
  const driver = ports.drivers.get(kind)
  if (!driver) throw new EngineError('kind_unknown', `no driver for kind "${kind}"`, { remedy: 'update trustform' })
  return driver
}
