import type { Address } from '../../../core/address.ts'
import { EngineError } from '../../../core/errors.ts'
import type { RecordedResource } from '../../../core/resource.ts'
import type { Commit, HistoryEntry, HistoryQuery, ResourceDraft, Snapshot } from '../../store.ts'
import { query, type Runner, template } from './query.ts'
import { historyFrom, resourceFrom, resourceRow } from './rows.ts'

/** A snapshot that was read before. */
export interface KnownSnapshot {
  readonly snapshot: Snapshot
  readonly byAddress: ReadonlyMap<Address, RecordedResource>
}

const readTenant = template<{ tenant: string }>()(slot =>
  query.selectFrom('tenant').select(['lineage', 'serial']).where('name', '=', slot.tenant),
)

const readTenants = template<Record<string, never>>()(() => query.selectFrom('tenant').select('name').orderBy('name'))

const insertTenant = template<{ name: string; lineage: string; serial: number }>()(slot =>
  query.insertInto('tenant').values({ name: slot.name, lineage: slot.lineage, serial: slot.serial }),
)

const moveSerial = template<{ name: string; serial: number }>()(slot =>
  query.updateTable('tenant').set({ serial: slot.serial }).where('name', '=', slot.name),
)

const resourceColumns = ['address', 'id', 'owner', 'revision', 'body'] as const

/** The body is what costs: of a resource that is not newer than `known` it is null. */
const readResources = template<{ tenant: string; known: number }>()(slot =>
  query
    .selectFrom('resource')
    .select(['address', 'id', 'owner', 'revision'])
    .select(each => each.case().when('revision', '>', slot.known).then(each.ref('body')).end().as('body'))
    .where('tenant', '=', slot.tenant)
    .orderBy('address'),
)

const readResource = template<{ tenant: string; address: string }>()(slot =>
  query
    .selectFrom('resource')
    .select(resourceColumns)
    .where('tenant', '=', slot.tenant)
    .where('address', '=', slot.address),
)

const putResource = template<{
  tenant: string
  address: string
  id: string
  owner: string
  revision: number
  body: string
}>()(slot =>
  query
    .insertInto('resource')
    .values({
      tenant: slot.tenant,
      address: slot.address,
      id: slot.id,
      owner: slot.owner,
      revision: slot.revision,
      body: slot.body,
    })
    .onConflict(conflict =>
      conflict
        .columns(['tenant', 'address'])
        .doUpdateSet({ id: slot.id, owner: slot.owner, revision: slot.revision, body: slot.body }),
    ),
)

const deleteResource = template<{ tenant: string; address: string }>()(slot =>
  query.deleteFrom('resource').where('tenant', '=', slot.tenant).where('address', '=', slot.address),
)

const insertHistory = template<{
  tenant: string
  serial: number
  address: string
  at: string
  actor: string
  before: string | null
  after: string | null
}>()(slot =>
  query.insertInto('history').values({
    tenant: slot.tenant,
    serial: slot.serial,
    address: slot.address,
    at: slot.at,
    actor: slot.actor,
    before: slot.before,
    after: slot.after,
  }),
)

/** Identity and serial of a tenant's state; undefined before its first commit. */
export function identityOf(runner: Runner, tenant: string): { lineage: string; serial: number } | undefined {
  return runner.get(readTenant, { tenant })
}

export function createIdentity(runner: Runner, name: string, lineage: string, serial: number): void {
  runner.run(insertTenant, { name, lineage, serial })
}

export function advanceSerial(runner: Runner, name: string, serial: number): void {
  runner.run(moveSerial, { name, serial })
}

export function tenantNames(runner: Runner): string[] {
  return runner.all(readTenants, {}).map(row => row.name)
}

/**
 * Call inside a transaction: identity and resources belong to one moment. `known` is an earlier reading of the same
 * lineage; what has not changed since is taken from it.
 */
