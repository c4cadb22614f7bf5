import { dirname, isAbsolute, join } from 'node:path'
import { type Diagnostic, EngineError } from '../core/errors.ts'
import { isJsonObject } from '../core/json.ts'
import { type Declared, factsOfDeclared, fieldInWords, layerOf, problemOf } from './declared.ts'
import type { SourceFiles } from './files.ts'
import { matches, replaced } from './pattern.ts'

/** Octets of a file that a field may name. */
const largestFile = 1024 * 1024

/** Puts the content of files in the place of `{file: PATH}`. A path counts from the file that says it. */
export async function inlineFiles(declared: Declared, files: SourceFiles): Promise<Diagnostic[]> {
  const problems: Diagnostic[] = []
  for (const { pattern, into } of factsOfDeclared(declared).files) {
    for (const { pointer, value } of [...matches(declared.value.spec, pattern)]) {
      const path = into === undefined ? (isJsonObject(value) ? value.file : undefined) : value
      if (typeof path !== 'string') continue
      const at = `/spec${pointer}`
      const home = dirname(layerOf(declared, at)?.source.file ?? '')
      try {
        const octets = await files.read(isAbsolute(path) ? path : join(home, path), largestFile)
        const text = new TextDecoder('utf-8', { fatal: true }).decode(octets)
        let spec = replaced(declared.value.spec ?? {}, (into ?? pointer).split('/').slice(1), text)
        if (into !== undefined) spec = replaced(spec, pointer.split('/').slice(1), undefined)
        declared.value = { ...declared.value, spec }
      } catch (error) {
        problems.push(unreadable(declared, at, error))
      }
    }
  }
  return problems
}

function unreadable(declared: Declared, pointer: string, error: unknown): Diagnostic {
  const field = fieldInWords(pointer)
  if (error instanceof EngineError) {
    const remedy = error.remedy ?? 'check the path'
    return problemOf(declared, pointer, {
      code: error.code,
      message: `names a file at ${field}: ${error.message}`,
      remedy,
    })
  }
  if (!(error instanceof TypeError)) throw error
  const message = `names a file at ${field} that is not UTF-8 text`
  return problemOf(declared, pointer, { code: 'input_unreadable', message, remedy: 'give a PEM file' })
}
