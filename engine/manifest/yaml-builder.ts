import { EVENT_ID, type Event, getScalarValue, SCALAR_STYLE } from 'js-yaml'
import type { Json } from '../core/json.ts'
import { type Range, rangeOf } from './yaml-range.ts'
import { resolvePlainScalar } from './yaml-scalar.ts'

/** Bounds against hostile input; each is far above what a configuration needs. */
export const yamlLimits = {
  /** Octets of one file. */
  fileSize: 4 * 1024 * 1024,
  /** Characters of one document: of short values it takes a hundred times as many octets to parse. */
  documentSize: 512 * 1024,
  /** Documents of one load. */
  documents: 100_000,
  depth: 64,
  /** Values, and characters of strings, that all aliases of one document may stand for. */
  aliasValues: 10_000,
  aliasCharacters: 1024 * 1024,
  /** Refusals told per file. */
  problems: 100,
} as const

/** Why a file or a document was refused. */
export interface YamlProblem {
  readonly code: 'yaml_syntax' | 'yaml_refused' | 'input_too_large'
  readonly message: string
  readonly remedy: string
  readonly range: Range
}

/** One document, and where to find its parts again: its piece of the text and its first event there. */
export interface YamlDocument {
  readonly value: Json
  readonly piece: Range
  readonly event: number
}

type MutableObject = { [key: string]: Json | undefined }
type Collection = MutableObject | Json[]

interface Frame {
  readonly opened: Event
  readonly value: Collection
  readonly anchor: string | undefined
  /** The key that waits for its value; null for a key that was refused. */
  key: string | null | undefined
}

const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])
const acceptedTags: ReadonlySet<string> = new Set(['!', '!!str', '!!map', '!!seq'])

/** Builds plain values from the events of one piece, and collects what it refuses. */
export class YamlBuilder {
  readonly #text: string
  readonly #piece: Range
  readonly #documents: YamlDocument[]
  readonly #problems: YamlProblem[]
  #anchors = new Map<string, Json | undefined>()
  #aliasValues = 0
  #aliasCharacters = 0

  constructor(text: string, piece: Range, documents: YamlDocument[], problems: YamlProblem[]) {
    this.#text = text
    this.#piece = piece
    this.#documents = documents
    this.#problems = problems
  }

  build(events: readonly Event[]): void {
    const stack: Frame[] = []
    let root: Json | undefined
    let start = 0
    let found = 0
    for (const [index, event] of events.entries()) {
      let value: Json | undefined
      let node = event
      switch (event.type) {
        case EVENT_ID.DOCUMENT:
          root = undefined
          start = index
          found = this.#problems.length
          if (this.#anchors.size > 0) this.#anchors = new Map()
          this.#aliasValues = 0
          this.#aliasCharacters = 0
          if (event.directives.some(directive => directive.kind === 'tag')) {
            this.#refuse('a %TAG directive is not accepted', 'remove it', { start: 0, end: 1 })
          }
          continue
        case EVENT_ID.MAPPING:
        case EVENT_ID.SEQUENCE: {
          this.#checkTag(event)
          const anchor = this.#anchorOf(event)
          // An alias to a collection that is not finished would contain itself.
          if (anchor !== undefined) this.#anchors.set(anchor, undefined)
          stack.push({ opened: event, value: event.type === EVENT_ID.MAPPING ? {} : [], anchor, key: undefined })
          continue
        }
        case EVENT_ID.POP: {
          const frame = stack.pop()
          if (frame === undefined) {
            const sound = found === this.#problems.length && root !== undefined && root !== null
            if (sound) this.#documents.push({ value: root as Json, piece: this.#piece, event: start }) // checked above
            continue
          }
          value = frame.value
          node = frame.opened
          if (frame.anchor !== undefined) this.#anchors.set(frame.anchor, value)
          break
        }
        case EVENT_ID.ALIAS:
          value = this.#alias(event)
          break
        case EVENT_ID.SCALAR: {
          value = this.#scalar(event)
          const anchor = this.#anchorOf(event)
          if (anchor !== undefined) this.#anchors.set(anchor, value)
          break
        }
      }
      const frame = stack.at(-1)
      if (frame === undefined) root = value
      else this.#add(frame, value, node)
    }
  }

  #add(frame: Frame, value: Json, event: Event): void {
    if (Array.isArray(frame.value)) {
      frame.value.push(value)
    } else if (frame.key === undefined) {
      frame.key = this.#key(frame.value, value, event)
    } else {
      if (frame.key !== null) frame.value[frame.key] = value
      frame.key = undefined
    }
  }