export function readSnapshot(runner: Runner, tenant: string, known?: KnownSnapshot): Snapshot {
  const identity = identityOf(runner, tenant) ?? { lineage: '', serial: 0 }
  const asked = { tenant, known: known?.snapshot.serial ?? -1 }
  const resources = runner.map(readResources, asked, ({ body, ...row }) => {
    if (body !== null) return resourceFrom({ ...row, body })
    const same = known?.byAddress.get(row.address as Address) // written from an Address
    if (!same) throw new Error(`${row.address} was not read at revision ${row.revision}`)
    return same
  })
  return { ...identity, resources }
}

export function findResource(runner: Runner, tenant: string, address: Address): RecordedResource | undefined {
  const row = runner.get(readResource, { tenant, address })
  return row && resourceFrom(row)
}

/** What a change of declared state belongs to. */
export interface Change {
  readonly tenant: string
  readonly serial: number
  readonly commit: Commit
}

/**
 * The new revision is the serial of the commit that writes it: it never repeats, so that a plan made for a resource
 * that has since been deleted and made again does not fit by accident.
 */
export function writeResource(
  runner: Runner,
  change: Change,
  draft: ResourceDraft,
  expectedRevision: number | null,
): number {
  const before = findResource(runner, change.tenant, draft.address)
  expectRevision(draft.address, before, expectedRevision)
  const row = resourceRow(change.tenant, draft, change.serial)
  runner.run(putResource, row)
  remember(runner, change, draft.address, before, resourceFrom(row))
  return row.revision
}

export function removeResource(runner: Runner, change: Change, address: Address, expectedRevision: number): void {
  const before = findResource(runner, change.tenant, address)
  expectRevision(address, before, expectedRevision)
  runner.run(deleteResource, { tenant: change.tenant, address })
  remember(runner, change, address, before, undefined)
}

/** Writes declared state as it was elsewhere, with its revisions and history. */
export function restoreDeclared(
  runner: Runner,
  tenant: string,
  declared: Snapshot,
  history: readonly HistoryEntry[],
): void {
  createIdentity(runner, tenant, declared.lineage, declared.serial)
  for (const resource of declared.resources) runner.run(putResource, resourceRow(tenant, resource, resource.revision))
  for (const { serial, at, actor, address, before, after } of history) {
    runner.run(insertHistory, {
      tenant,
      serial,
      address,
      at,
      actor,
      before: before && JSON.stringify(before),
      after: after && JSON.stringify(after),
    })
  }
}

/** Oldest first. */
export function readHistory(runner: Runner, tenant: string, asked: HistoryQuery): HistoryEntry[] {
  let built = query
    .selectFrom('history')
    .select(['serial', 'at', 'actor', 'address', 'before', 'after'])
    .where('tenant', '=', tenant)
    .orderBy('seq')
  if (asked.address !== undefined) built = built.where('address', '=', asked.address)
  if (asked.sinceSerial !== undefined) built = built.where('serial', '>', asked.sinceSerial)
  if (asked.limit !== undefined) built = built.limit(asked.limit)
  return runner.select(built.compile()).map(historyFrom)
}

function remember(
  runner: Runner,
  { tenant, serial, commit }: Change,
  address: Address,
  before: RecordedResource | undefined,
  after: RecordedResource | undefined,
): void {
  runner.run(insertHistory, {
    tenant,
    serial,
    address,
    at: commit.at,
    actor: commit.actor,
    before: before === undefined ? null : JSON.stringify(before),
    after: after === undefined ? null : JSON.stringify(after),
  })
}

function expectRevision(address: Address, found: RecordedResource | undefined, expected: number | null): void {
  if ((found?.revision ?? null) === expected) return
  const what =
    found === undefined
      ? `${address} is no longer recorded`
      : expected === null
        ? `${address} is already recorded (revision ${found.revision})`
        : `${address} was changed meanwhile (revision ${found.revision}, expected ${expected})`
  throw new EngineError('state_conflict', what, { remedy: 'plan again and apply the new plan', address })
}
