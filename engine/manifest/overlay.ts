import { dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { formatAddress } from '../core/address.ts'
import type { Diagnostic } from '../core/errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { pointerTokens } from '../core/pointer.ts'
import { type Declared, factsOfDeclared, layerOf } from './declared.ts'
import type { Named } from './envelope.ts'
import { factsOf } from './facts.ts'
import { covers, matches, type Pattern, replaced } from './pattern.ts'
import { calledBy } from './suggestion.ts'

export interface Merged {
  readonly declared: readonly Declared[]
  /** Addresses that one `-f` argument declares twice, with every document that does. */
  readonly duplicates: ReadonlyMap<string, readonly Named[]>
  readonly problems: readonly Diagnostic[]
}

/**
 * Merges the documents of several `-f` arguments by kind and name: a later argument changes what an earlier one
 * says. Maps merge field by field, lists and references are replaced, `null` removes.
 */
export function mergeOverlays(inputs: readonly (readonly Named[])[]): Merged {
  const merged = new Map<string, { kind: Named['kind']; name: string; parts: Named[] }>()
  const duplicates = new Map<string, Named[]>()
  const problems: Diagnostic[] = []
  for (const documents of inputs) {
    const seen = new Map<string, Named>()
    for (const named of documents) {
      const address = formatAddress(named.kind, named.name)
      const first = seen.get(address)
      if (first) {
        const known = duplicates.get(address)
        if (known) known.push(named)
        else duplicates.set(address, [first, named])
        problems.push(duplicate(first, named))
        continue
      }
      seen.set(address, named)
      const entry = merged.get(address)
      if (entry) entry.parts.push(named)
      else merged.set(address, { kind: named.kind, name: named.name, parts: [named] })
    }
  }
  return { declared: [...merged.values()].map(declare), duplicates, problems }
}

function declare({ kind, name, parts }: { kind: Named['kind']; name: string; parts: readonly Named[] }): Declared {
  const layers = parts.map(({ layer }) => layer)
  const [first, ...later] = layers.map(({ value }) => value)
  let value = first ?? {}
  for (const overlay of later) {
    const type = isJsonObject(overlay.spec) && overlay.spec.providerType !== undefined ? overlay.spec : value.spec
    // Patterns are below the spec, paths below the document.
    const whole = factsOf(kind, type).whole.map(pattern => ['spec', ...pattern])
    value = mergeMaps(value, overlay, [], whole)
  }
  return { kind, name, layers, value }
}

function mergeMaps(
  base: JsonObject,
  overlay: JsonObject,
  path: readonly string[],
  whole: readonly Pattern[],
): JsonObject {
  const merged: { [key: string]: Json | undefined } = { ...base }
  for (const [key, value] of Object.entries(overlay)) {
    const below = [...path, key]
    const before = merged[key]
    if (value === null) delete merged[key]
    else if (isJsonObject(before) && isJsonObject(value) && !whole.some(pattern => covers(pattern, below))) {
      merged[key] = mergeMaps(before, value, below, whole)
    } else merged[key] = value
  }
  return merged
}

/**
 * Paths of secret files count from the file that says them; once merged, from the file of the first layer. Called
 * after validation.
 */
export function rebaseSecretFiles(declared: Declared): void {
  const [first, ...later] = declared.layers
  if (first === undefined || later.length === 0) return
  const home = dirname(first.source.file)
  for (const pattern of [...factsOfDeclared(declared).secrets, ...factsOfDeclared(declared).secretable]) {
    for (const { pointer, value } of matches(declared.value.spec, pattern)) {
      if (!isJsonObject(value) || typeof value.file !== 'string' || isAbsolute(value.file)) continue
      const layer = layerOf(declared, `/spec${pointer}`)
      const folder = dirname(layer?.source.file ?? first.source.file)
      if (folder === home) continue
      const file = relative(resolve(home), resolve(join(folder, value.file)))
      const spec = replaced(declared.value.spec ?? {}, pointerTokens(pointer), { file })
      declared.value = { ...declared.value, spec }
    }
  }
}

function duplicate(first: Named, again: Named): Diagnostic {
  const at = ({ layer: { source, document } }: Named) => {
    const range = source.find(document, '/metadata/name', 'value')
    return source.position(range ?? { start: document.piece.start, end: document.piece.start + 1 }, false)
  }
  const other = at(first)
  return {
    severity: 'error',
    code: 'duplicate_resource',
    message: `${calledBy(again.kind, again.name)} is already declared at ${other.file}:${other.line}:${other.column}`,
    remedy:
      'remove or rename one of them; to change it for an environment, put the change in a folder of its own and add -f',
    address: formatAddress(again.kind, again.name),
    position: at(again),
  }
}
