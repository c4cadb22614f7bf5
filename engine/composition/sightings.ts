import type { Address } from '../core/address.ts'
import { canonicalJson } from '../core/canonical-json.ts'
import type { JsonObject } from '../core/json.ts'
import type { Clock } from '../core/ports.ts'
import type { Observation } from '../kinds/driver.ts'

/** Milliseconds for which what was seen outside counts as seen. */
export const fresh = 60_000

/**
 * What was seen outside a moment ago. A door that asks about one resource at a time asks several times about each
 * (read, diff, preview, update), and the others' servers are not to be asked as often.
 */
export interface Sightings {
  /** What was seen of this resource as it is here; `'nothing'` where its kind had nothing to look at. */
  of(seen: Seen): Observation | 'nothing' | undefined
  keep(seen: Seen, observation: Observation | undefined): void
  /** What was last seen of a resource, however it was declared; what was seen of an earlier revision does not count. */
  latest(resource: Omit<Seen, 'spec'>): Observation | undefined
}

export interface Seen {
  readonly address: Address
  readonly spec: JsonObject
  readonly revision: number | undefined
}

export function createSightings(clock: Pick<Clock, 'now'>): Sightings {
  const kept = new Map<
    Address,
    {
      readonly of: string
      readonly revision: number | undefined
      readonly until: number
      readonly seen: Observation | 'nothing'
    }
  >()
  const now = () => clock.now().getTime()
  return {
    of(asked) {
      const last = kept.get(asked.address)
      return last && last.until > now() && last.of === keyOf(asked) ? last.seen : undefined
    },
    keep(asked, observation) {
      const { address, revision } = asked
      kept.set(address, { of: keyOf(asked), revision, until: now() + fresh, seen: observation ?? 'nothing' })
    },
    latest({ address, revision }) {
      const last = kept.get(address)
      const counts = last && last.until > now() && last.revision === revision
      return counts && last.seen !== 'nothing' ? last.seen : undefined
    },
  }
}

/** Secrets are fingerprints here. */
function keyOf({ spec, revision = 0 }: Seen): string {
  return `${revision} ${canonicalJson(spec)}`
}
