import {
  audited,
  EngineError,
  type JsonObject,
  type Mutation,
  newId,
  type StoredRecord,
  told,
} from '../../engine/index.ts'
import { jobMutation } from '../jobs/job-mutation.ts'
import type { Trigger } from '../loop/runs.ts'
import type { DeclaredSource, Source, Sources } from '../services.ts'
import type { Condition, SourceSpec, SourceState } from '../sources/source.ts'
import { commit, pageOf, type RecordPorts } from './ports.ts'

const collection = 'source'

/** Who does what `reconciler.yaml` says. */
const operator = 'configuration'

/** The sources as records of the state store; passes over them are jobs of the same commits. */
export function createSources(ports: RecordPorts): Sources {
  const { store, clock, random } = ports

  async function get(tenant: string, id: string): Promise<Source | undefined> {
    const record = await store.record(tenant, collection, id)
    return record && sourceOf(tenant, record)
  }

  async function written(tenant: string, id: string): Promise<Source> {
    const source = await get(tenant, id)
    if (source) return source
    throw new EngineError('state_conflict', `the source ${id} was removed meanwhile`, { remedy: 'list the sources' })
  }

  function passOver(id: string, trigger: Trigger): Mutation {
    return jobMutation({ queue: 'reconcile', key: id, singleton: id, payload: { source: id, trigger } }, ports)
  }

  async function add(tenant: string, state: SourceState, actor: string): Promise<Source> {
    const { name } = state.spec
    if (await store.recordNamed(tenant, collection, name)) throw nameTaken(name)
    const id = newId('src', random)
    await commit(ports, tenant, actor, at => [
      put(id, state, null),
      audited('source_create', { at, actor, subject: id, data: { name, url: state.spec.url } }),
      told('source.created', { at, actor, subject: id, data: { name } }),
      ...(state.suspended ? [] : [passOver(id, 'request')]),
    ])
    return written(tenant, id)
  }

  async function change(source: Source, next: SourceState, actor: string): Promise<Source> {
    const { id, tenant, version } = source
    const { name } = next.spec
    await commit(ports, tenant, actor, at => [
      put(id, next, version),
      audited('source_update', {
        at,
        actor,
        subject: id,
        data: { name, changed: changedFields(source.spec, next.spec) },
      }),
      told('source.updated', { at, actor, subject: id, data: { name } }),
      ...(next.suspended ? [] : [passOver(id, 'request')]),
    ])
    return written(tenant, id)
  }

  async function setSuspended(source: Source, suspended: boolean, actor: string): Promise<Source> {
    if (source.suspended === suspended) return source
    const { id, tenant, version, spec } = source
    const said = (at: string) => ({ at, actor, subject: id, data: { name: spec.name } })
    await commit(ports, tenant, actor, at => [
      put(id, { ...stateOf(source), suspended }, version),
      audited(suspended ? 'source_suspend' : 'source_resume', said(at)),
      told(suspended ? 'source.suspended' : 'source.resumed', said(at)),
      ...(suspended ? [] : [passOver(id, 'request')]),
    ])
    return written(tenant, id)
  }

  async function drop(source: Source, actor: string): Promise<void> {
    const { id, tenant, spec } = source
    const plans = await store.records(tenant, { collection: 'plan', parent: id })
    const open = plans.filter(({ data }) => data.state === 'pending' || data.state === 'approved')
    await commit(ports, tenant, actor, at => [
      { type: 'delete-record', collection, id },
      // Nobody can apply them any more.
      ...open.map(plan => superseded(plan)),
      audited('source_delete', { at, actor, subject: id, data: { name: spec.name } }),
      told('source.deleted', { at, actor, subject: id, data: { name: spec.name } }),
    ])
  }

  async function everywhere(): Promise<Source[]> {
    return (await store.recordsEverywhere({ collection })).map(record => sourceOf(record.tenant, record))
  }

  return {
    list: (tenant, page) => pageOf(ports, tenant, { collection }, page, record => sourceOf(tenant, record)),
    get,
    everywhere,
    async addressed(nameOrId) {
      // Names are unique per tenant only; which one is meant is shown by the signature.
      return (await everywhere()).filter(({ id, spec }) => id === nameOrId || spec.name === nameOrId)
    },
    create: (tenant, spec, suspended, actor) => add(tenant, newState({ spec, suspended }, 'api', clock.now()), actor),
    async update(source, spec, actor) {
      refuseDeclared(source)
      return change(source, { ...stateOf(source), spec }, actor)
    },
    async remove(source, actor) {
      refuseDeclared(source)
      await drop(source, actor)
    },
    suspend: setSuspended,
    async reconcile(source, trigger, actor) {
      const { id, tenant, spec, suspended } = source
      if (suspended) {
        throw new EngineError('conflict', `the source "${spec.name}" is suspended`, { remedy: 'resume it first' })
      }
      await commit(ports, tenant, actor, at => [
        audited('source_reconcile', { at, actor, subject: id, data: { name: spec.name } }),
        passOver(id, trigger),
      ])
    },
    async declare(declared) {
      const known = await everywhere()
      const isOf =
        ({ spec }: DeclaredSource) =>
        (source: Source) =>
          source.tenant === spec.tenant && source.spec.name === spec.name
      for (const each of declared) {
        const source = known.find(isOf(each))
        if (!source) await add(each.spec.tenant, newState(each, 'configuration', clock.now()), operator)
        else if (source.declaredBy === 'api') throw nameTaken(each.spec.name)
        else await redeclare(source, each)
      }
      for (const source of known) {
        if (source.declaredBy === 'configuration' && !declared.some(each => isOf(each)(source)))
          await drop(source, operator)
      }
    },
  }

  /** `suspended` of the file counts when it changes there: who suspended it meanwhile by the API meant it. */
  async function redeclare(source: Source, { spec, suspended }: DeclaredSource): Promise<void> {
    const same = changedFields(source.spec, spec).length === 0
    const latest = same ? source : await change(source, { ...stateOf(source), spec }, operator)
    if (suspended && !latest.suspended) await setSuspended(latest, true, operator)
  }
}

