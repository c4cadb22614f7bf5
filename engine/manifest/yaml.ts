import { type Event, parseEvents, YAMLException } from 'js-yaml'
import { YamlBuilder, type YamlDocument, type YamlProblem, yamlLimits } from './yaml-builder.ts'
import type { Range } from './yaml-range.ts'

/** What a file holds, and what is wrong with it. */
export interface ParsedYaml {
  readonly documents: readonly YamlDocument[]
  readonly problems: readonly YamlProblem[]
}

/** Octets after which the next document begins a new piece. */
const pieceSize = 64 * 1024

/**
 * Parses a stream of YAML 1.2 documents (core schema) into plain values. A syntax error ends its piece of the file;
 * everything refused beyond the syntax (tags, merge keys, duplicate keys…) is reported together. Empty documents are
 * left out, and so is a document with a problem.
 */
export function parseYaml(text: string): ParsedYaml {
  const documents: YamlDocument[] = []
  const problems: YamlProblem[] = []
  for (const piece of pieces(text)) {
    if (piece.end - piece.start > pieceSize + yamlLimits.documentSize) {
      problems.push(documentTooLarge(text, piece))
      continue
    }
    try {
      const part = text.slice(piece.start, piece.end)
      new YamlBuilder(part, piece, documents, problems).build(eventsOf(text, piece))
    } catch (error) {
      problems.push(syntaxProblem(error, text, piece.start))
    }
    if (documents.length > yamlLimits.documents) return { documents: [], problems: [tooManyDocuments] }
  }
  return { documents, problems }
}

/** The events of one piece; their offsets count from its start. */
export function eventsOf(text: string, { start, end }: Range): readonly Event[] {
  return parseEvents(text.slice(start, end), { maxDepth: yamlLimits.depth })
}

/**
 * Cuts a long stream at document markers, so that the events of ten thousand documents never exist at once and a
 * position is found by parsing a little. A line that begins with `---` always begins a document (YAML 1.2.2 §9.1.2);
 * where directives stand before a marker, the stream is left whole.
 */
function* pieces(text: string): Generator<Range> {
  if (text.length <= pieceSize || /^%/m.test(text)) {
    yield { start: 0, end: text.length }
    return
  }
  let start = 0
  while (start < text.length) {
    let end = text.indexOf('\n---', start + pieceSize)
    while (end !== -1 && !/[\s]/.test(text.charAt(end + 4))) end = text.indexOf('\n---', end + 4)
    end = end === -1 ? text.length : end + 1
    yield { start, end }
    start = end
  }
}

/** A piece is that long only when its last document is. */
function documentTooLarge(text: string, piece: Range): YamlProblem {
  const marker = text.lastIndexOf('\n---', piece.start + pieceSize)
  const start = Math.max(piece.start, marker + 1)
  return {
    code: 'input_too_large',
    message: `a document is larger than ${yamlLimits.documentSize / 1024} KiB`,
    remedy: 'split it into several documents',
    range: { start, end: start + 1 },
  }
}

const tooManyDocuments: YamlProblem = {
  code: 'input_too_large',
  message: `more than ${yamlLimits.documents} documents`,
  remedy: 'split the configuration',
  range: { start: 0, end: 1 },
}

function syntaxProblem(error: unknown, text: string, base: number): YamlProblem {
  if (error instanceof RangeError || (error instanceof YAMLException && /maxDepth/.test(error.reason))) {
    const start = base + (error instanceof YAMLException ? (error.mark?.position ?? 0) : 0)
    return {
      code: 'yaml_refused',
      message: `nested deeper than ${yamlLimits.depth} levels`,
      remedy: 'flatten it',
      range: { start, end: start + 1 },
    }
  }
  if (!(error instanceof YAMLException)) throw error
  const start = Math.min(base + (error.mark?.position ?? 0), text.length)
  return {
    code: 'yaml_syntax',
    message: `not valid YAML: ${error.reason}`,
    remedy: syntaxRemedy(error.reason, text, start),
    range: { start, end: start + 1 },
  }
}

function syntaxRemedy(reason: string, text: string, position: number): string {
  const lineStart = text.lastIndexOf('\n', position - 1) + 1
  if (/^\s*\t/.test(text.slice(lineStart, text.indexOf('\n', lineStart) >>> 0)))
    return 'indent with spaces instead of tabs'
  if (text.slice(position).trim() === '') return 'close the quote or bracket that was opened before'
  if (/indent/.test(reason)) return 'align it with its neighbours'
  if (/unexpected end|quoted/.test(reason)) return 'close the quote or bracket that was opened before'
  return 'correct it here or in the line before'
}
