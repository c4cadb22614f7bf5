import type { Address } from '../core/address.ts'
import type { Clock } from '../core/ports.ts'
import type { RecordedResource } from '../core/resource.ts'
import type { Observation } from '../kinds/driver.ts'
import type { MadePlan } from './make-plan.ts'
import { fresh, type Seen, type Sightings } from './sightings.ts'

/**
 * Plans about one resource that were made a moment ago. A door that asks about one resource at a time asks the same
 * several times over (read, diff of what was read, diff of what is declared).
 */
export interface Answers {
  /** The answer, while the state is the same one and nothing else was seen of whatever the plan looked at. */
  of(asked: Asked): MadePlan | undefined
  keep(asked: Asked, made: MadePlan): void
}

/** All that a plan rests on beside what was seen. */
export interface Asked {
  readonly address: Address
  /** The whole state: a store answers an unchanged one with the same resources. */
  readonly state: readonly RecordedResource[]
  /** What is declared and how it was asked, in one word. */
  readonly question: string
}

interface Answer {
  readonly state: readonly RecordedResource[]
  readonly question: string
  readonly until: number
  readonly seen: readonly (readonly [resource: Omit<Seen, 'spec'>, last: Observation | undefined])[]
  readonly made: MadePlan
}

export function createAnswers(clock: Pick<Clock, 'now'>, sightings: Pick<Sightings, 'latest'>): Answers {
  const kept = new Map<Address, Answer>()
  const now = () => clock.now().getTime()
  return {
    of({ address, state, question }) {
      const last = kept.get(address)
      if (!last || last.state !== state || last.question !== question || last.until <= now()) return undefined
      return last.seen.every(([each, seen]) => sightings.latest(each) === seen) ? last.made : undefined
    },
    keep({ address, state, question }, made) {
      const around = [{ address, revision: undefined }, ...made.snapshot.resources]
      const seen = around.map(({ address, revision }) => {
        const resource = { address, revision }
        return [resource, sightings.latest(resource)] as const
      })
      kept.set(address, { state, question, until: now() + fresh, seen, made })
    },
  }
}