function newState({ spec, suspended }: DeclaredSource, declaredBy: SourceState['declaredBy'], now: Date): SourceState {
  const since = now.toISOString()
  const pending: Condition = {
    type: 'Ready',
    status: 'Unknown',
    reason: 'Pending',
    message: 'waiting for the first pass',
    since,
  }
  return { spec, declaredBy, suspended, conditions: [pending], failures: 0 }
}

function stateOf(source: Source): SourceState {
  const { id: _id, tenant: _tenant, version: _version, createdAt: _made, updatedAt: _changed, ...state } = source
  return state
}

function put(id: string, state: SourceState, expectedVersion: number | null): Mutation {
  // A source's state is JSON by construction; interfaces lack the index signature that says so.
  const data = state as unknown as JsonObject
  return { type: 'put-record', record: { collection, id, name: state.spec.name, data }, expectedVersion }
}

function superseded({ collection: plans, id, parent, data, version }: StoredRecord): Mutation {
  return {
    type: 'put-record',
    record: { collection: plans, id, data: { ...data, state: 'superseded' }, ...(parent !== undefined && { parent }) },
    expectedVersion: version,
  }
}

function sourceOf(tenant: string, { id, data, version, createdAt, updatedAt }: StoredRecord): Source {
  // Only the loop and this module write these records, both through the type.
  return { ...(data as unknown as SourceState), id, tenant, version, createdAt, updatedAt }
}

function changedFields(before: SourceSpec, after: SourceSpec): string[] {
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof SourceSpec> // of these types
  return [...fields].filter(field => JSON.stringify(before[field]) !== JSON.stringify(after[field])).sort()
}

function refuseDeclared({ declaredBy, spec }: Source): void {
  if (declaredBy === 'api') return
  throw new EngineError('conflict', `the source "${spec.name}" is declared in the service's configuration file`, {
    remedy: 'change it there',
  })
}

function nameTaken(name: string): EngineError {
  return new EngineError('conflict', `there is already a source "${name}"`, { remedy: 'choose another name' })
}
