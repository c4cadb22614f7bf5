import { type Kind, kinds } from '../../schemas/generated/catalogue.ts'
import { type Address, formatAddress } from '../core/address.ts'
import type { Diagnostic, Position } from '../core/errors.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { pointerTo, pointerTokens, valueAt } from '../core/pointer.ts'
import type { Pointer } from '../core/resource.ts'
import { isWithin } from './draft.ts'
import { type Facts, factsOf } from './facts.ts'
import type { Judged, ProblemFacts } from './judged.ts'
import { covers } from './pattern.ts'
import type { SourceText } from './source-text.ts'
import { calledBy } from './suggestion.ts'
import type { YamlDocument } from './yaml-builder.ts'

/** A document as one file says it. */
export interface Layer {
  readonly source: SourceText
  readonly document: YamlDocument
  readonly value: JsonObject
}

/** A resource as its documents declare it, before it is known to be valid. The last layer wins. */
export interface Declared {
  readonly kind: Kind
  readonly name: string
  readonly layers: readonly Layer[]
  /** The merged document. Steps of loading replace it. */
  value: JsonObject
  /** Which field each problem is about, kept for a resource that no text declares. */
  readonly pointers?: Map<Diagnostic, Pointer>
  /** Fields whose value only the apply will know; a stand-in holds their place. */
  readonly unknown?: readonly Pointer[]
  /** Fields that were given as secrets although their kind asks for none. */
  readonly confidential?: readonly Pointer[]
}

/** Whether a field holds a stand-in, or is below or around one. */
export function isUnknown({ unknown = [] }: Declared, pointer: Pointer): boolean {
  return unknown.some(each => isWithin(pointer, each) || isWithin(each, pointer))
}

export function addressOf({ kind, name }: Declared): Address {
  return formatAddress(kind, name)
}

export function factsOfDeclared({ kind, value }: Declared): Facts {
  return factsOf(kind, value.spec)
}

/** The layer that says a field: the last one that has it. */
export function layerOf({ layers }: Declared, pointer: Pointer): Layer | undefined {
  return layers.findLast(layer => valueAt(layer.value, pointer) !== undefined)
}

/** Where a field stands, or else the nearest thing around it that some file says. */
export function locate(declared: Declared, pointer: Pointer, part: 'key' | 'value' = 'value'): Position | undefined {
  const tokens = pointerTokens(pointer)
  const confidential = isConfidential(declared, tokens)
  for (let depth = tokens.length; depth >= 0; depth--) {
    const at = pointerTo(...tokens.slice(0, depth))
    for (const { source, document } of declared.layers.toReversed()) {
      const range = source.find(document, at, depth === tokens.length ? part : 'key')
      if (range) return source.position(range, confidential)
    }
  }
  return undefined
}

/** Where a field is said, or the path of the file that it was read from; undefined for a default. */
export function originOf(declared: Declared, pointer: Pointer): Position | undefined {
  const read = factsOfDeclared(declared).files.find(({ into }) => into !== undefined && `/spec${into}` === pointer)
  const said = [pointer, ...(read ? [`/spec${pointerTo(...read.pattern)}`] : [])]
  for (const { source, document } of declared.layers.toReversed()) {
    for (const at of said) {
      const range = source.find(document, at, 'value')
      if (range) return source.position(range, true)
    }
  }
  return undefined
}

/** Whether a field of the document is a secret or below one. */
function isConfidential(declared: Declared, tokens: readonly string[]): boolean {
  if (declared.confidential?.includes(pointerTo(...tokens))) return true
  if (tokens[0] !== 'spec') return false
  const path = tokens.slice(1)
  // A key pasted into the wrong credential field is still a key.
  if (declared.kind === 'DnsProvider' && path[0] === 'credentials' && path.length > 1) return true
  return factsOfDeclared(declared).secrets.some(pattern => covers(pattern, path))
}

/** `spec.domains[1]`: how a sentence names a field. */
export function fieldInWords(pointer: Pointer): string {
  return pointerTokens(pointer)
    .map((token, index) => (/^\d+$/.test(token) ? `[${token}]` : `${index === 0 ? '' : '.'}${token}`))
    .join('')
}

/** An error of a resource, at one of its fields. */
export function problemOf(declared: Declared, pointer: Pointer, facts: ProblemFacts): Diagnostic {
  const position = locate(declared, pointer, facts.part)
  const problem: Diagnostic = {
    severity: facts.severity ?? 'error',
    code: facts.code,
    message: `${calledBy(declared.kind, declared.name)} ${facts.message}`,
    ...(facts.remedy !== undefined && { remedy: facts.remedy }),
    address: addressOf(declared),
    ...(position && { position }),
  }
  declared.pointers?.set(problem, pointer)
  return problem
}

/** A resource as its schema's violations are explained. */
export function judgedOf(declared: Declared): Judged {
  return {
    value: declared.value,
    problemAt: (pointer, facts) => problemOf(declared, pointer, facts),
    isConfidential: tokens => isConfidential(declared, tokens),
  }
}

/** A short form of a value for a sentence. */
export function valueInWords(value: Json | undefined): string {
  if (value === undefined || value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 60 ? `${text.slice(0, 57)}…${typeof value === 'string' ? '"' : ''}` : text
}

export const kindNames: readonly string[] = kinds