  /** The key to set, or null when it is refused. */
  #key(object: MutableObject, key: Json, event: Event): string | null {
    if (event.type !== EVENT_ID.SCALAR || typeof key !== 'string') {
      this.#refuse('a key must be a string', 'put the key in quotes', rangeOf(event))
      return null
    }
    if (key === '<<' && event.style === SCALAR_STYLE.PLAIN) {
      this.#refuse('merge keys (<<) are not accepted', 'repeat the fields, or use an overlay', rangeOf(event))
      return null
    }
    if (forbiddenKeys.has(key)) {
      this.#refuse(`the key "${key}" is not accepted`, 'use another name', rangeOf(event))
      return null
    }
    if (object[key] !== undefined && Object.hasOwn(object, key)) {
      this.#refuse(`the key "${key}" is given twice`, 'remove one of them', rangeOf(event))
      return null
    }
    return key
  }

  #scalar(event: Event & { type: typeof EVENT_ID.SCALAR }): Json {
    const text = getScalarValue(this.#text, event)
    if (event.tagStart !== -1) {
      this.#checkTag(event)
      return text
    }
    if (event.style !== SCALAR_STYLE.PLAIN) return text
    const value = resolvePlainScalar(text)
    if (value !== undefined) return value
    this.#refuse(
      `${text} is not a number that JSON can hold`,
      'put it in quotes, or write a finite number',
      rangeOf(event),
    )
    return null
  }

  #alias(event: Event & { type: typeof EVENT_ID.ALIAS }): Json {
    const name = this.#text.slice(event.anchorStart, event.anchorEnd)
    const value = this.#anchors.get(name)
    if (value === undefined) {
      const message = this.#anchors.has(name)
        ? `the alias *${name} contains itself`
        : `the alias *${name} has no anchor`
      this.#refuse(message, 'write the value out', rangeOf(event))
      return null
    }
    const copy = this.#copy(value)
    if (copy !== undefined) return copy
    if (this.#aliasValues !== Number.POSITIVE_INFINITY) {
      const limit = yamlLimits.aliasValues
      this.#refuse(
        `aliases stand for more than ${limit} values`,
        'write the values out, or split the document',
        rangeOf(event),
      )
      this.#aliasValues = Number.POSITIVE_INFINITY
    }
    return null
  }

  /** A copy, so that no later step changes two places at once; undefined when the bound is reached. */
  #copy(value: Json): Json | undefined {
    this.#aliasValues++
    if (typeof value === 'string') this.#aliasCharacters += value.length
    if (this.#aliasValues > yamlLimits.aliasValues || this.#aliasCharacters > yamlLimits.aliasCharacters)
      return undefined
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) {
      const list: Json[] = []
      for (const item of value as readonly Json[]) {
        const copy = this.#copy(item)
        if (copy === undefined) return undefined
        list.push(copy)
      }
      return list
    }
    const object: MutableObject = {}
    for (const [key, field] of Object.entries(value)) {
      const copy = this.#copy(field as Json) // parsed objects hold no undefined
      if (copy === undefined) return undefined
      object[key] = copy
    }
    return object
  }

  #anchorOf(event: { anchorStart: number; anchorEnd: number }): string | undefined {
    return event.anchorStart === -1 ? undefined : this.#text.slice(event.anchorStart, event.anchorEnd)
  }

  #checkTag(event: { tagStart: number; tagEnd: number }): void {
    if (event.tagStart === -1) return
    const tag = this.#text.slice(event.tagStart, event.tagEnd)
    if (acceptedTags.has(tag)) return
    this.#refuse(`the tag ${tag} is not accepted`, 'remove the tag', { start: event.tagStart, end: event.tagEnd })
  }

  #refuse(message: string, remedy: string, range: Range): void {
    if (this.#problems.length >= yamlLimits.problems) return
    const { start } = this.#piece
    this.#problems.push({
      code: 'yaml_refused',
      message,
      remedy,
      range: { start: range.start + start, end: range.end + start },
    })
  }
}
