import { type Address, formatAddress } from '../core/address.ts'
import { isJsonObject, type Json } from '../core/json.ts'
import type { RecordedResource, Reference } from '../core/resource.ts'
import type { Action, Reason, Subject, World } from '../kinds/driver.ts'
import type { PlanRequest } from './request.ts'

/** A subject whose decision is filled in while the plan is made. */
export type DecidedSubject = Subject & { planned?: { readonly action: Action; readonly reason: Reason } }

/** Everything that is declared or recorded, by address, kind and id. */
export class PlanWorld implements World {
  readonly now: Date
  readonly subjects = new Map<Address, DecidedSubject>()
  readonly #byKind = new Map<string, DecidedSubject[]>()
  readonly #byId = new Map<string, DecidedSubject>()

  constructor(now: Date, subjects: Iterable<DecidedSubject>) {
    this.now = now
    for (const subject of subjects) {
      this.subjects.set(subject.address, subject)
      const same = this.#byKind.get(subject.kind)
      if (same) same.push(subject)
      else this.#byKind.set(subject.kind, [subject])
      if (subject.recorded) this.#byId.set(subject.recorded.id, subject)
    }
  }

  find(kind: string, reference: Json | undefined): Subject | undefined {
    if (typeof reference === 'string') return this.subjects.get(formatAddress(kind, reference))
    if (isJsonObject(reference) && typeof reference.external === 'string') {
      const subject = this.#byId.get(reference.external)
      return subject?.kind === kind ? subject : undefined
    }
    return undefined
  }

  all(kind: string): readonly Subject[] {
    return this.#byKind.get(kind) ?? []
  }

  /** The address that a typed reference leads to, when there is something. */
  addressOf(reference: Reference): Address | undefined {
    const { target } = reference
    return this.find(reference.kind, 'name' in target ? target.name : { external: target.external })?.address
  }
}

/** Joins what is declared with what is recorded and seen. */
export function worldOf(
  request: Pick<PlanRequest, 'mode' | 'owner' | 'desired' | 'recorded' | 'live' | 'now' | 'alone'>,
): PlanWorld {
  const subjects = new Map<Address, DecidedSubject>()
  const recorded = new Map(request.recorded.map(resource => [resource.address, resource]))
  for (const { resource, spec, secrets } of request.desired) {
    const { address, kind, name } = resource
    const known = recorded.get(address)
    const live = request.live.get(address)
    subjects.set(address, {
      address,
      kind,
      name,
      spec,
      declared: true,
      secrets,
      ...(known && { recorded: known }),
      ...(live && { live }),
    })
  }
  for (const known of request.recorded) {
    if (subjects.has(known.address)) continue
    const { address, kind, name, spec } = known
    const live = request.live.get(address)
    subjects.set(address, {
      address,
      kind,
      name,
      spec,
      declared: false,
      secrets: new Map(),
      recorded: known,
      ...(goes(known, request) && { going: true as const }),
      ...(live && { live }),
    })
  }
  return new PlanWorld(request.now, subjects.values())
}

/** What is recorded and no longer declared goes when it is ours; alone, only the one that was named does. */
function goes(
  { address, owner }: RecordedResource,
  { mode, owner: ours, alone }: Pick<PlanRequest, 'mode' | 'owner' | 'alone'>,
): boolean {
  if (alone !== undefined) return mode === 'destroy' && address === alone
  return mode !== 'renew' && owner === ours
}
