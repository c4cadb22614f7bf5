import { COLLECTION_STYLE, EVENT_ID, type Event, SCALAR_STYLE } from 'js-yaml'

/** A range in the text, as offsets in code units. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** What of the text an event covers: a scalar with its quotes, the first character of a collection. */
export function rangeOf(event: Event): Range {
  switch (event.type) {
    case EVENT_ID.SCALAR: {
      if (event.valueStart === -1)
        return {
          start: Math.max(event.anchorStart - 1, event.tagStart, 0),
          end: Math.max(event.anchorEnd, event.tagEnd, 1),
        }
      const quotes = event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED ? 1 : 0
      return { start: event.valueStart - quotes, end: event.valueEnd + quotes }
    }
    case EVENT_ID.ALIAS:
      return { start: event.anchorStart - 1, end: event.anchorEnd }
    case EVENT_ID.MAPPING:
    case EVENT_ID.SEQUENCE:
      return { start: event.start, end: event.start + 1 }
    default:
      return { start: 0, end: 1 }
  }
}

/** Whether an event opens `{…}` or `[…]`. */
export function isFlow(event: Event): boolean {
  return (event.type === EVENT_ID.MAPPING || event.type === EVENT_ID.SEQUENCE) && event.style === COLLECTION_STYLE.FLOW
}
