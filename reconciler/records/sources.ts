import { audited, EngineError, type Mutation, newId, told } from '../../engine/index.ts'
import { jobMutation } from '../jobs/job-mutation.ts'
import type { Trigger } from '../loop/runs.ts'
import type { DeclaredSource, Sources } from '../services.ts'
import type { Condition, Source, SourceSpec, SourceState } from '../sources/source.ts'
import { pageOf } from './paging.ts'
import { changePlan, openPlans } from './plan-records.ts'
import { commit, type RecordPorts } from './ports.ts'
import { allSources, putSource, saveSource, sourceById, sourceCollection, sourceOf } from './source-records.ts'

/** Who does what `reconciler.yaml` says. */
const operator = 'configuration'

/** Sources that a tenant makes by the API: each may keep a repository of 512 MiB and is polled for ever. */
export const mostSources = 200

/** The sources as records of the state store; passes over them are jobs of the same commits. */
export function createSources(ports: RecordPorts): Sources {
  const { store, clock, random } = ports

  async function get(tenant: string, id: string): Promise<Source | undefined> {
    const record = await store.record(tenant, sourceCollection, id)
    return record && sourceOf(tenant, record)
  }

  function passOver(id: string, trigger: Trigger): Mutation {
    return jobMutation({ queue: 'reconcile', key: id, singleton: id, payload: { source: id, trigger } }, ports)
  }

  async function add(tenant: string, state: SourceState, actor: string): Promise<Source> {
    const { name } = state.spec
    if (await store.recordNamed(tenant, sourceCollection, name)) throw nameTaken(name)
    const id = newId('src', random)
    await commit(ports, tenant, actor, at => [
      putSource(id, state, null),
      audited('source_create', { at, actor, subject: id, data: { name, url: state.spec.url } }),
      told('source.created', { at, actor, subject: id, data: { name } }),
      ...(state.suspended ? [] : [passOver(id, 'request')]),
    ])
    return sourceById(store, tenant, id)
  }

  async function change(source: Source, spec: SourceSpec, actor: string): Promise<Source> {
    const { id: subject } = source
    const { name } = spec
    const { observedCommit: _seen, ...elsewhere } = source
    const isSame = source.spec.url === spec.url && source.spec.branch === spec.branch
    const isThere = spec.forge !== undefined && placeOf(spec) === placeOf(source.spec)
    // Nobody looks any more at the pull requests that these are of.
    const left = isThere ? [] : (await openPlans(store, source)).filter(({ pullRequest }) => pullRequest !== undefined)
    // What was seen of one branch is not missing from another.
    return saveSource(ports, isSame ? source : elsewhere, { spec }, actor, at => [
      ...left.flatMap(plan => changePlan(plan, { state: 'superseded' })),
      audited('source_update', { at, actor, subject, data: { name, changed: changedFields(source.spec, spec) } }),
      told('source.updated', { at, actor, subject, data: { name } }),
      ...(source.suspended ? [] : [passOver(subject, 'request')]),
    ])
  }

  async function setSuspended(source: Source, suspended: boolean, actor: string): Promise<Source> {
    if (source.suspended === suspended) return source
    const { id: subject, spec } = source
    const said = (at: string) => ({ at, actor, subject, data: { name: spec.name } })
    return saveSource(ports, source, { suspended }, actor, at => [
      audited(suspended ? 'source_suspend' : 'source_resume', said(at)),
      told(suspended ? 'source.suspended' : 'source.resumed', said(at)),
      ...(suspended ? [] : [passOver(subject, 'request')]),
    ])
  }

  async function drop(source: Source, actor: string): Promise<void> {
    const { id, tenant, spec } = source
    const open = await openPlans(store, source)
    await commit(ports, tenant, actor, at => [
      { type: 'delete-record', collection: sourceCollection, id },
      // Nobody can apply them any more.
      ...open.flatMap(plan => changePlan(plan, { state: 'superseded' })),
      audited('source_delete', { at, actor, subject: id, data: { name: spec.name } }),
      told('source.deleted', { at, actor, subject: id, data: { name: spec.name } }),
    ])
  }

  return {
    list: (tenant, page) =>
      pageOf(ports, tenant, { collection: sourceCollection }, page, record => sourceOf(tenant, record)),
    get,
    everywhere: () => allSources(store),
    async addressed(nameOrId) {
      // Names are unique per tenant only; which one is meant is shown by the signature.
      return (await allSources(store)).filter(({ id, spec }) => id === nameOrId || spec.name === nameOrId)
    },
    async create(tenant, spec, suspended, actor) {
      const known = await store.records(tenant, { collection: sourceCollection })
      const made = known.filter(record => sourceOf(tenant, record).declaredBy === 'api').length
      if (made >= mostSources) throw tooMany()
      return add(tenant, newState({ spec, suspended }, 'api', clock.now()), actor)
    },
    async update(source, spec, actor) {
      refuseDeclared(source)
      return change(source, spec, actor)
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
      const known = await allSources(store)
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
    const latest = same ? source : await change(source, spec, operator)
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

function changedFields(before: SourceSpec, after: SourceSpec): string[] {
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof SourceSpec> // of these types
  return [...fields].filter(field => JSON.stringify(before[field]) !== JSON.stringify(after[field])).sort()
}

/** Where pull requests are, whoever asks for them. */
const placeOf = ({ forge }: SourceSpec): string => JSON.stringify([forge?.type, forge?.url, forge?.repository])

function refuseDeclared({ declaredBy, spec }: Source): void {
  if (declaredBy === 'api') return
  throw new EngineError('conflict', `the source "${spec.name}" is declared in the service's configuration file`, {
    remedy: 'change it there',
  })
}

function tooMany(): EngineError {
  return new EngineError('conflict', `there are already ${mostSources} sources made through the API`, {
    remedy: 'remove one, or declare it in the configuration file of the service',
  })
}

function nameTaken(name: string): EngineError {
  return new EngineError('conflict', `there is already a source "${name}"`, { remedy: 'choose another name' })
}
