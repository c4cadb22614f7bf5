import { isUtf8 } from 'node:buffer'
import { type Diagnostic, EngineError } from '../core/errors.ts'
import { isJsonObject, type Json } from '../core/json.ts'
import { type Named, readEnvelope } from './envelope.ts'
import type { SourceFiles } from './files.ts'
import { SourceText } from './source-text.ts'
import { parseYaml } from './yaml.ts'
import { yamlLimits } from './yaml-builder.ts'

/** Every document of every input that says what it is. */
export interface Gathered {
  /** In the order read. */
  readonly files: readonly string[]
  /** Per path. */
  readonly inputs: readonly (readonly Named[])[]
  readonly problems: readonly Diagnostic[]
  /** Texts of files that are not valid YAML; undefined for one that could not even be read. */
  readonly unread: readonly (string | undefined)[]
}

/** Reads and parses the inputs; what fails does not hide the rest. */
export async function gather(paths: readonly string[], files: SourceFiles): Promise<Gathered> {
  const inputs: Named[][] = []
  const problems: Diagnostic[] = []
  const unread: (string | undefined)[] = []
  const read: string[] = []
  let documents = 0
  for (const path of paths) {
    const named: Named[] = []
    inputs.push(named)
    const listing = await files.list(path)
    problems.push(...listing.failures.map(failure => failure.toDiagnostic()), ...listing.links.map(linkWarning))
    unread.push(...listing.failures.map(() => undefined))
    for (const file of listing.files) {
      read.push(file)
      const text = await readText(file, files)
      if (typeof text !== 'string') {
        problems.push(text)
        unread.push(undefined)
        continue
      }
      const source = new SourceText(file, text)
      const parsed = parseYaml(text)
      documents += parsed.documents.length
      if (parsed.problems.length > 0) unread.push(text)
      for (const { code, message, remedy, range } of parsed.problems) {
        problems.push({ severity: 'error', code, message, remedy, position: source.position(range, false) })
      }
      if (documents > yamlLimits.documents) {
        problems.push(tooManyDocuments(file))
        return { files: read, inputs: [], problems, unread: [undefined] }
      }
      for (const document of parsed.documents) {
        const envelope = readEnvelope(source, document)
        if ('layer' in envelope) named.push(envelope)
        else {
          problems.push(...envelope)
          unread.push(nameIn(document.value))
        }
      }
    }
  }
  if (documents === 0 && problems.every(({ severity }) => severity === 'warning')) problems.push(nothingFound(paths))
  return { files: read, inputs, problems, unread }
}

async function readText(file: string, files: SourceFiles): Promise<string | Diagnostic> {
  let octets: Uint8Array
  try {
    octets = await files.read(file, yamlLimits.fileSize)
  } catch (error) {
    if (error instanceof EngineError) return error.toDiagnostic()
    throw error
  }
  if (isUtf8(octets)) return textOf(octets)
  const position = { file, line: 1, column: 1 }
  const message = `"${file}" is not UTF-8 text`
  return { severity: 'error', code: 'yaml_refused', message, remedy: 'save it as UTF-8', position }
}

/** UTF-8 without its byte order mark. */
function textOf(octets: Uint8Array): string {
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('utf8')
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}

/** A document whose kind is not understood still has a name that others may refer to. */
function nameIn(value: Json): string {
  const name = isJsonObject(value) && isJsonObject(value.metadata) ? value.metadata.name : undefined
  return typeof name === 'string' ? name : ''
}

function linkWarning(file: string): Diagnostic {
  const message = `"${file}" is a symbolic link and was not followed`
  return {
    severity: 'warning',
    code: 'input_unreadable',
    message,
    remedy: 'name its target with -f if it belongs to the configuration',
    position: { file, line: 1, column: 1 },
  }
}

function tooManyDocuments(file: string): Diagnostic {
  const message = `the configuration has more than ${yamlLimits.documents} documents`
  return {
    severity: 'error',
    code: 'input_too_large',
    message,
    remedy: 'split it',
    position: { file, line: 1, column: 1 },
  }
}

function nothingFound(paths: readonly string[]): Diagnostic {
  const message = `no document found in ${paths.length === 0 ? 'nothing' : paths.map(path => `"${path}"`).join(', ')}`
  return {
    severity: 'error',
    code: 'input_empty',
    message,
    remedy: 'name files or folders that hold *.yaml or *.yml manifests',
  }
}
