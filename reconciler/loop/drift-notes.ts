import type { FieldDiff, Json, PlanDocument } from '../../engine/index.ts'
import type { DriftNote } from '../sources/source.ts'

/** More are counted, not kept. */
const mostNotes = 100
const mostNamed = 10

/** What a plan found changed outside, in an order that does not depend on who answered first. */
export function driftNotes({ drift }: Pick<PlanDocument, 'drift'>): readonly DriftNote[] {
  return drift
    .map(({ address, diffs }) => ({ address, what: diffs.map(inWords).join(', ') }))
    .toSorted((a, b) => (a.address < b.address ? -1 : 1))
    .slice(0, mostNotes)
}

/** For conditions, events and statuses: each with its name. */
export function driftInWords(notes: readonly DriftNote[]): string {
  const named = notes.slice(0, mostNamed).map(({ address, what }) => `${address}: ${what}`)
  const more = notes.length - named.length
  return [...named, ...(more > 0 ? [`and ${more} more`] : [])].join('; ')
}

function inWords({ path, before, after, sensitive }: FieldDiff): string {
  const field = path.replace(/^\/(status|spec)\//, '').replaceAll('/', ' ')
  return sensitive ? `${field} changed` : `${field} is ${shown(after)}, was ${shown(before)}`
}

const shown = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value))
