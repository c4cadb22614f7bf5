import { EVENT_ID, type Event, getScalarValue, SCALAR_STYLE } from 'js-yaml'
import type { Position } from '../core/errors.ts'
import { pointerTokens } from '../core/pointer.ts'
import type { Pointer } from '../core/resource.ts'
import { frameLine } from './code-frame.ts'
import { eventsOf } from './yaml.ts'
import type { YamlDocument } from './yaml-builder.ts'
import { isFlow, type Range, rangeOf } from './yaml-range.ts'

/**
 * The text of one manifest, able to say where something stands in it. Nothing is kept per value: the piece around a
 * document is parsed again when an error asks, and the last few answers are remembered.
 */
export class SourceText {
  readonly file: string
  readonly text: string
  #lineStarts: readonly number[] | undefined

  constructor(file: string, text: string) {
    this.file = file
    this.text = text
  }

  /** `confidential`: the code frame must not show what stands there. */
  position({ start, end }: Range, confidential: boolean): Position {
    const lineStarts = this.#lines()
    let low = 0
    let high = lineStarts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((lineStarts[middle] ?? 0) <= start) low = middle
      else high = middle - 1
    }
    const lineStart = lineStarts[low] ?? 0
    const lineEnd = lineEndAfter(this.text, lineStart)
    const sourceLine = frameLine(this.text, { start: lineStart, end: lineEnd }, start, confidential)
    return {
      file: this.file,
      line: low + 1,
      column: start - lineStart + 1,
      ...(sourceLine !== undefined && { sourceLine }),
      length: Math.max(1, Math.min(end, lineEnd) - start),
    }
  }

  /** Where the key or the value at a pointer of a document stands; undefined when the document does not say it. */
  find(document: YamlDocument, pointer: Pointer, part: 'key' | 'value'): Range | undefined {
    const { text, piece } = { text: this.text, piece: document.piece }
    const found = walk(
      recentEvents.of(text, piece),
      text.slice(piece.start, piece.end),
      document.event,
      pointerTokens(pointer),
    )
    if (found === undefined) return undefined
    // A block begins on the next line, at something else's name: its own key is meant.
    const wantKey = part === 'key' || found.value === undefined || isBlock(found.value)
    const event = wantKey ? (found.key ?? found.value) : found.value
    if (event === undefined) return undefined
    const range = rangeOf(event)
    return { start: range.start + piece.start, end: range.end + piece.start }
  }

  /** Where the content of a document begins. */
  content({ piece, event }: YamlDocument): Range {
    const first = recentEvents.of(this.text, piece)[event + 1]
    if (first === undefined) return piece
    const { start, end } = rangeOf(first)
    return { start: start + piece.start, end: end + piece.start }
  }

  #lines(): readonly number[] {
    if (this.#lineStarts) return this.#lineStarts
    const starts = [0]
    for (let at = this.text.indexOf('\n'); at !== -1; at = this.text.indexOf('\n', at + 1)) starts.push(at + 1)
    this.#lineStarts = starts
    return starts
  }
}

function lineEndAfter(text: string, start: number): number {
  const end = text.indexOf('\n', start)
  if (end === -1) return text.length
  return text.charCodeAt(end - 1) === 0x0d && end > start ? end - 1 : end
}

function isCollection(event: Event): boolean {
  return event.type === EVENT_ID.MAPPING || event.type === EVENT_ID.SEQUENCE
}

function isBlock(event: Event): boolean {
  if (event.type !== EVENT_ID.SCALAR) return isCollection(event) && !isFlow(event)
  return event.style === SCALAR_STYLE.LITERAL_BLOCK || event.style === SCALAR_STYLE.FOLDED_BLOCK
}

interface Found {
  readonly key: Event | undefined
  /** Undefined for an empty value. */
  readonly value: Event | undefined
}

/** Follows a pointer through the events of a document. */
function walk(events: readonly Event[], text: string, document: number, tokens: readonly string[]): Found | undefined {
  let key: Event | undefined
  let index = document + 1
  for (const token of tokens) {
    index = resolved(events, text, document, index)
    const event = events[index]
    if (event?.type === EVENT_ID.SEQUENCE) {
      index++
      for (let item = Number(token); item > 0; item--) index = after(events, index)
      const found = events[index]
      if (found === undefined || found.type === EVENT_ID.POP) return undefined
      key = found.type === EVENT_ID.SCALAR || isFlow(found) ? undefined : firstKey(events, index)
    } else if (event?.type === EVENT_ID.MAPPING) {
      index = keyNamed(events, text, index + 1, token)
      if (index === -1) return undefined
      key = events[index]
      index++
    } else return undefined
  }
  const value = events[index]
  if (value === undefined) return undefined
  return {
    key,
    value: value.type === EVENT_ID.SCALAR && value.valueStart === -1 && value.tagStart === -1 ? undefined : value,
  }
}

function keyNamed(events: readonly Event[], text: string, from: number, name: string): number {
  let index = from
  for (let event = events[index]; event !== undefined && event.type !== EVENT_ID.POP; event = events[index]) {
    if (event.type === EVENT_ID.SCALAR && getScalarValue(text, event) === name) return index
    index = after(events, after(events, index))
  }
  return -1
}

/** An item of a block list has no key; its first own key stands at the place that a reader looks at. */
function firstKey(events: readonly Event[], index: number): Event | undefined {
  const next = events[index + 1]
  return events[index]?.type === EVENT_ID.MAPPING && next?.type === EVENT_ID.SCALAR ? next : undefined
}

/** The index after the node that begins at `index`. */
function after(events: readonly Event[], index: number): number {
  let depth = 0
  for (let at = index; at < events.length; at++) {
    const event = events[at]
    if (event === undefined) break
    if (isCollection(event)) depth++
    else if (event.type === EVENT_ID.POP) depth--
    if (depth <= 0) return at + 1
  }
  return events.length
}

/** The node that an alias stands for: the latest one with that anchor before it. */
function resolved(events: readonly Event[], text: string, document: number, index: number): number {
  const event = events[index]
  if (event?.type !== EVENT_ID.ALIAS) return index
  const name = text.slice(event.anchorStart, event.anchorEnd)
  for (let at = index - 1; at > document; at--) {
    const candidate = events[at]
    if (candidate && 'anchorStart' in candidate && candidate.type !== EVENT_ID.ALIAS && candidate.anchorStart !== -1) {
      if (text.slice(candidate.anchorStart, candidate.anchorEnd) === name) return at
    }
  }
  return index
}

/** Errors and `render` ask for neighbours, so a few pieces' events are kept, by the identity of the text. */
const recentEvents = {
  entries: [] as { readonly text: string; readonly start: number; readonly events: readonly Event[] }[],
  of(text: string, piece: Range): readonly Event[] {
    const known = this.entries.find(entry => entry.start === piece.start && entry.text === text)
    if (known) return known.events
    const events = eventsOf(text, piece)
    this.entries = [{ text, start: piece.start, events }, ...this.entries.slice(0, 3)]
    return events
  },
}
