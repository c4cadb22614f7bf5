import { type Address, formatAddress } from '../core/address.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { pointerTokens, valueAt } from '../core/pointer.ts'
import type { DesiredResource, Pointer, RecordedResource } from '../core/resource.ts'
import type { Driver, Observation } from '../kinds/driver.ts'
import { loadDrivers } from '../kinds/registry.ts'
import { plan } from '../planner/planner.ts'
import type { DesiredInput, PlanRequest } from '../planner/request.ts'
import { worldOf } from '../planner/world.ts'
import type { Answers } from './answers.ts'
import { fieldFacts } from './field-facts.ts'
import { digestOf, type MadePlan, textsOf } from './make-plan.ts'
import { closureOf, type Neighbourhood, neighbourhoodOf } from './neighbourhood.ts'
import { readContext } from './observe.ts'
import { desiredInputs, secretResolver } from './secrets.ts'
import type { Session } from './session.ts'
import type { Sightings } from './sightings.ts'

export interface AloneOptions {
  readonly address: Address
  /** As it is declared; absent: it goes. */
  readonly resource?: DesiredResource
  /** Others that are to be taken as declared, on top of what is recorded: a preview of several resources. */
  readonly beside?: ReadonlyMap<Address, DesiredResource>
  /** Take it over from another owner. */
  readonly adopt?: boolean
  /** The explicit word where its kind needs one to be deleted or replaced. */
  readonly allow?: boolean
  /** Replace it, whatever its fields say, while it is the object of this id. */
  readonly anew?: string
  readonly signal?: AbortSignal
}

const none: ReadonlyMap<Address, DesiredResource> = new Map()

/**
 * A plan about one resource, for doors that see one at a time: nothing else is pruned or acted upon. It looks at as
 * much of the state as concerns the resource, so that its cost does not grow with the state.
 */
export async function planAlone(
  session: Session,
  sightings: Sightings,
  options: AloneOptions,
  answers?: Answers,
): Promise<MadePlan> {
  const { address, resource, beside = none } = options
  const snapshot = await session.store.snapshot(session.tenant)
  const around = neighbourhoodOf(snapshot)
  await session.expectKeys()
  const declared = resource ? await declaredAround(resource, beside, around) : []
  const resources = declared.map(each => settled(each, around.byAddress.get(each.address)))
  const desired = await inputsOf(session, resources, around)
  const question = { session, sightings, options, around, desired, snapshot }
  if (!resource) return planWithin(question, await withSurveyed(around, around.above([address])))
  // A stand-in is spelled as what it stands for.
  const isSettled = resources.every(({ unknown }) => !unknown)
  const wishes = `${options.adopt ?? false} ${options.allow ?? false} ${options.anew ?? ''}`
  const asked = { address, state: snapshot.resources, question: [wishes, ...textsOf(desired)].join('\n') }
  const known = isSettled ? answers?.of(asked) : undefined
  if (known) return known
  const made = await planWhole(question)
  if (isSettled) answers?.keep(asked, made)
  return made
}

/** With what stands on the resource where another one takes its place. */
async function planWhole(question: Question): Promise<MadePlan> {
  const { options, around } = question
  const { address } = options
  const made = await planWithin(question, [])
  const action = made.plan.document.changes.find(change => change.address === address)?.action
  const isAnother = action === 'replace' || (action === 'create' && around.byAddress.has(address))
  return isAnother ? planWithin(question, around.above([address])) : made
}

/** What stands on something that goes may find what it needs elsewhere. */
async function withSurveyed(around: Neighbourhood, addresses: readonly Address[]): Promise<readonly Address[]> {
  const drivers = [...(await loadDrivers([...new Set(addresses.map(kindOf))])).values()]
  const surveyed = new Set(drivers.flatMap(({ surveys = [] }) => surveys))
  return [...addresses, ...[...surveyed].flatMap(kind => around.ofKind(kind))]
}

interface Question {
  readonly session: Session
  readonly sightings: Sightings
  readonly options: AloneOptions
  readonly around: Neighbourhood
  readonly desired: readonly DesiredInput[]
  readonly snapshot: MadePlan['snapshot']
}

async function planWithin(question: Question, also: readonly Address[]): Promise<MadePlan> {
  const { session, options, around, desired, snapshot } = question
  const declared = desired.map(({ resource }) => resource)
  const kinds = [...declared.map(({ kind }) => kind), ...also.map(kindOf), kindOf(options.address)]
  const recorded = closureOf(around, declared, [options.address, ...also], await loadDrivers(kinds))
  const drivers = await loadDrivers([...kinds, ...recorded.map(({ kind }) => kind)])
  const isToBeReplaced = options.anew !== undefined && around.byAddress.get(options.address)?.id === options.anew
  const base = {
    mode: options.resource ? ('apply' as const) : ('destroy' as const),
    alone: options.address,
    ...(isToBeReplaced && { anew: options.address }),
    owner: session.owner,
    desired,
    recorded,
    now: session.clock.now(),
  }
  const request: PlanRequest = {
    ...base,
    live: await seen(question, base, drivers),
    drivers,
    offline: false,
    lineage: snapshot.lineage,
    serial: snapshot.serial,
    configDigest: digestOf(desired),
    adopt: options.adopt ?? false,
    targets: [],
    excludes: [],
    allow: options.allow ? [options.address] : [],
    force: new Set(),
    fields: fieldFacts,
  }
  return { plan: plan(request), snapshot: { ...snapshot, resources: recorded } }
}

