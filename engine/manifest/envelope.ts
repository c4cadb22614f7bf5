import type { Kind } from '../../schemas/generated/catalogue.ts'
import type { Diagnostic } from '../core/errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import type { Pointer } from '../core/resource.ts'
import { kindNames, type Layer, valueInWords } from './declared.ts'
import { isKind } from './facts.ts'
import type { SourceText } from './source-text.ts'
import { nearest } from './suggestion.ts'
import type { YamlDocument } from './yaml-builder.ts'

/** A document that says what it declares; the rest of it is not yet looked at. */
export interface Named {
  readonly kind: Kind
  readonly name: string
  readonly layer: Layer
}

const apiVersion = 'trustform/v1'

/** Reads `apiVersion`, `kind` and `metadata.name`, without which nothing else can be judged. */
export function readEnvelope(source: SourceText, document: YamlDocument): Named | readonly Diagnostic[] {
  const { value } = document
  const problems: Diagnostic[] = []
  const problem = (code: Diagnostic['code'], pointer: Pointer, message: string, remedy: string) => {
    const parent = pointer.slice(0, pointer.lastIndexOf('/'))
    const found = source.find(document, pointer, 'value') ?? source.find(document, parent, 'key')
    const range = found ?? source.find(document, '', 'key') ?? { start: 0, end: 1 }
    problems.push({ severity: 'error', code, message, remedy, position: source.position(range, false) })
  }
  if (!isJsonObject(value)) {
    // Somebody named a file of another sort, perhaps one that holds a key: nothing of it is shown.
    const { line, column } = source.position(source.content(document), true)
    const message = `the document is ${Array.isArray(value) ? 'a list' : 'a single value'}, expected a map`
    return [
      {
        severity: 'error',
        code: 'schema_violation',
        message,
        remedy: shape,
        position: { file: source.file, line, column },
      },
    ]
  }
  if (value.apiVersion === undefined && value.kind === undefined) {
    problem('schema_violation', '', 'the document has neither apiVersion nor kind', shape)
    return problems
  }
  if (value.apiVersion !== apiVersion) {
    const message =
      value.apiVersion === undefined
        ? 'the document has no apiVersion'
        : `the apiVersion is ${valueInWords(value.apiVersion)}`
    problem('schema_violation', '/apiVersion', message, `write apiVersion: ${apiVersion}`)
  }
  const kind = value.kind
  if (typeof kind !== 'string') {
    const message =
      kind === undefined ? 'the document has no kind' : `the kind is ${valueInWords(kind)}, expected a word`
    problem('schema_violation', '/kind', message, `write kind: with one of ${kindNames.join(', ')}`)
  } else if (!isKind(kind)) {
    const meant = nearest(kind, kindNames)
    const known = `kinds: ${kindNames.join(', ')}`
    problem(
      'kind_unknown',
      '/kind',
      `there is no kind ${valueInWords(kind)}`,
      meant ? `did you mean "${meant}"? Known ${known}` : `use one of the known ${known}`,
    )
  }
  const name = nameOf(value)
  if (typeof name !== 'string') {
    const pointer = isJsonObject(value.metadata) ? '/metadata/name' : '/metadata'
    const message =
      name === undefined ? 'the document has no metadata.name' : `metadata.name is ${valueInWords(name)}, expected text`
    problem(
      'schema_violation',
      pointer,
      message,
      name === undefined ? 'add metadata: {name: …}' : 'put the name in quotes',
    )
  }
  if (problems.length > 0 || typeof kind !== 'string' || !isKind(kind) || typeof name !== 'string') return problems
  return { kind, name, layer: { source, document, value } }
}

const shape = `write apiVersion: ${apiVersion}, kind, metadata and spec`

function nameOf({ metadata }: JsonObject): Json | undefined {
  return isJsonObject(metadata) ? metadata.name : undefined
}
