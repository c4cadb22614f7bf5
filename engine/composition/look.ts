import type { Address } from '../core/address.ts'
import { secretPointers } from '../core/fingerprint.ts'
import type { Pointer, RecordedResource } from '../core/resource.ts'
import { Secret } from '../core/secret.ts'
import { specSecretId } from '../executor/context.ts'
import type { Observation, Verdict } from '../kinds/driver.ts'
import { loadDrivers } from '../kinds/registry.ts'
import { worldOf } from '../planner/world.ts'
import { closureOf, neighbourhoodOf } from './neighbourhood.ts'
import { type CertificateView, certificateOf } from './objects.ts'
import { readContext } from './observe.ts'
import type { Session } from './session.ts'
import type { Sightings } from './sightings.ts'

export interface LookOptions {
  /** False: only what was seen a moment ago counts, and nobody outside is asked. */
  readonly outside: boolean
  readonly signal?: AbortSignal
}

/** A recorded resource as it stands now. */
export interface Look {
  readonly resource: RecordedResource
  readonly live?: Observation
  /** The current one, where it has one. */
  readonly certificate?: CertificateView
  /** What its kind asks for, without anybody having changed its fields. */
  readonly verdict?: Verdict
  /** When time will ask for a new version; absent where it never does. */
  readonly renewsAt?: Date
  /** Who wrote it last, as the history has it; undefined where that was left out of a restored state. */
  readonly changedBy: () => Promise<string | undefined>
}

/** Undefined where nothing is recorded. By address, or by the id of the object. */
export async function lookAt(
  session: Session,
  sightings: Sightings,
  asked: { readonly address: Address } | { readonly id: string },
  { outside, signal }: LookOptions,
): Promise<Look | undefined> {
  const snapshot = await session.store.snapshot(session.tenant)
  const around = neighbourhoodOf(snapshot)
  const resource = 'id' in asked ? around.byId.get(asked.id) : around.byAddress.get(asked.address)
  if (!resource) return undefined
  const { address, kind, spec, revision } = resource
  const surveyed = (await loadDrivers([kind])).get(kind)?.surveys ?? []
  const also = [address, ...surveyed.flatMap(each => around.ofKind(each))]
  const recorded = closureOf(around, [], also, new Map())
  const drivers = await loadDrivers(recorded.map(each => each.kind))
  const driver = drivers.get(kind)
  const live = new Map<Address, Observation>()
  for (const each of recorded) {
    const last = sightings.latest(each)
    if (last) live.set(each.address, last)
  }
  const base = {
    mode: 'apply',
    alone: address,
    owner: session.owner,
    desired: [],
    recorded,
    now: session.clock.now(),
  } as const
  const before = worldOf({ ...base, live })
  if (outside && driver?.read) {
    const subject = before.subjects.get(address)
    const seen = subject && (await driver.read(subject, before, readContext(session, signal)))
    sightings.keep({ address, spec, revision }, seen)
    if (seen) live.set(address, seen)
  }
  const world = before.subjects.get(address)?.live === live.get(address) ? before : worldOf({ ...base, live })
  const subject = world.subjects.get(address)
  if (!subject) return undefined
  const judged = { ...subject, recorded: resource, diffs: [] }
  const verdict = driver?.decide?.(judged, world)
  const renewsAt = driver?.renewalTime?.(judged)
  const seen = live.get(address)
  const certificate = await certificateOf(session, resource, snapshot)
  return {
    resource,
    ...(seen && { live: seen }),
    ...(certificate && { certificate }),
    ...(verdict && { verdict }),
    ...(renewsAt && { renewsAt }),
    // Few who look want to know.
    async changedBy() {
      const [change] = await session.store.history(session.tenant, { address, sinceSerial: revision - 1, limit: 1 })
      return change?.actor
    },
  }
}

/** The values of a resource's confidential fields, for a door that has to hand them to its user again. */
export async function openSecrets(
  session: Session,
  { id, spec }: Pick<RecordedResource, 'id' | 'spec'>,
): Promise<ReadonlyMap<Pointer, Secret>> {
  const values = new Map<Pointer, Secret>()
  for (const pointer of secretPointers(spec)) {
    const octets = await session.unseal(specSecretId(id, pointer))
    if (octets) values.set(pointer, new Secret(Buffer.from(octets.reveal()).toString('utf8')))
  }
  return values
}