/** The resource itself is looked at; of the others counts what was seen a moment ago. */
async function seen(
  { session, sightings, options }: Question,
  base: Pick<PlanRequest, 'mode' | 'alone' | 'owner' | 'desired' | 'recorded' | 'now'>,
  drivers: ReadonlyMap<string, Driver>,
): Promise<ReadonlyMap<Address, Observation>> {
  const live = new Map<Address, Observation>()
  const revisions = new Map(base.recorded.map(({ address, revision }) => [address, revision]))
  for (const address of new Set([...revisions.keys(), ...base.desired.map(({ resource }) => resource.address)])) {
    const last =
      address === options.address ? undefined : sightings.latest({ address, revision: revisions.get(address) })
    if (last) live.set(address, last)
  }
  const input = base.desired.find(({ resource }) => resource.address === options.address)
  if (!input || input.unknown) return live
  const driver = drivers.get(input.resource.kind)
  if (!driver?.read) return live
  const world = worldOf({ ...base, live })
  const subject = world.subjects.get(options.address)
  if (!subject) return live
  const { address, spec, recorded } = subject
  const asked = { address, spec, revision: recorded?.revision }
  const last = sightings.of(asked)
  const observation = last ?? (await driver.read(subject, world, readContext(session, options.signal)))
  if (last === undefined) sightings.keep(asked, observation === 'nothing' ? undefined : observation)
  if (observation !== undefined && observation !== 'nothing') live.set(address, observation)
  return live
}

/** The resource and those of its neighbours that it leads to, or that its kind looks at. */
async function declaredAround(
  resource: DesiredResource,
  beside: ReadonlyMap<Address, DesiredResource>,
  around: Neighbourhood,
): Promise<DesiredResource[]> {
  const found: DesiredResource[] = []
  const wanted = new Set([resource.address])
  for (const address of wanted) {
    const plain = address === resource.address ? resource : beside.get(address)
    if (!plain) {
      // What is between may be as it was.
      for (const below of around.byAddress.get(address)?.dependsOn ?? []) wanted.add(below)
      continue
    }
    const declared = withStoredSecrets(plain, beside, around)
    found.push(declared)
    for (const { kind, target } of declared.references)
      if ('name' in target) wanted.add(formatAddress(kind, target.name))
    if (beside.size === 0) continue
    const { surveys = [] } = (await loadDrivers([declared.kind])).get(declared.kind) ?? {}
    for (const other of beside.values()) if (surveys.includes(other.kind)) wanted.add(other.address)
  }
  return found
}

/** A stored secret is named by its path; whoever holds it is what the resource stands on. */
function withStoredSecrets(
  resource: DesiredResource,
  beside: ReadonlyMap<Address, DesiredResource>,
  { byAddress, ofKind }: Neighbourhood,
): DesiredResource {
  const asked = resource.secrets.flatMap(({ pointer, reference }) =>
    'secret' in reference ? [{ pointer: `/spec${pointer}`, path: reference.secret.split('#')[0] }] : [],
  )
  if (asked.length === 0) return resource
  const declared = [...beside.values()].filter(({ kind }) => kind === 'Secret')
  const recorded = ofKind('Secret').flatMap(address => byAddress.get(address) ?? [])
  const references = asked.flatMap(({ pointer, path }) => {
    const holder = [...declared, ...recorded].find(({ spec }) => spec.path === path)
    return holder ? [{ pointer, kind: holder.kind, target: { name: holder.name } }] : []
  })
  return { ...resource, references: [...resource.references, ...references] }
}

async function inputsOf(
  session: Session,
  resources: readonly DesiredResource[],
  around: Neighbourhood,
): Promise<DesiredInput[]> {
  const stored = around.ofKind('Secret').flatMap(address => around.byAddress.get(address) ?? [])
  const resolver = secretResolver(session, resources, stored)
  const inputs = await desiredInputs(session, { resources, warnings: [] }, resolver)
  return inputs.map(input => ({ ...input, ...(input.resource.unknown && { unknown: input.resource.unknown }) }))
}

/** What is not known yet counts as it is recorded, or as absent: drivers never see a stand-in. */
function settled(resource: DesiredResource, recorded: RecordedResource | undefined): DesiredResource {
  if (!resource.unknown) return resource
  const document: JsonObject = {
    spec: resource.spec,
    metadata: { labels: resource.labels },
    lifecycle: { ...resource.lifecycle },
  }
  const before: JsonObject = {
    spec: recorded?.spec ?? {},
    metadata: { labels: recorded?.labels ?? {} },
    lifecycle: { ...recorded?.lifecycle },
  }
  // The last of a list first, so that places keep their numbers while items go.
  const plain = resource.unknown.toReversed().reduce((value, pointer) => {
    const instead = valueAt(before, pointer)
    return placed(value, pointerTokens(pointer), instead) as JsonObject // an object stays an object
  }, document)
  const at = (pointer: Pointer): JsonObject => {
    const value = valueAt(plain, pointer)
    return isJsonObject(value) ? value : {}
  }
  return {
    ...resource,
    spec: at('/spec'),
    // As the schema has them, with values of the recorded resource in some places.
    labels: at('/metadata/labels') as DesiredResource['labels'],
    lifecycle: at('/lifecycle') as DesiredResource['lifecycle'],
  }
}

/** A copy with another value at a pointer, or without one there. */
function placed(node: Json | undefined, tokens: readonly string[], value: Json | undefined): Json | undefined {
  const [token, ...rest] = tokens
  if (token === undefined) return value
  if (Array.isArray(node)) {
    const items = (node as readonly Json[]).map((item, index) =>
      String(index) === token ? placed(item, rest, value) : item,
    )
    return items.filter(item => item !== undefined)
  }
  if (!isJsonObject(node)) return node
  const { [token]: inner, ...others } = node
  const changed = placed(inner, rest, value)
  return changed === undefined ? others : { ...others, [token]: changed }
}

function kindOf(address: Address): string {
  return address.slice(0, address.indexOf('/'))
}
